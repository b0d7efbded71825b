// A write transaction of the simulator: production's statements, or a mutant's instead of them.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "sim/surroundings.hpp"
#include "store/first_fault.hpp"
#include "store/sqlite/connection.hpp"
#include "store/tx.hpp"

namespace countersign::sim {

/// A statement that a mutant takes out of its transaction, with what it was given.
struct Postponed {
  store::Query query;
  std::deque<std::string> texts;  // what the parameters view
  std::vector<store::Param> params;
};

class SimTx final : public store::Tx {
 public:
  SimTx(store::sqlite::Connection& connection, Surroundings& surroundings)
      : connection_(connection), surroundings_(surroundings), mutant_(surroundings.mutant) {}

  [[nodiscard]] store::Dialect dialect() const noexcept override { return store::Dialect::sqlite; }
  [[nodiscard]] const store::FirstFault& fault() const noexcept { return fault_; }
  /// What a mutant runs in a transaction of its own after this one.
  [[nodiscard]] std::vector<Postponed>& postponed() noexcept { return postponed_; }
  /// What a mutant keeps of this one when it is rolled back.
  [[nodiscard]] std::vector<Postponed>& copies() noexcept { return copies_; }
  /// The transaction settled an attempt as accepted.
  [[nodiscard]] bool recorded_acceptance() const noexcept { return recorded_acceptance_; }

 private:
  store::Rows run(const store::Query& query, store::Params params) override;
  std::int64_t change(const store::Query& query, store::Params params) override;
  void push(const store::Query& query, store::Params params) override;

  [[nodiscard]] const store::Query& actual(const store::Query& query) const;
  [[nodiscard]] bool postpones(const store::Query& query) const;

  void note_copy(const store::Query& query, store::Params params);
  void tell(const store::Query& query, store::Params params, std::size_t rows) const;

  store::sqlite::Connection& connection_;
  Surroundings& surroundings_;
  const Mutant* mutant_;
  store::FirstFault fault_;
  std::vector<Postponed> postponed_;
  std::vector<Postponed> copies_;
  bool recorded_acceptance_ = false;
};

}  // namespace countersign::sim
