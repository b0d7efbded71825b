// Idempotency keys over every store: who does the work, and who hears the answer again.
#include "account/idempotency.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "account/principal.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::account {
namespace {

using namespace std::chrono_literals;

const UtcTime kNow = *parse_rfc3339("2026-11-23T10:00:00Z");

class IdempotencyTest : public test::StoreTest {
 protected:
  UserId new_user(const std::string& name) {
    const UserId id(name);
    db().write([&](store::Tx& tx) { return create_user(tx, id, name + "@owner.example", kNow).has_value(); });
    return id;
  }
  KeyState claim(const std::string& fingerprint, UtcTime at = kNow) {
    return db().write([&](store::Tx& tx) { return claim_key(tx, ada_, "key", fingerprint, at); });
  }
  void answer(const std::string& fingerprint, const std::string& body, UtcTime at = kNow) {
    db().write([&](store::Tx& tx) {
      store_answer(tx, ada_, "key", fingerprint, 202, body, at);
      return std::monostate{};
    });
  }

  const UserId ada_ = new_user("ada");
};
COUNTERSIGN_ON_EVERY_STORE(IdempotencyTest);
class IdempotencyOnPostgresTest : public IdempotencyTest {};
COUNTERSIGN_ON_POSTGRES(IdempotencyOnPostgresTest);

TEST_P(IdempotencyTest, AnAnswerIsReplayedToTheSameRequestAndRefusedToAnother) {
  EXPECT_TRUE(std::holds_alternative<Fresh>(claim("f")));
  EXPECT_TRUE(std::holds_alternative<Fresh>(claim("f"))) << "claiming alone remembers nothing";
  answer("f", "{\"a\":1}");
  const KeyState again = claim("f", kNow + 23h);
  ASSERT_TRUE(std::holds_alternative<Replay>(again));
  EXPECT_EQ(std::get<Replay>(again).status, 202);
  EXPECT_EQ(std::get<Replay>(again).body, "{\"a\":1}");
  EXPECT_TRUE(std::holds_alternative<KeyReused>(claim("g")));
}

TEST_P(IdempotencyTest, AnotherAccountsKeyIsAnotherKey) {
  const UserId eve = new_user("eve");
  answer("f", "{}");
  const KeyState state = db().write([&](store::Tx& tx) { return claim_key(tx, eve, "key", "f", kNow); });
  EXPECT_TRUE(std::holds_alternative<Fresh>(state));
}

TEST_P(IdempotencyTest, AfterADayTheKeyIsFreeAndItsRowReplacedOrForgotten) {
  answer("f", "old");
  EXPECT_TRUE(std::holds_alternative<Fresh>(claim("f", kNow + 24h)));
  answer("f", "new", kNow + 24h);
  EXPECT_EQ(std::get<Replay>(claim("f", kNow + 25h)).body, "new");
  const auto forget = [&](UtcTime at) {
    return db().write([&](store::Tx& tx) { return forget_old_answers(tx, at, 10); });
  };
  EXPECT_EQ(forget(kNow + 47h), 0);
  EXPECT_EQ(forget(kNow + 48h), 1);
  EXPECT_TRUE(std::holds_alternative<Fresh>(claim("f", kNow + 25h)));
}

TEST_P(IdempotencyOnPostgresTest, WhoUsesAKeyAgainIsNotForgottenWithWhoUsedItBefore) {
  answer("f", "old");
  test::meet(
      store_, [&](store::Tx& tx) { store_answer(tx, ada_, "key", "f", 202, "new", kNow + 25h); },
      [&](store::Tx& tx) { EXPECT_EQ(forget_old_answers(tx, kNow + 25h, 10), 0); });
  EXPECT_EQ(std::get<Replay>(claim("f", kNow + 26h)).body, "new");
}

TEST_P(IdempotencyTest, ARolledBackRequestLeavesTheKeyFree) {
  const auto refused = db().write([&](store::Tx& tx) -> Result<int, int> {
    (void)claim_key(tx, ada_, "key", "f", kNow);
    store_answer(tx, ada_, "key", "f", 200, "{}", kNow);
    return unexpected(1);
  });
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(std::holds_alternative<Fresh>(claim("f")));
}

// PostgreSQL tells another node at once; on SQLite the other one waits for its turn to write, and then finds
// the answer.
TEST_P(IdempotencyTest, AnotherNodeDoesNotDoTheWorkOfAnOpenTransaction) {
  const auto other = store_.open_another();
  std::promise<void> claimed;
  std::promise<void> release;
  const std::shared_future<void> go(release.get_future());
  auto first = std::async(std::launch::async, [&, done = std::make_shared<std::once_flag>()] {
    return db().write([&](store::Tx& tx) {
      const bool fresh = std::holds_alternative<Fresh>(claim_key(tx, ada_, "key", "f", kNow));
      std::call_once(*done, [&] { claimed.set_value(); });
      go.wait();
      store_answer(tx, ada_, "key", "f", 200, "{}", kNow);
      return fresh;
    });
  });
  claimed.get_future().wait();
  auto second = std::async(std::launch::async, [&] {
    return other->write([&](store::Tx& tx) { return claim_key(tx, ada_, "key", "f", kNow); });
  });
  if (db().dialect() == store::Dialect::postgres) {
    EXPECT_TRUE(std::holds_alternative<InFlight>(second.get()));
    release.set_value();
  } else {
    release.set_value();
    EXPECT_TRUE(std::holds_alternative<Replay>(second.get()));
  }
  EXPECT_TRUE(first.get());
}

TEST_P(IdempotencyTest, OfParallelRequestsWithOneKeyOneDoesTheWork) {
  std::atomic<int> done = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const bool fresh = db().write([&](store::Tx& tx) {
        if (!std::holds_alternative<Fresh>(claim_key(tx, ada_, "key", "f", kNow))) return false;
        store_answer(tx, ada_, "key", "f", 200, "{}", kNow);
        return true;
      });
      if (fresh) ++done;
    });
  }
  threads.clear();
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace countersign::account
