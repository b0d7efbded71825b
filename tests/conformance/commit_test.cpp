// COMMIT: one for a group, everybody told the truth about it, and nobody harmed by a neighbour.
#include <gmock/gmock.h>

#include "base/fault.hpp"
#include "base/result.hpp"
#include "conformance/pending.hpp"
#include "support/private_postgres.hpp"

namespace countersign::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class CommitTest : public ThingsTest {
 protected:
  CommitTest() { fault::reset(); }
  ~CommitTest() override { fault::reset(); }

  [[nodiscard]] static std::int64_t commits_so_far() {
    return std::ranges::count(fault::passed(), std::string("store.commit"));
  }
};
COUNTERSIGN_ON_EVERY_STORE(CommitTest);

TEST_P(CommitTest, AFailureBeforeCommitKeepsNothingAndIsHeard) {
  fault::arm("store.before_commit", 1, fault::Action::throw_error);
  EXPECT_THROW(db().write(adds("a")), store::Unavailable);
  EXPECT_THAT(things(db()), IsEmpty());
  db().write(adds("a"));
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(CommitTest, AFailingCommitKeepsNothingAndIsHeard) {
  fault::arm("store.commit", 1, fault::Action::throw_error);
  EXPECT_THROW(db().write(adds("a")), store::Unavailable);
  EXPECT_THAT(things(db()), IsEmpty());
  db().write(adds("a"));
  store_.reopen();
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(CommitTest, ACommitWhoseAnswerIsLostIsFoundToHaveTakenPlace) {
  fault::arm("store.after_commit", 1, fault::Action::throw_error);
  EXPECT_NO_THROW(db().write(adds("a")));
  EXPECT_THAT(things(db()), ElementsAre("a"));
  db().write(adds("b"));
  EXPECT_THAT(things(db()), ElementsAre("a", "b"));
}

TEST_P(CommitTest, NobodyHearsOfACommitBeforeItIsDurable) {
  std::size_t kept_before_answer = 0;
  bool answered_before_commit = false;
  std::atomic<bool> answered = false;
  fault::arm("store.commit", 1, fault::Action::call, [&] { answered_before_commit = answered; });
  fault::arm("store.after_commit", 1, fault::Action::call,
             [&] { answered_before_commit = answered_before_commit || answered; });
  std::promise<void> done;
  const std::unique_ptr<store::Database> other = store_.open_another();
  db().write_async(adds("a"), [&](const store::Outcome<std::monostate>& outcome) {
    answered = outcome.has_value();
    kept_before_answer = things(*other).size();
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_TRUE(answered);
  EXPECT_FALSE(answered_before_commit);
  EXPECT_EQ(kept_before_answer, 1U);
}

TEST_P(CommitTest, WritesThatWaitTogetherShareOneCommitWhereThereIsOneWriter) {
  std::vector<std::future<store::Outcome<std::monostate>>> outcomes;
  BlockingWrite first(db());
  for (int i = 0; i < 10; ++i) outcomes.push_back(start_write(db(), adds(std::to_string(i))));
  first.finish();
  for (auto& outcome : outcomes) result_of(outcome);
  EXPECT_EQ(things(db()).size(), 11U);
  EXPECT_EQ(commits_so_far(), GetParam() == Backend::sqlite ? 2 : 11);
}

TEST_P(CommitTest, AGroupTakesNoMoreMembersThanItMay) {
  store::Options options;
  options.group_max = 4;
  TestStore store(GetParam(), options);
  store.database().write(create_things);
  fault::reset();
  std::vector<std::future<store::Outcome<std::monostate>>> outcomes;
  BlockingWrite first(store.database());
  for (int i = 0; i < 10; ++i) outcomes.push_back(start_write(store.database(), adds(std::to_string(i))));
  first.finish();
  for (auto& outcome : outcomes) result_of(outcome);
  EXPECT_EQ(commits_so_far(), GetParam() == Backend::sqlite ? 4 : 11);
}

TEST_P(CommitTest, AFailingMemberOfAGroupLeavesItsNeighboursAlone) {
  static constexpr store::Query kWrong{"things.wrong", "SELEKT 1"};
  using Refused = Result<int, std::string>;
  db().write(adds("there"));
  BlockingWrite first(db());
  auto before = start_write(db(), adds("before"));
  auto throwing = start_write(db(), [](store::Tx& tx) -> int {
    tx.execute(kAddThing, {"throwing", 1});
    throw std::runtime_error("no");
  });
  auto between = start_write(db(), adds("between"));
  auto refusing = start_write(db(), [](store::Tx& tx) -> Refused {
    tx.execute(kAddThing, {"refusing", 1});
    return std::unexpected("not today");
  });
  auto violating = start_write(db(), [](store::Tx& tx) {
    tx.execute(kAddThing, {"violating", 1});
    return tx.execute(kAddThing, {"there", 1});
  });
  auto wrong = start_write(db(), [](store::Tx& tx) {
    tx.execute(kAddThing, {"wrong", 1});
    return tx.execute(kWrong);
  });
  auto after = start_write(db(), adds("zafter"));
  first.finish();
  result_of(before);
  EXPECT_THROW(result_of(throwing), std::runtime_error);
  result_of(between);
  EXPECT_EQ(result_of(refusing), Refused(std::unexpected("not today")));
  EXPECT_THROW(result_of(violating), store::ConstraintViolation);
  EXPECT_THROW(result_of(wrong), store::StatementError);
  result_of(after);
  EXPECT_THAT(things(db()), ElementsAre("before", "between", "blocker", "there", "zafter"));
}

TEST_P(CommitTest, AConstraintCheckedAtCommitFailsItsOwnMemberOnly) {
  static constexpr store::Query kDeferred{
      "things.parts",
      "CREATE TABLE parts (thing TEXT NOT NULL REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)"};
  static constexpr store::Query kAddPart{"things.add_part", "INSERT INTO parts (thing) VALUES ($1)"};
  db().write([](store::Tx& tx) { return tx.execute(kDeferred); });
  BlockingWrite first(db());
  auto before = start_write(db(), adds("before"));
  auto orphan = start_write(db(), [](store::Tx& tx) {
    tx.execute(kAddThing, {"orphan", 1});
    return tx.execute(kAddPart, {"nobody"});
  });
  auto after = start_write(db(), adds("zafter"));
  first.finish();
  result_of(before);
  EXPECT_THROW(result_of(orphan), store::ConstraintViolation);
  result_of(after);
  EXPECT_THAT(things(db()), ElementsAre("before", "blocker", "zafter"));
}

// Without savepoints first: what one member undoes must not undo another's, nor be kept by it.
TEST(GroupCommit, RefusalsOfManyGroupsInARowLeaveTheirNeighboursAlone) {
  using Refused = Result<int, std::string>;
  TestStore store(Backend::sqlite);
  store::Database& db = store.database();
  db.write(create_things);
  std::vector<std::string> expected;
  for (int round = 0; round < 40; ++round) {
    const std::string name = fmt::format("{:03}", round);
    BlockingWrite first(db, name + "-first");
    auto before = start_write(db, adds(name + "-before"));
    auto refusing = start_write(db, [&](store::Tx& tx) -> Refused {
      tx.execute(kAddThing, {name + "-refused", 1});
      return std::unexpected("no");
    });
    auto empty =
        start_write(db, [](store::Tx& /*tx*/) -> Refused { return std::unexpected("nothing done"); });
    auto after = start_write(db, adds(name + "-then"));
    first.finish();
    result_of(before);
    EXPECT_FALSE(result_of(refusing));
    EXPECT_FALSE(result_of(empty));
    result_of(after);
    for (const char* kept : {"-before", "-first", "-then"}) expected.push_back(name + kept);
  }
  EXPECT_THAT(things(db), testing::ElementsAreArray(expected));
}

TEST(GroupCommit, AFailingCommitIsHeardByTheWholeGroup) {
  TestStore store(Backend::sqlite);
  store::Database& db = store.database();
  db.write(create_things);
  BlockingWrite first(db);
  auto a = start_write(db, adds("a"));
  auto b = start_write(db, adds("b"));
  fault::reset();
  fault::arm("store.commit", 2, fault::Action::throw_error);
  first.finish();
  EXPECT_THROW(result_of(a), store::Unavailable);
  EXPECT_THROW(result_of(b), store::Unavailable);
  EXPECT_THAT(things(db), ElementsAre("blocker"));
  fault::reset();
}

TEST(GroupCommit, ARefusalThatRestsOnANeighboursLostWriteIsNotTold) {
  using Refusing = Result<int, std::string>;
  TestStore store(Backend::sqlite);
  store::Database& db = store.database();
  db.write(create_things);
  BlockingWrite first(db);
  auto winner = start_write(db, adds("decided"));
  auto loser = start_write(db, [](store::Tx& tx) -> Refusing {
    if (!tx.query(kThing, {"decided"}).empty()) return std::unexpected("already decided");
    return 1;
  });
  fault::reset();
  fault::arm("store.commit", 2, fault::Action::throw_error);
  first.finish();
  EXPECT_THROW(result_of(winner), store::Unavailable);
  EXPECT_THROW(result_of(loser), store::Unavailable);
  fault::reset();
}

TEST(GroupCommit, MembersAreToldInTheOrderTheyRan) {
  TestStore store(Backend::sqlite);
  store::Database& db = store.database();
  db.write(create_things);
  std::vector<int> told;
  std::latch all(5);
  BlockingWrite first(db);
  for (int i = 0; i < 5; ++i) {
    db.write_async(adds(std::to_string(i)), [&, i](const store::Outcome<std::monostate>&) {
      told.push_back(i);
      all.count_down();
    });
  }
  first.finish();
  all.wait();
  EXPECT_THAT(told, ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(CommitTest, AFullQueueRefusesAtOnce) {
  store::Options options;
  options.queue_max = 2;
  options.connections = 1;
  TestStore store(GetParam(), options);
  store.database().write(create_things);
  BlockingWrite first(store.database());
  auto second = start_write(store.database(), adds("second"));
  auto third = start_write(store.database(), adds("third"));
  auto fourth = start_write(store.database(), adds("fourth"));
  EXPECT_THROW(result_of(fourth), store::Unavailable) << "while the first still runs";
  first.finish();
  result_of(second);
  result_of(third);
  EXPECT_THAT(things(store.database()), Not(Contains("fourth")));
}

TEST_P(CommitTest, StopFinishesWhatIsQueuedAndRefusesTheRest) {
  std::vector<std::future<store::Outcome<std::monostate>>> outcomes;
  BlockingWrite first(db());
  for (int i = 0; i < 20; ++i) outcomes.push_back(start_write(db(), adds(std::to_string(i))));
  first.release();
  db().stop();
  for (auto& outcome : outcomes) result_of(outcome);
  EXPECT_THROW(db().write(adds("late")), store::Unavailable);
  EXPECT_THROW((void)things(db()), store::Unavailable);
  db().stop();
  store_.reopen();
  EXPECT_EQ(things(db()).size(), 21U);
}

TEST_P(CommitTest, ManyThreadsIncrementWithoutLosingAny) {
  static constexpr store::Query kIncrement{"things.increment",
                                           "UPDATE things SET number = number + 1 WHERE id = $1"};
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  db().write(adds("counter"));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        db().write([](store::Tx& tx) { return tx.execute(kIncrement, {"counter"}); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number_of(db(), "counter"), kThreads * kEach);
}

}  // namespace
}  // namespace countersign::test
