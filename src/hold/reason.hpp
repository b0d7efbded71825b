// The reason of a hold in the form reviewers read (contract HoldReasonView).
#pragma once

#include <string>

#include "hold/gate.hpp"

namespace countersign::hold {

/// The longest a message may be held (contract §14).
inline constexpr std::chrono::seconds kHoldTtlMax{604'800};

/// `{"type":…,"code":…,"summary":…}`, with category, detail and confidence where there are any.
[[nodiscard]] std::string hold_reason_json(const Trip& trip);

/// When a hold that starts now ends by itself. Nothing when the settings do not allow holding (ttl ≤ 0 or
/// above the maximum, contract §14).
[[nodiscard]] std::optional<UtcTime> hold_deadline(const account::Agent& agent, UtcTime now);

}  // namespace countersign::hold
