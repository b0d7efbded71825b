// What a transaction promises on every driver: all or nothing, refusals, visibility, types.
#include <gmock/gmock.h>

#include <limits>

#include "base/crypto.hpp"
#include "base/result.hpp"
#include "conformance/things.hpp"

namespace countersign::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TransactionTest : public ThingsTest {};
COUNTERSIGN_ON_EVERY_STORE(TransactionTest);

TEST_P(TransactionTest, AWriteThatReturnsIsKept) {
  const int value = db().write([](store::Tx& tx) {
    EXPECT_EQ(tx.execute(kAddThing, {"a", 1}), 1);
    return 42;
  });
  EXPECT_EQ(value, 42);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(TransactionTest, AWriteOutlivesTheStore) {
  db().write(adds("a", 7));
  store_.reopen();
  EXPECT_EQ(number_of(db(), "a"), 7);
}

TEST_P(TransactionTest, ABodyThatThrowsKeepsNothing) {
  struct Oops : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  EXPECT_THROW(db().write([](store::Tx& tx) -> int {
    tx.execute(kAddThing, {"a", 1});
    tx.send(kAddThing, {"b", 1});
    throw Oops("no");
  }),
               Oops);
  EXPECT_THAT(things(db()), IsEmpty());
}

TEST_P(TransactionTest, ARefusalIsReturnedAndKeepsNothing) {
  enum class Refusal { not_pending };
  const auto result = db().write([](store::Tx& tx) -> Result<int, Refusal> {
    tx.execute(kAddThing, {"a", 1});
    tx.send(kAddThing, {"b", 1});
    return std::unexpected(Refusal::not_pending);
  });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), Refusal::not_pending);
  EXPECT_THAT(things(db()), IsEmpty());
}

TEST_P(TransactionTest, AResultWithAValueIsKept) {
  const auto result = db().write([](store::Tx& tx) -> Result<int, std::string> {
    tx.execute(kAddThing, {"a", 1});
    return 5;
  });
  EXPECT_EQ(result, 5);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(TransactionTest, ExecuteCountsTheRowsItChanged) {
  db().write(adds("a"));
  db().write([](store::Tx& tx) {
    EXPECT_EQ(tx.execute(kChangeThing, {"a", 5}), 1);
    EXPECT_EQ(tx.execute(kChangeThing, {"nobody", 5}), 0);
    return std::monostate{};
  });
}

TEST_P(TransactionTest, ABodySeesWhatItSentBefore) {
  db().write([](store::Tx& tx) {
    for (int i = 0; i < 600; ++i) tx.send(kAddThing, {std::to_string(i), i});
    tx.send(kChangeThing, {"599", 1000});
    EXPECT_EQ(tx.query(kThing, {"599"}).front().integer(0), 1000);
    EXPECT_EQ(tx.query(kThings).size(), 600U);
    return std::monostate{};
  });
  EXPECT_EQ(things(db()).size(), 600U);
}

TEST_P(TransactionTest, ABrokenConstraintFailsTheTransaction) {
  db().write(adds("a"));
  EXPECT_THROW(db().write([](store::Tx& tx) {
    tx.execute(kAddThing, {"b", 1});
    tx.execute(kAddThing, {"a", 1});
    return std::monostate{};
  }),
               store::ConstraintViolation);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(TransactionTest, AFaultInASentStatementFailsTheTransaction) {
  db().write(adds("a"));
  EXPECT_THROW(db().write([](store::Tx& tx) {
    tx.send(kAddThing, {"b", 1});
    tx.send(kAddThing, {"a", 1});
    return std::monostate{};
  }),
               store::ConstraintViolation);
  EXPECT_THAT(things(db()), ElementsAre("a"));
  db().write(adds("c"));
  EXPECT_THAT(things(db()), ElementsAre("a", "c"));
}

TEST_P(TransactionTest, ABodyCannotCommitPastAFaultItSwallowed) {
  db().write(adds("a"));
  EXPECT_THROW(db().write([](store::Tx& tx) {
    tx.execute(kAddThing, {"b", 1});
    try {
      tx.execute(kAddThing, {"a", 1});
    } catch (const store::ConstraintViolation&) {
      return std::monostate{};
    }
    return std::monostate{};
  }),
               store::ConstraintViolation);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(TransactionTest, AWrongStatementIsTheCallersFaultAndHarmsNobody) {
  static constexpr store::Query kWrong{"things.wrong", "SELEKT 1"};
  static constexpr store::Query kUnknownTable{"things.unknown", "SELECT id FROM nothing"};
  EXPECT_THROW((void)db().read([](store::ReadTx& tx) { return tx.query(kWrong).size(); }),
               store::StatementError);
  EXPECT_THROW((void)db().read([](store::ReadTx& tx) { return tx.query(kUnknownTable).size(); }),
               store::StatementError);
  EXPECT_THROW(db().write([](store::Tx& tx) {
    tx.send(kWrong);
    return std::monostate{};
  }),
               store::StatementError);
  EXPECT_THROW(db().write([](store::Tx& tx) {
    tx.execute(kAddThing, {"a"});
    return std::monostate{};
  }),
               store::StatementError);
  db().write(adds("a"));
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(TransactionTest, TwoTextsUnderOneNameAreRefused) {
  static constexpr store::Query kOther{"things.all", "SELECT number FROM things"};
  EXPECT_THROW(
      (void)db().read([](store::ReadTx& tx) { return tx.query(kThings).size() + tx.query(kOther).size(); }),
      store::StatementError);
}

TEST_P(TransactionTest, TypesComeBackAsTheyWent) {
  static constexpr store::Query kAdd{"things.add_all",
                                     "INSERT INTO things (id, number, content) VALUES ($1, $2, $3)"};
  static constexpr store::Query kGet{"things.get_all",
                                     "SELECT id, number, content FROM things WHERE id = $1"};
  const std::string unicode = "Grüße, 世界 🖋 \"'\\ $1";
  const std::string bytes("\0\x01\xff\x80 \0", 6);
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  db().write([&](store::Tx& tx) {
    tx.send(kAdd, {"nothing", nullptr, nullptr});
    tx.send(kAdd, {unicode, kLowest, store::Blob{bytes}});
    tx.send(kAdd, {"", kHighest, store::Blob{""}});
    tx.send(kAdd,
            {std::string_view("optional"), std::optional<std::int64_t>(3), std::optional<store::Blob>()});
    tx.send(kAdd, {std::optional<std::string>("time"), from_us(-1), store::Blob{}});
    return std::monostate{};
  });
  db().read([&](store::ReadTx& tx) {
    const auto one = [&](std::string_view id) { return tx.query(kGet, {id}); };
    const store::Rows nothing = one("nothing");
    EXPECT_EQ(nothing.front().maybe_integer(1), std::nullopt);
    EXPECT_EQ(nothing.front().maybe_text(2), std::nullopt);
    const store::Rows all = one(unicode);
    EXPECT_EQ(all.front().text(0), unicode);
    EXPECT_EQ(all.front().integer(1), kLowest);
    EXPECT_EQ(all.front().text(2), bytes);
    const store::Rows empty = one("");
    EXPECT_EQ(empty.front().text(0), "");
    EXPECT_EQ(empty.front().integer(1), kHighest);
    EXPECT_FALSE(empty.front().is_null(2)) << "no bytes are not no value";
    EXPECT_EQ(empty.front().text(2), "");
    const store::Rows optional = one("optional");
    EXPECT_EQ(optional.front().maybe_integer(1), 3);
    EXPECT_TRUE(optional.front().is_null(2));
    const store::Rows time = one("time");
    EXPECT_EQ(time.front().time(1), from_us(-1));
    EXPECT_FALSE(time.front().is_null(2));
    return 0;
  });
}

TEST_P(TransactionTest, ExpressionsYieldIntegersAndText) {
  static constexpr store::Query kExpressions{"things.expressions",
                                             "SELECT count(*), CAST(coalesce(sum(number), 0) AS BIGINT), 1 = "
                                             "1, CAST(2 AS INTEGER), 'x', NULL FROM things"};
  db().write([](store::Tx& tx) {
    tx.send(kAddThing, {"a", 40});
    tx.send(kAddThing, {"b", 2});
    return std::monostate{};
  });
  db().read([](store::ReadTx& tx) {
    const store::Rows rows = tx.query(kExpressions);
    EXPECT_EQ(rows.front().integer(0), 2);
    EXPECT_EQ(rows.front().integer(1), 42);
    EXPECT_TRUE(rows.front().flag(2));
    EXPECT_EQ(rows.front().integer(3), 2);
    EXPECT_EQ(rows.front().view(4), "x");
    EXPECT_TRUE(rows.front().is_null(5));
    return 0;
  });
}

TEST_P(TransactionTest, FractionsAreRefusedRatherThanRounded) {
  static constexpr store::Query kFraction{"things.fraction", "SELECT 0.5 FROM things"};
  db().write(adds("a"));
  EXPECT_THROW((void)db().read([](store::ReadTx& tx) { return tx.query(kFraction).size(); }),
               store::StatementError);
}

TEST_P(TransactionTest, TextWithANulIsRefusedInsteadOfCut) {
  EXPECT_THROW(db().write(adds(std::string("a\0b", 3))), store::StatementError);
  EXPECT_THAT(things(db()), IsEmpty());
}

// PostgreSQL's indexes take a third of a page; what does not fit will not fit later either.
TEST_P(TransactionTest, WhatIsTooLargeForAnIndexIsNoFaultOfTheMoment) {
  std::string large;
  for (int i = 0; large.size() < 8'192; ++i) large += sha256_hex(std::to_string(i));
  try {
    db().write(adds(large));
    EXPECT_THAT(things(db()), ElementsAre(large));
  } catch (const store::Unavailable&) {
    ADD_FAILURE() << "it would be tried for ever";
  } catch (const store::StatementError&) {
    EXPECT_THAT(things(db()), IsEmpty());
  }
}

TEST_P(TransactionTest, ParametersAreBoundByNumberNotByPlace) {
  static constexpr store::Query kTwisted{
      "things.twisted", "SELECT id FROM things WHERE number = $2 AND id = $1 AND number >= $2"};
  db().write(adds("a", 7));
  db().read([](store::ReadTx& tx) {
    EXPECT_EQ(tx.query(kTwisted, {"a", 7}).size(), 1U);
    EXPECT_EQ(tx.query(kTwisted, {"b", 7}).size(), 0U);
    return 0;
  });
}

TEST_P(TransactionTest, AParameterMayBeNullFirstAndAValueLater) {
  db().write([](store::Tx& tx) {
    tx.execute(kAddThing, {"a", nullptr});
    tx.execute(kAddThing, {"b", 2});
    return std::monostate{};
  });
  EXPECT_EQ(number_of(db(), "b"), 2);
}

TEST_P(TransactionTest, ReadersSeeCommittedStateOnly) {
  db().write(adds("a"));
  std::latch written(1);
  std::latch seen(1);
  std::thread writer([&] {
    db().write([&](store::Tx& tx) {
      tx.execute(kAddThing, {"b", 1});
      written.count_down();
      seen.wait();
      return std::monostate{};
    });
  });
  written.wait();
  EXPECT_THAT(things(db()), ElementsAre("a"));
  seen.count_down();
  writer.join();
  EXPECT_THAT(things(db()), ElementsAre("a", "b"));
}

TEST_P(TransactionTest, AReadKeepsItsSnapshotWhileOthersWrite) {
  db().write(adds("a"));
  db().read([&](store::ReadTx& tx) {
    const std::size_t before = tx.query(kThings).size();
    db().write(adds("b"));
    EXPECT_EQ(tx.query(kThings).size(), before);
    return 0;
  });
  EXPECT_THAT(things(db()), ElementsAre("a", "b"));
}

TEST_P(TransactionTest, ReadsThatWaitTogetherEachGetTheirOwnAnswer) {
  store::Options options;
  options.readers = 1;
  options.connections = 1;
  TestStore store(GetParam(), options);
  store.database().write(create_things);
  store.database().write(adds("a", 7));
  std::latch entered(1);
  std::latch released(1);
  std::latch ended(6);
  const auto count_down = [&](const auto&) { ended.count_down(); };
  store.database().read_async(
      [&](store::ReadTx&) {
        entered.count_down();
        released.wait();
        return 0;
      },
      count_down);
  entered.wait();

  static constexpr store::Query kNonsense{"things.nonsense", "SELECT nothing FROM nowhere"};
  const auto number = [](store::ReadTx& tx) { return tx.query(kThing, {"a"}).front().integer(0); };
  std::vector<store::Outcome<std::int64_t>> numbers;
  std::vector<std::exception_ptr> faults;
  std::optional<Result<int, std::string>> refusal;
  const auto keep_number = [&](store::Outcome<std::int64_t> outcome) {
    numbers.push_back(std::move(outcome));
    ended.count_down();
  };
  const auto keep_fault = [&](store::Outcome<std::size_t> outcome) {
    faults.push_back(outcome ? nullptr : outcome.error());
    ended.count_down();
  };
  store.database().read_async(number, keep_number);
  store.database().read_async([](store::ReadTx&) -> std::size_t { throw std::runtime_error("mine"); },
                              keep_fault);
  store.database().read_async([](store::ReadTx& tx) { return tx.query(kNonsense).size(); }, keep_fault);
  store.database().read_async([](store::ReadTx&) -> Result<int, std::string> { return unexpected("no"); },
                              [&](store::Outcome<Result<int, std::string>> outcome) {
                                refusal = std::move(*outcome);
                                ended.count_down();
                              });
  store.database().read_async(number, keep_number);
  released.count_down();
  ended.wait();

  ASSERT_EQ(numbers.size(), 2u);
  for (const auto& outcome : numbers) EXPECT_EQ(outcome.value_or(0), 7);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_THROW(std::rethrow_exception(faults[0]), std::runtime_error);
  EXPECT_THROW(std::rethrow_exception(faults[1]), store::StatementError);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->error(), "no");
}

TEST_P(TransactionTest, AReadCannotWrite) {
  // Reached through query(), which takes any statement.
  EXPECT_THROW((void)db().read([](store::ReadTx& tx) { return tx.query(kAddThing, {"a", 1}).size(); }),
               EnvironmentError);
  EXPECT_THAT(things(db()), IsEmpty());
}

}  // namespace
}  // namespace countersign::test
