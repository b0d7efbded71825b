// How often what goes wrong in a schedule. Rates are per thousand.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "sim/random.hpp"

namespace countersign::sim {

struct StoreFaults {
  std::uint64_t busy = 0;             // the body runs again
  std::uint64_t unavailable = 0;      // before the commit: rolled back
  std::uint64_t commit_lost = 0;      // the answer to COMMIT was lost, and it turned out not to have happened
  std::uint64_t commit_late = 0;      // the same, and it turned out to have happened: success, late
  std::uint64_t outcome_unknown = 0;  // nobody could find out, either way
  std::uint64_t slow = 0;             // seconds to minutes instead of milliseconds
};

struct ProviderFaults {
  std::uint64_t session = 0;     // connect, TLS, AUTH, 421 before anything was said about the message
  std::uint64_t recipient = 0;   // RCPT refused or deferred
  std::uint64_t message = 0;     // MAIL, DATA or the final dot refused or deferred
  std::uint64_t lost_reply = 0;  // the connection breaks after the last byte
  std::uint64_t hang = 0;        // silence until the timer of the final dot
  std::uint64_t slow = 0;        // an answer after the lease is over
  std::uint64_t closing = 0;     // 421 to the final dot
  std::uint64_t lie = 0;         // 250, and bounced later
};

struct NodeFaults {
  int crashes = 0;
  int pauses = 0;
  int stops = 0;  // in good order, as for a deployment
  Duration skew_max{0};
  int clock_steps = 0;
  Duration step_max{0};
};

struct Faults {
  StoreFaults store;
  ProviderFaults provider;
  NodeFaults node;
  int outages = 0;  // of the provider as a whole
};

/// What a seed has in store: some schedules know few faults, some many.
[[nodiscard]] Faults draw_faults(Random& random);

}  // namespace countersign::sim
