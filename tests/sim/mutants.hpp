// Deliberately broken copies of the rules. Production code stays as it is: a mutant replaces the text of a
// named statement, or what stands between the dispatcher and the store or the provider.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/breach.hpp"
#include "store/query.hpp"

namespace countersign::sim {

/// What a mutant does beyond replacing statements.
enum class Defect : std::uint8_t {
  none,
  /// An acceptance is recorded together with work that fails for good for some messages.
  record_with_other_work,
  /// The queued attempt is written by a second transaction, after the one that holds the decision.
  enqueue_afterwards,
  /// The answer of a keyed request is written by a second transaction.
  answer_afterwards,
  /// Local copies are written by a second connection that commits on its own, before the decision.
  copies_beforehand,
  /// A reset after the final dot is taken for an outage: the message is tried again.
  resend_on_lost_reply,
  /// A fault of the session is charged to the message.
  fault_costs_attempt,
  /// The last byte leaves whatever the fence says.
  fence_ignored,
};

struct Replacement {
  std::string_view name;
  store::Query with;
};

struct Mutant {
  std::string_view name;
  std::string_view about;
  Breach breach;  // what must be seen of it
  std::vector<Replacement> replacements;
  Defect defect = Defect::none;
};

[[nodiscard]] std::span<const Mutant> mutants();
/// Null when there is none of this name.
[[nodiscard]] const Mutant* find_mutant(std::string_view name);

}  // namespace countersign::sim
