// The outbound and inbound gates of an agent's protection settings (contract §14).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/agent.hpp"

namespace countersign::hold {

/// Why a gate or the screening tripped, in words for a reviewer.
struct Trip {
  account::GateAction action;
  std::string code;  // "recipient_gate", "sender_gate", "inbound_scan", "outbound_scan"
  std::string summary;
  std::string detail;
  std::string type = "gate";  // "gate", "scan", "unknown" (contract HoldReasonView)
  std::string category;       // of a scan
  std::optional<double> confidence;
};

/// The trip with the strongest action, the first of several equal ones; nullptr without any.
[[nodiscard]] const Trip* strongest(const std::vector<Trip>& trips);

/// Compares every recipient (mailbox texts of to, cc, bcc) with the outbound gate. One that is not allowed
/// trips it.
[[nodiscard]] std::optional<Trip> outbound_gate(const account::Agent& agent,
                                                const std::vector<std::string>& recipients);

/// Compares the sender (bare address) with the inbound gate. Without one – From is unusable or DMARC did not
/// pass – every policy but `open` trips.
[[nodiscard]] std::optional<Trip> inbound_gate(const account::Agent& agent,
                                               const std::optional<std::string>& authenticated_sender);

}  // namespace countersign::hold
