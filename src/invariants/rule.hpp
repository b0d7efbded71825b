// A rule as a statement that selects its offenders. Internal to the invariants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "invariants/invariants.hpp"
#include "store/query.hpp"

namespace countersign::invariants {

/// The time a rule takes as $2.
enum class Since : std::uint8_t {
  always,  // takes none
  events,  // events older than this may have been removed
  leases,  // leases that ended before this are overdue
};

struct Rule {
  std::string_view name;
  std::string_view promise;
  store::Query offenders;  // (subject, detail, number of all offenders), at most $1 rows
  Since since = Since::always;
};

// Wraps a statement that yields (subject, detail) as texts. Literals, because queries are put together at
// compile time.
#define CS_OFFENDERS(select)                               \
  "SELECT subject, detail, COUNT(*) OVER () FROM (" select \
  ") AS offenders "                                        \
  "ORDER BY subject, detail LIMIT $1"
#define CS_RULE(name, promise, select) \
  ::countersign::invariants::Rule { name, promise, {"invariants." name, CS_OFFENDERS(select)}, Since::always }
#define CS_RULE_SINCE(since, name, promise, select) \
  ::countersign::invariants::Rule { name, promise, {"invariants." name, CS_OFFENDERS(select)}, since }
#define CS_RULE_DIFFERS(name, promise, sqlite, postgres)                                             \
  ::countersign::invariants::Rule {                                                                  \
    name, promise, {"invariants." name, CS_OFFENDERS(sqlite), CS_OFFENDERS(postgres)}, Since::always \
  }

[[nodiscard]] std::span<const Rule> decision_rules();
[[nodiscard]] std::span<const Rule> transport_rules();
[[nodiscard]] std::span<const Rule> journal_rules();
[[nodiscard]] std::span<const Rule> event_rules();
[[nodiscard]] std::span<const Rule> content_rules();
[[nodiscard]] std::span<const Rule> webhook_rules();
[[nodiscard]] std::span<const Rule> review_mail_rules();

/// Every recipient that lives here got its copy. In code, because the copy's id is a hash.
[[nodiscard]] Finding check_local_copies(store::ReadTx& tx, const CheckOptions& options);

}  // namespace countersign::invariants
