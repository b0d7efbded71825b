// Addresses that must not be written to: per account and per agent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// One row of either list.
struct Suppression {
  std::string address;
  std::string source;
  std::string reason;
  std::string message_id;  // account list: what brought it on; else empty
  UtcTime created_at;
};
/// Newest first (then by address, descending), strictly after (created_at, address) when given.
[[nodiscard]] std::vector<Suppression> list_account_suppressions(
    store::ReadTx& tx, const UserId& user, const std::optional<std::pair<UtcTime, std::string>>& after,
    std::int64_t limit);
[[nodiscard]] std::vector<Suppression> list_agent_suppressions(
    store::ReadTx& tx, std::string_view agent_email,
    const std::optional<std::pair<UtcTime, std::string>>& after, std::int64_t limit);
[[nodiscard]] std::optional<Suppression> find_agent_suppression(store::ReadTx& tx,
                                                                std::string_view agent_email,
                                                                std::string_view address);
/// Takes an address off; false when it is not on the list.
[[nodiscard]] bool lift_account_suppression(store::Tx& tx, const UserId& user, std::string_view address);
[[nodiscard]] bool lift_agent_suppression(store::Tx& tx, std::string_view agent_email,
                                          std::string_view address);

/// An address the whole account must not write to again.
struct AccountSuppression {
  std::string address;  // bare, lower case
  std::string source;   // "bounce", "complaint", "manual"
  std::string reason;
  MessageId message;  // the one that brought it on; may be empty
};
/// Adds it to the account's list. False when the address is there already (its row is kept as it is).
bool suppress_for_account(store::Tx& tx, const UserId& user, const AccountSuppression& entry, UtcTime now);

}  // namespace countersign::account
