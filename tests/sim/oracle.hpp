// The judgement about one schedule: what the deployment says, against what the clients were told, the
// reviewers decided and the provider took. Independent of the invariant checker, which sees the tables alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/breach.hpp"
#include "sim/intent.hpp"
#include "sim/notifier.hpp"
#include "sim/provider.hpp"
#include "sim/store.hpp"

namespace countersign::sim {

struct Counts {
  std::int64_t schedules = 0;
  std::int64_t messages = 0;
  std::int64_t hand_overs = 0;  // past the fence
  std::int64_t sent = 0;
  std::int64_t failed = 0;
  std::int64_t rejected = 0;
  std::int64_t taken_back = 0;  // approvals
  std::int64_t unknown = 0;
  std::int64_t settled_by_evidence = 0;
  std::int64_t crashes = 0;
  std::int64_t steps = 0;
  std::int64_t duplicates = 0;
  std::int64_t losses = 0;
  std::int64_t split_states = 0;
  std::int64_t invariants = 0;

  Counts& operator+=(const Counts& other);
};

/// What really happened.
struct Truth {
  const std::vector<Intent>& intents;
  const Provider& provider;
  const std::vector<Told>& told;
  /// Nothing in the schedule keeps a living worker from prolonging its leases in time.
  bool leases_hold = false;
};

/// Reads the tables as they stand and compares them with the truth.
[[nodiscard]] std::vector<Violation> judge(Store& store, const Truth& truth, Counts& counts);
/// What production's invariant checker finds, as violations.
[[nodiscard]] std::vector<Violation> check_invariants(Store& store, UtcTime now);

}  // namespace countersign::sim
