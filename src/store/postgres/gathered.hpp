// Statements of one transaction that are held back until something else is asked, so that many of a kind
// become one (Query::together).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "store/postgres/connection.hpp"

namespace countersign::store::postgres {

class Gathered {
 public:
  explicit Gathered(Connection& connection) : connection_(connection) {}

  /// Copies what it is given. `query` has a text for several rows.
  void add(const Query& query, Params params);
  /// Queues everything, in the order in which its kinds came first.
  void queue_all();

 private:
  struct Value {
    Param::Kind kind;
    std::int64_t integer;
    std::string text;
  };
  using Row = std::vector<Value>;
  struct Kind {
    Query query;
    std::vector<Row> rows;
    std::set<std::string> keys;
  };

  Kind& kind_of(const Query& query);
  void queue_one(const Kind& kind);
  void queue_together(const Kind& kind);

  Connection& connection_;
  std::vector<Kind> kinds_;  // few, so that a search is a look at each
};

}  // namespace countersign::store::postgres
