// A small table of the conformance suite's own, and bodies over it.
#pragma once

#include <latch>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "support/stores.hpp"

namespace countersign::test {

inline constexpr store::Query kCreateThings{
    "things.create", "CREATE TABLE things (id TEXT PRIMARY KEY, number BIGINT, content BLOB)",
    "CREATE TABLE things (id TEXT PRIMARY KEY, number BIGINT, content BYTEA)"};
inline constexpr store::Query kAddThing{"things.add", "INSERT INTO things (id, number) VALUES ($1, $2)"};
inline constexpr store::Query kChangeThing{"things.change", "UPDATE things SET number = $2 WHERE id = $1"};
inline constexpr store::Query kThings{"things.all", "SELECT id FROM things ORDER BY id"};
inline constexpr store::Query kThing{"things.one", "SELECT number FROM things WHERE id = $1"};

inline std::monostate create_things(store::Tx& tx) {
  tx.execute(kCreateThings);
  return {};
}

/// A body that adds one thing.
inline auto adds(std::string id, std::int64_t number = 0) {
  return [id = std::move(id), number](store::Tx& tx) {
    tx.execute(kAddThing, {id, number});
    return std::monostate{};
  };
}

inline std::vector<std::string> things(store::Database& database) {
  return database.read([](store::ReadTx& tx) {
    std::vector<std::string> ids;
    for (const store::Row row : tx.query(kThings)) ids.push_back(row.text(0));
    return ids;
  });
}

inline std::int64_t number_of(store::Database& database, const std::string& id) {
  return database.read([&](store::ReadTx& tx) { return tx.query(kThing, {id}).front().integer(0); });
}

/// A store with the table.
class ThingsTest : public StoreTest {
 protected:
  ThingsTest() { db().write(create_things); }
};

}  // namespace countersign::test
