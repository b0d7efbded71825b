// What the database says about how it runs a statement.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "store/tx.hpp"

namespace countersign::test {

/// Asks for the plan of every statement that passes through it, and runs it. PostgreSQL is kept from sorting
/// where an index has the order.
class PlanningTx final : public store::ReadTx {
 public:
  explicit PlanningTx(store::ReadTx& inner) : inner_(inner) {
    if (dialect() == store::Dialect::postgres) (void)inner_.query(kSortNothing);
  }
  [[nodiscard]] store::Dialect dialect() const noexcept override { return inner_.dialect(); }

  /// One step a line, as the database puts it.
  [[nodiscard]] const std::vector<std::string>& plan() const { return plan_; }

 private:
  static constexpr store::Query kSortNothing{"test.sort_nothing", "", "SET LOCAL enable_sort = off"};

  store::Rows run(const store::Query& query, store::Params params) override {
    const bool sqlite = dialect() == store::Dialect::sqlite;
    names_.push_back("plan." + std::string(query.name()));
    texts_.push_back((sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + std::string(query.text(dialect())));
    const std::size_t column = sqlite ? 3 : 0;
    for (const store::Row row : inner_.query(store::Query(names_.back(), texts_.back()), params)) {
      plan_.push_back(row.text(column));
    }
    return inner_.query(query, params);
  }

  store::ReadTx& inner_;
  std::vector<std::string> plan_;
  // As long as the drivers may compare them.
  static inline std::deque<std::string> names_;
  static inline std::deque<std::string> texts_;
};

}  // namespace countersign::test
