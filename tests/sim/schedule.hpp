// One schedule: a small deployment, some messages, and whatever the seed has in store for them.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "sim/mutants.hpp"
#include "sim/oracle.hpp"

namespace countersign::sim {

struct ScheduleOptions {
  std::uint64_t seed = 0;
  const Mutant* mutant = nullptr;
  /// Runs production's invariant checker at the end too.
  bool check_invariants = false;
  /// Where a line for everything that happens goes; null: nowhere.
  std::ostream* trace = nullptr;
};

struct ScheduleResult {
  std::uint64_t hash = 0;  // of everything that happened
  Counts counts;
  std::vector<Violation> violations;
};

/// Runs one schedule from its beginning to its judgement: first with faults, then without, until everything
/// has settled or should have. `store` is as it was before, afterwards.
[[nodiscard]] ScheduleResult run_schedule(Store& store, const ScheduleOptions& options);

}  // namespace countersign::sim
