// The invariant checker: what must hold in every database, whatever was interrupted before (delivery.md §7).
//
// One piece of code for the fault loops, the simulator, the end-to-end tests and `countersign check` on a
// live database. It reads, and it judges from the tables alone: it shares no code with the modules it checks.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::invariants {

struct CheckOptions {
  UtcTime now;
  /// How long a lease may be over before somebody should have noticed.
  Duration lease_grace = std::chrono::minutes(10);
  /// Events are looked for while they are kept (contract §24: 30 days), with a day to spare.
  Duration events_kept = std::chrono::hours(29 * 24);
  /// Offenders named per rule; all are counted.
  std::int64_t samples_max = 20;
};

/// One row that breaks a rule.
struct Violation {
  std::string rule;
  std::string subject;  // the id of the row
  std::string detail;
};

/// What one rule found.
struct Finding {
  std::string_view rule;     // "submission-approved"
  std::string_view promise;  // what holds when nothing is found, in words
  std::int64_t count = 0;
  std::vector<Violation> samples;
  /// The rule is about work that a server does within CheckOptions::lease_grace: it is broken as well where
  /// none was running.
  bool needs_a_server = false;
};

struct Report {
  std::vector<Finding> findings;  // every rule, in a fixed order

  [[nodiscard]] bool clean() const;
  /// The samples of all rules.
  [[nodiscard]] std::vector<Violation> violations() const;
};

/// Holds the rules against the database as `tx` sees it. Reads every message; writes nothing.
/// Throws store::Unavailable.
[[nodiscard]] Report check(store::ReadTx& tx, const CheckOptions& options);

/// One line per rule, its offenders below it, and a verdict at the end.
void write_report(std::ostream& out, const Report& report);

}  // namespace countersign::invariants
