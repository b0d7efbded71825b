// People over every store: passwords, sessions, the first of them, and how often somebody may try.
#include "account/sign_in.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "account/session.hpp"
#include "support/stores.hpp"

namespace countersign::account {
namespace {

using namespace std::chrono_literals;

const UtcTime kNow = *parse_rfc3339("2026-11-23T10:00:00Z");
constexpr AttemptLimit kLimit{3, 15min};

class SignInTest : public test::StoreTest {
 protected:
  UserId new_user(const std::string& name) {
    const UserId id(name);
    (void)db().write(
        [&](store::Tx& tx) { return create_user(tx, id, name + "@x.example", kNow).has_value(); });
    return id;
  }
  template <class Body>
  void write(Body body) {
    (void)db().write([&](store::Tx& tx) {
      body(tx);
      return std::monostate{};
    });
  }
  void begin(const std::string& token, const UserId& user) {
    write([&](store::Tx& tx) { begin_session(tx, {token, user, 1h, kNow + 10h}, kNow); });
  }
  std::optional<Principal> person_of(const std::string& token, UtcTime now) {
    return db().read([&](store::ReadTx& tx) { return authenticate_session(tx, token, now, Limits{}); });
  }
  std::optional<Password> password_of(const std::string& email) {
    return db().read([&](store::ReadTx& tx) { return find_password(tx, email); });
  }
  std::int64_t refused_for(const std::string& subject, UtcTime now = kNow) {
    return db().write([&](store::Tx& tx) {
      const auto counted = count_attempt(tx, subject, kLimit, now);
      return counted ? 0 : counted.error().retry_after_seconds;
    });
  }
};
COUNTERSIGN_ON_EVERY_STORE(SignInTest);

TEST_P(SignInTest, ASessionAdmitsItsPersonToTheWholeAccount) {
  const UserId ada = new_user("ada");
  begin("t", ada);
  const auto person = person_of("t", kNow);
  ASSERT_TRUE(person);
  EXPECT_EQ(person->user, ada);
  EXPECT_EQ(person->scope, Scope::account);
  EXPECT_EQ(person->actor(), "ada@x.example");
  EXPECT_FALSE(person_of("another", kNow));
}

TEST_P(SignInTest, ASessionEndsWhenItIsNotUsed) {
  begin("t", new_user("ada"));
  EXPECT_TRUE(person_of("t", kNow + 1h - 1us));
  EXPECT_FALSE(person_of("t", kNow + 1h));
}

TEST_P(SignInTest, UseKeepsASessionAliveUntilItsLastHour) {
  begin("t", new_user("ada"));
  for (int hour = 1; hour < 10; ++hour) {
    const UtcTime now = kNow + std::chrono::hours(hour) - std::chrono::minutes(hour);
    ASSERT_TRUE(person_of("t", now)) << hour;
    write([&](store::Tx& tx) { touch_session(tx, "t", now); });
  }
  write([&](store::Tx& tx) { touch_session(tx, "t", kNow + 10h - 1s); });
  EXPECT_TRUE(person_of("t", kNow + 10h - 1us));
  EXPECT_FALSE(person_of("t", kNow + 10h));
}

TEST_P(SignInTest, SigningOutEndsOneSessionAndSigningOutEverywhereAll) {
  const UserId ada = new_user("ada");
  const UserId bob = new_user("bob");
  for (const char* token : {"1", "2", "3"}) begin(token, ada);
  begin("b", bob);
  write([&](store::Tx& tx) { EXPECT_TRUE(end_session(tx, "1")); });
  EXPECT_FALSE(person_of("1", kNow));
  EXPECT_TRUE(person_of("2", kNow));
  write([&](store::Tx& tx) { EXPECT_EQ(end_sessions(tx, ada), 2); });
  EXPECT_FALSE(person_of("2", kNow));
  EXPECT_TRUE(person_of("b", kNow));
}

TEST_P(SignInTest, SessionsThatAreOverAreForgotten) {
  begin("t", new_user("ada"));
  write([&](store::Tx& tx) { EXPECT_EQ(forget_sessions(tx, kNow + 9h, 10), 0); });
  write([&](store::Tx& tx) { EXPECT_EQ(forget_sessions(tx, kNow + 10h, 10), 1); });
}

TEST_P(SignInTest, ANewPasswordEndsEverySession) {
  const UserId ada = new_user("ada");
  EXPECT_FALSE(password_of("ada@x.example"));
  write([&](store::Tx& tx) { set_password(tx, ada, "first", kNow); });
  begin("t", ada);
  write([&](store::Tx& tx) { set_password(tx, ada, "second", kNow); });
  EXPECT_EQ(password_of("ada@x.example")->hash, "second");
  EXPECT_FALSE(person_of("t", kNow));
}

TEST_P(SignInTest, NobodyComesInWithAPasswordThatIsBeingChanged) {
  const UserId ada = new_user("ada");
  for (int round = 0; round < 100; ++round) {
    const std::string old = fmt::format("hash {}", round);
    const std::string token = fmt::format("t{}", round);
    write([&](store::Tx& tx) { set_password(tx, ada, old, kNow); });
    std::barrier start(2);
    std::thread person([&] {
      start.arrive_and_wait();
      write([&](store::Tx& tx) {
        if (lock_password(tx, ada, old)) begin_session(tx, {token, ada, 1h, kNow + 10h}, kNow);
      });
    });
    start.arrive_and_wait();
    write([&](store::Tx& tx) { set_password(tx, ada, "another", kNow); });
    person.join();
    ASSERT_FALSE(person_of(token, kNow)) << round;
  }
}

TEST_P(SignInTest, AnUpgradeOfAPasswordLosesAgainstAChangeOfIt) {
  const UserId ada = new_user("ada");
  write([&](store::Tx& tx) { set_password(tx, ada, "second", kNow); });
  write([&](store::Tx& tx) { EXPECT_FALSE(upgrade_password(tx, ada, "first", "first, stronger")); });
  write([&](store::Tx& tx) { EXPECT_TRUE(upgrade_password(tx, ada, "second", "second, stronger")); });
  EXPECT_EQ(password_of("ada@x.example")->hash, "second, stronger");
}

TEST_P(SignInTest, OneOfManyBecomesTheFirstPerson) {
  const UserId ada = new_user("ada");
  std::atomic<int> first = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      first += db().write([&](store::Tx& tx) {
        if (!claim_setup(tx, kNow)) return 0;
        set_password(tx, ada, "hash", kNow);
        return 1;
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(first, 1);
}

TEST_P(SignInTest, NobodyIsTheFirstOnceSomebodyHasAPassword) {
  const UserId ada = new_user("ada");
  write([&](store::Tx& tx) { set_password(tx, ada, "hash", kNow); });
  write([&](store::Tx& tx) { EXPECT_FALSE(claim_setup(tx, kNow)); });
}

TEST_P(SignInTest, AfterTooManyAttemptsOneWaitsForTheEndOfTheWindow) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(refused_for("email ada"), 0) << i;
  EXPECT_EQ(refused_for("email ada"), 15 * 60);
  EXPECT_EQ(refused_for("email ada", kNow + 10min), 5 * 60);
  EXPECT_EQ(refused_for("email bob"), 0) << "others are not held up";
  EXPECT_EQ(refused_for("email ada", kNow + 15min), 0);
}

TEST_P(SignInTest, SuccessForgivesThePersonAndTakesOneOffTheAddress) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(refused_for("email ada"), 0);
    EXPECT_EQ(refused_for("address a"), 0);
  }
  write([&](store::Tx& tx) {
    forgive_attempts(tx, "email ada");
    forgive_attempt(tx, "address a");
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(refused_for("email ada"), 0);
  EXPECT_EQ(refused_for("address a"), 0);
  EXPECT_NE(refused_for("address a"), 0);
  write([&](store::Tx& tx) { EXPECT_EQ(forget_attempts(tx, kNow + 1s, 10), 2); });
}

}  // namespace
}  // namespace countersign::account
