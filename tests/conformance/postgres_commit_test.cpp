// COMMIT on PostgreSQL over a connection that breaks: the caller hears what is true, and a body that is run
// again takes effect once.
#include <gmock/gmock.h>

#include "base/result.hpp"
#include "conformance/pending.hpp"
#include "conformance/postgres_proxy.hpp"
#include "support/private_postgres.hpp"

namespace countersign::test {
namespace {

using testing::ElementsAre;
using Fault = PostgresProxy::Fault;

constexpr store::Query kIncrement{"things.increment", "UPDATE things SET number = number + 1 WHERE id = $1"};

// A deadline that is waited for, and leaves a busy machine time for what is done within it.
constexpr std::chrono::seconds kLongEnough{20};
// Is waited for to its end, and what is done before is a few statements.
constexpr std::chrono::seconds kRefusalPatience{5};

// Host and port of a URL with both.
std::pair<std::string, int> server_of(const std::string& url) {
  const std::size_t host = url.find('@') + 1;
  const std::size_t colon = url.find(':', host);
  return {url.substr(host, colon - host), std::stoi(url.substr(colon + 1))};
}

class PostgresCommitTest : public testing::Test {
 protected:
  PostgresCommitTest() : proxy_(server_of(direct_.url()).first, server_of(direct_.url()).second) {
    direct_.database().write(create_things);
    direct_.database().write(adds("counter"));
    open(kStorePatience);
  }
  ~PostgresCommitTest() override { db_->stop(); }

  void open(std::chrono::milliseconds deadline) {
    store::Options options = patient_options(proxy_.in_front_of(direct_.url()));
    options.connections = 1;
    options.deadline = deadline;
    db_ = store::open(options);
    increment();  // everything is connected and prepared
  }
  void increment() {
    db_->write([this](store::Tx& tx) {
      ++runs_;
      return tx.execute(kIncrement, {"counter"});
    });
    ++told_;
  }
  [[nodiscard]] std::int64_t counted() { return number_of(direct_.database(), "counter"); }

  TestStore direct_{Backend::postgres};
  PostgresProxy proxy_;
  std::unique_ptr<store::Database> db_;
  int runs_ = 0;
  int told_ = 0;  // increments that were acknowledged
};

TEST_F(PostgresCommitTest, CutBeforeAStatementRunsTheBodyAgain) {
  proxy_.arm(Fault::cut_before, kIncrement.name(), 2);
  increment();
  EXPECT_EQ(proxy_.faults(), 2);
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, CutBeforeCommitRunsTheBodyAgain) {
  proxy_.arm(Fault::cut_before, "store.commit");
  increment();
  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, CutBeforeTheGuardRunsTheBodyAgain) {
  proxy_.arm(Fault::cut_before, "store.guard");
  increment();
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, CutAfterCommitIsFoundToHaveCommittedAndNotRunAgain) {
  proxy_.arm(Fault::cut_after, "store.commit");
  increment();
  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, EveryOtherCommitLosingItsAnswerCountsNothingTwice) {
  for (int i = 0; i < 10; ++i) {
    proxy_.arm(i % 2 == 0 ? Fault::cut_after : Fault::cut_before,
               i % 3 == 0 ? "store.guard" : "store.commit");
    increment();
  }
  EXPECT_EQ(proxy_.faults(), 10);
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, ACommitUnderWayForTooLongIsEndedAndRunAgain) {
  // The guard has reached the server, so the old transaction holds its slot: it must be ended to take it
  // over.
  proxy_.arm(Fault::delay, "store.commit");
  increment();
  EXPECT_EQ(counted(), told_);
  proxy_.release();
  EXPECT_EQ(counted(), told_) << "the late COMMIT took effect";
  EXPECT_EQ(runs_, 3);
}

TEST_F(PostgresCommitTest, ACommitWhoseSlotWasTakenOverDoesNotPassTheGuard) {
  db_->write([&](store::Tx& tx) {
    if (++runs_ == 2) postgres_execute(direct_.url(), "UPDATE store_sessions SET epoch = epoch + 1");
    return tx.execute(kIncrement, {"counter"});
  });
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(counted(), told_ + 1);
}

TEST_F(PostgresCommitTest, ACommitThatArrivesLateHasNoEffect) {
  proxy_.arm(Fault::delay, "store.guard");
  increment();
  EXPECT_EQ(counted(), told_);
  proxy_.release();
  EXPECT_EQ(counted(), told_) << "the late COMMIT took effect";
  EXPECT_EQ(runs_, 3);
}

TEST_F(PostgresCommitTest, ASwallowedCommitIsSoughtInTheSecondHalfOfTheDeadline) {
  open(kLongEnough);
  proxy_.arm(Fault::swallow, "store.commit");
  increment();
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, AnOutcomeThatCannotBeFoundOutIsToldAsUnknown) {
  open(kLongEnough);
  proxy_.arm(Fault::swallow, "store.commit");
  auto write = start_write(*db_, [&](store::Tx& tx) {
    const auto changed = tx.execute(kIncrement, {"counter"});
    return changed;
  });
  EXPECT_TRUE(proxy_.wait_for_fault());
  // The search, which begins when half of the deadline is over, cannot take the slot over either.
  proxy_.arm(Fault::cut_before, "store.take_slot", 1'000'000);
  EXPECT_THROW(result_of(write), store::OutcomeUnknown);
  proxy_.arm(Fault::cut_before, "", 0);
  const std::int64_t before = counted();
  increment();
  EXPECT_EQ(counted(), before + 1);
}

TEST_F(PostgresCommitTest, ASlotThatIsGoneLeavesTheOutcomeUnknown) {
  proxy_.arm(Fault::cut_before, "store.guard");
  auto write = start_write(*db_, [&](store::Tx& tx) {
    postgres_execute(direct_.url(), "DELETE FROM store_sessions");
    return tx.execute(kIncrement, {"counter"});
  });
  EXPECT_THROW(result_of(write), store::OutcomeUnknown);
  increment();
}

TEST_F(PostgresCommitTest, AnOutcomeThatTheDatabaseRefusesToTellIsToldAsUnknown) {
  open(kRefusalPatience);
  proxy_.arm(Fault::cut_before, "store.guard");
  auto write = start_write(*db_, [&](store::Tx& tx) {
    postgres_execute(direct_.url(), "ALTER TABLE store_sessions RENAME TO hidden");
    return tx.execute(kIncrement, {"counter"});
  });
  EXPECT_THROW(result_of(write), store::OutcomeUnknown);
  postgres_execute(direct_.url(), "ALTER TABLE hidden RENAME TO store_sessions");
  const std::int64_t before = counted();
  increment();
  EXPECT_EQ(counted(), before + 1);
}

TEST_F(PostgresCommitTest, ASlotThatIsGoneHarmsNoTransactionWhoseAnswerArrives) {
  postgres_execute(direct_.url(), "DELETE FROM store_sessions");
  increment();
  EXPECT_EQ(counted(), told_);
}

TEST_F(PostgresCommitTest, AReadIsRepeatedOnANewConnection) {
  proxy_.arm(Fault::cut_before, "things.all");
  EXPECT_THAT(things(*db_), ElementsAre("counter"));
  EXPECT_EQ(proxy_.faults(), 1);
}

class PostgresOutageTest : public testing::Test {
 protected:
  PostgresOutageTest() {
    options_.connections = 4;
    db_ = store::open(options_);
    db_->write(create_things);
  }
  ~PostgresOutageTest() override { db_->stop(); }

  PrivatePostgres server_;
  store::Options options_ = patient_options(server_.url());
  std::unique_ptr<store::Database> db_;
};

TEST_F(PostgresOutageTest, AServerKilledDuringCommitsLosesNothingThatWasToldAndKeepsNothingThatWasDenied) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 3;
  std::atomic<int> acknowledged_count = 0;
  std::mutex mutex;
  std::vector<std::string> acknowledged;
  std::vector<std::string> denied;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t](const std::stop_token& stop) {
      for (int i = 0; !stop.stop_requested(); ++i) {
        const std::string id = fmt::format("{}-{}", t, i);
        std::vector<std::string>* list = &acknowledged;
        try {
          db_->write(adds(id));
          ++acknowledged_count;
          acknowledged_count.notify_all();
        } catch (const store::OutcomeUnknown&) {
          continue;
        } catch (const store::Unavailable&) {
          list = &denied;
        }
        const std::lock_guard lock(mutex);
        list->push_back(id);
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    // In the middle of the work, with commits under way.
    for (int seen = acknowledged_count; seen < (round + 1) * 200; seen = acknowledged_count) {
      acknowledged_count.wait(seen);
    }
    server_.kill9();
    server_.start();
  }
  threads.clear();
  const std::vector<std::string> kept = things(*db_);
  const std::set<std::string> found(kept.begin(), kept.end());
  for (const std::string& id : acknowledged) EXPECT_TRUE(found.contains(id)) << id << " was told and is lost";
  for (const std::string& id : denied) EXPECT_FALSE(found.contains(id)) << id << " was denied and is there";
}

TEST_F(PostgresOutageTest, WhileTheServerIsDownWritesFailFastAndAfterwardsTheyWork) {
  db_->stop();
  options_.deadline = std::chrono::hours(24);
  options_.grace = std::chrono::seconds(2);
  db_ = store::open(options_);
  db_->write(adds("before"));
  server_.stop();
  // Who waited for a deadline would wait for longer than any test may run.
  for (int i = 0; i < 20; ++i) EXPECT_THROW(db_->write(adds("down")), store::Unavailable);
  server_.start();
  for (bool works = false; !works;) {
    try {
      db_->write(adds("after"));
      works = true;
    } catch (const store::Unavailable&) {
      // The next attempt to connect is at most half a second away.
    }
  }
  EXPECT_THAT(things(*db_), ElementsAre("after", "before"));
}

TEST_F(PostgresOutageTest, AShortOutageIsWaitedFor) {
  db_->write(adds("before"));
  server_.kill9();
  auto write = start_write(*db_, adds("during"));
  server_.start();
  result_of(write);
  EXPECT_THAT(things(*db_), ElementsAre("before", "during"));
}

TEST(PostgresRaceTest, ARowThatVanishesBetweenLookAndWriteIsMetByASecondRun) {
  static constexpr store::Query kParts{
      "parts.create", "CREATE TABLE parts (id TEXT PRIMARY KEY, thing TEXT REFERENCES things (id))"};
  static constexpr store::Query kAddPart{"parts.add", "INSERT INTO parts (id, thing) VALUES ($1, $2)"};
  static constexpr store::Query kRemove{"things.remove", "DELETE FROM things WHERE id = $1"};
  TestStore store(Backend::postgres);
  store::Database& db = store.database();
  db.write(create_things);
  db.write([](store::Tx& tx) { return tx.execute(kParts); });
  db.write(adds("whole"));

  int runs = 0;
  const auto add_part = [&](store::Tx& tx) -> Result<int, std::string> {
    ++runs;
    if (tx.query(kThing, {"whole"}).empty()) return unexpected("no such thing");
    if (runs == 1) db.write([](store::Tx& other) { return other.execute(kRemove, {"whole"}); });
    tx.execute(kAddPart, {"part", "whole"});
    return 0;
  };
  const Result<int, std::string> added = db.write(add_part);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error(), "no such thing");
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace countersign::test
