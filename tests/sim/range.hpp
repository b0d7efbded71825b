// Many schedules: a range of seeds over several processes, and what came of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/schedule.hpp"

namespace countersign::sim {

struct RangeOptions {
  std::uint64_t from = 1;
  std::uint64_t count = 1;
  /// Processes; each takes every jobs-th seed, so that one that aborts names its seed and spares the others.
  int jobs = 1;
  const Mutant* mutant = nullptr;
  /// The invariant checker runs at the end of every so many schedules; 0: never.
  std::uint64_t invariants_every = 50;
  /// Ends at the first failure: any violation, or with a mutant its own one.
  bool stop_at_first = false;
  /// Called about once a second with the number of schedules done; may be empty.
  std::function<void(std::uint64_t done)> progress;
};

struct Failure {
  std::uint64_t seed = 0;
  std::vector<Violation> violations;  // none: the process died in this schedule
};

struct RangeResult {
  Counts counts;
  std::vector<Failure> failures;  // the first of each process, at most kFailuresMax
  double seconds = 0;
};
inline constexpr std::size_t kFailuresMax = 20;

[[nodiscard]] RangeResult run_range(const RangeOptions& options);

/// The counts as a JSON object, for tables.
[[nodiscard]] std::string to_json(const RangeOptions& options, const RangeResult& result);

}  // namespace countersign::sim
