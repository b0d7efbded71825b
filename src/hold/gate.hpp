// The outbound and inbound gates of an agent's protection settings (contract §14).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/agent.hpp"

namespace countersign::hold {

/// Why a gate tripped, in words for a reviewer.
struct Trip {
  account::GateAction action;
  std::string code;  // "recipient_gate", "sender_gate"
  std::string summary;
  std::string detail;
};

/// Compares every recipient (mailbox texts of to, cc, bcc) with the outbound gate. One that is not allowed
/// trips it.
[[nodiscard]] std::optional<Trip> outbound_gate(const account::Agent& agent,
                                                const std::vector<std::string>& recipients);

/// Compares an authenticated sender (bare address) with the inbound gate.
[[nodiscard]] std::optional<Trip> inbound_gate(const account::Agent& agent, std::string_view sender);

}  // namespace countersign::hold
