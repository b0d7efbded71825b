// Addresses that must not be written to: per account and per agent.
#pragma once

#include <string>
#include <vector>

#include "account/principal.hpp"

namespace countersign::account {

/// Those of `addresses` (bare, lower case) that the account or the agent has suppressed, sorted.
[[nodiscard]] std::vector<std::string> suppressed_among(store::ReadTx& tx, const UserId& user,
                                                        std::string_view agent_email,
                                                        const std::vector<std::string>& addresses);

/// Adds an address to the agent's list. False when it is there already (its row is kept as it is).
bool suppress_for_agent(store::Tx& tx, std::string_view agent_email, std::string_view address,
                        std::string_view source, std::string_view reason, UtcTime now);

}  // namespace countersign::account
