// Statements that may be sent together: on every driver they do what they would do one after the other.
#include <gmock/gmock.h>

#include <map>
#include <optional>

#include "base/result.hpp"
#include "conformance/things.hpp"

namespace countersign::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr store::Query kAdd{
    "things.add_some", "INSERT INTO things (id, number) VALUES ($1, $2)",
    store::Together{"INSERT INTO things (id, number) SELECT * FROM unnest($1::text[], $2::bigint[])"}};
constexpr store::Query kSet{"things.set_some", "UPDATE things SET number = $2 WHERE id = $1",
                            store::Together{"UPDATE things SET number = t.number FROM unnest($1::text[], "
                                            "$2::bigint[]) AS t (id, number) WHERE things.id = t.id",
                                            1}};
constexpr store::Query kNumbers{"things.numbers", "SELECT id, number FROM things ORDER BY id"};

class TogetherTest : public ThingsTest {
 protected:
  std::map<std::string, std::optional<std::int64_t>> numbers() {
    return db().read([](store::ReadTx& tx) {
      std::map<std::string, std::optional<std::int64_t>> out;
      for (const store::Row row : tx.query(kNumbers)) out[row.text(0)] = row.maybe_integer(1);
      return out;
    });
  }
};
COUNTERSIGN_ON_EVERY_STORE(TogetherTest);

TEST_P(TogetherTest, EveryValueArrivesAsItWasGiven) {
  const std::vector<std::string> ids{
      "",         "plain",      "NULL",       "\"quoted\"", "back\\slash",
      "{a,b}",    "two\nlines", " blanks ",   "tab\there",  "\xc3\xa4\xe2\x82\xac",
      "it's one", "\\\"",       "}{\",\"x\\", "$1",         "last"};
  db().write([&](store::Tx& tx) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i % 4 == 1) {
        tx.send(kAdd, {ids[i], nullptr});
      } else {
        tx.send(kAdd, {ids[i], static_cast<std::int64_t>(i) - 3});
      }
    }
    return std::monostate{};
  });
  const auto kept = numbers();
  ASSERT_EQ(kept.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ASSERT_TRUE(kept.contains(ids[i])) << ids[i];
    EXPECT_EQ(kept.at(ids[i]),
              i % 4 == 1 ? std::nullopt : std::optional<std::int64_t>(static_cast<std::int64_t>(i) - 3));
  }
}

TEST_P(TogetherTest, WhatIsGivenNeedNotOutliveTheCall) {
  db().write([](store::Tx& tx) {
    for (int i = 0; i < 3; ++i) {
      std::string id = "a thing with a name that is not short " + std::to_string(i);
      tx.send(kAdd, {id, i});
      id.assign(id.size(), 'x');
    }
    return std::monostate{};
  });
  EXPECT_EQ(things(db()).at(2), "a thing with a name that is not short 2");
}

TEST_P(TogetherTest, MoreThanOneStatementHoldsArriveAll) {
  constexpr int kCount = 1'000;
  db().write([](store::Tx& tx) {
    for (int i = 0; i < kCount; ++i) tx.send(kAdd, {std::to_string(i), i});
    return std::monostate{};
  });
  EXPECT_EQ(things(db()).size(), static_cast<std::size_t>(kCount));
}

TEST_P(TogetherTest, WhateverIsAskedNextSeesThem) {
  db().write([](store::Tx& tx) {
    tx.send(kAdd, {"a", 1});
    tx.send(kAdd, {"b", 2});
    EXPECT_EQ(tx.query(kThings).size(), 2U);
    tx.send(kAdd, {"c", 3});
    tx.send(kAdd, {"d", 4});
    EXPECT_EQ(tx.execute(kChangeThing, {"d", 5}), 1);
    tx.send(kAdd, {"e", 6});
    tx.send(kAdd, {"f", 7});
    tx.send(kChangeThing, {"f", 8});
    return std::monostate{};
  });
  EXPECT_EQ(numbers().size(), 6U);
  EXPECT_EQ(number_of(db(), "d"), 5);
  EXPECT_EQ(number_of(db(), "f"), 8);
}

TEST_P(TogetherTest, TheLastOfSeveralChangesToOneRowWins) {
  db().write([](store::Tx& tx) {
    tx.send(kAdd, {"a", 0});
    tx.send(kAdd, {"b", 0});
    for (int i = 1; i <= 5; ++i) {
      tx.send(kSet, {"a", i});
      tx.send(kSet, {"b", -i});
    }
    return std::monostate{};
  });
  EXPECT_EQ(number_of(db(), "a"), 5);
  EXPECT_EQ(number_of(db(), "b"), -5);
}

TEST_P(TogetherTest, AFaultInOneOfThemFailsTheTransaction) {
  db().write(adds("b"));
  EXPECT_THROW(db().write([](store::Tx& tx) {
    for (const char* id : {"a", "b", "c"}) tx.send(kAdd, {id, 1});
    return std::monostate{};
  }),
               store::ConstraintViolation);
  EXPECT_THAT(things(db()), ElementsAre("b"));
  db().write(adds("c"));
  EXPECT_THAT(things(db()), ElementsAre("b", "c"));
}

TEST_P(TogetherTest, ARefusalAndAFaultOfTheBodyKeepNoneOfThem) {
  const auto refused = db().write([](store::Tx& tx) -> Result<int, std::string> {
    tx.send(kAdd, {"a", 1});
    tx.send(kAdd, {"b", 1});
    return std::unexpected("no");
  });
  EXPECT_FALSE(refused.has_value());
  EXPECT_THROW(db().write([](store::Tx& tx) -> int {
    tx.send(kAdd, {"a", 1});
    tx.send(kAdd, {"b", 1});
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_THAT(things(db()), IsEmpty());
}

}  // namespace
}  // namespace countersign::test
