// Metering and its limits: counted in the transaction that stores the message, checked in the same one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "account/principal.hpp"

namespace countersign::account {

struct Usage {
  std::int64_t messages_month = 0;
  std::int64_t storage_bytes = 0;
};

/// Sums over the shards: O(shards), whatever the mailbox holds. `now` picks the UTC calendar month.
[[nodiscard]] Usage usage_of(store::ReadTx& tx, const UserId& user, UtcTime now);

/// Counts one stored message of `bytes`. `seed` (the message id) spreads concurrent writers over the shards.
void meter_message(store::Tx& tx, const UserId& user, std::string_view seed, std::int64_t bytes, UtcTime now);
/// Corrects the stored bytes, when content is added to or removed from a message (bytes may be negative).
void meter_bytes(store::Tx& tx, const UserId& user, std::string_view seed, std::int64_t bytes);

enum class Resource : std::uint8_t { agents, domains, messages_month, storage_bytes };
[[nodiscard]] std::string_view name_of(Resource resource);

struct Exceeded {
  Resource resource;
  std::int64_t limit;
  std::int64_t current;
};
/// What stops this account from storing one more message, if anything (messages_month first; a cap trips when
/// current ≥ limit). Near a cap it locks the account, so that concurrent senders cannot pass it together.
[[nodiscard]] std::optional<Exceeded> check_message_limits(store::Tx& tx, const UserId& user,
                                                           const Limits& limits, UtcTime now);

/// The caps of an account: its own, else the deployment's. Nothing when there is no such account.
[[nodiscard]] std::optional<Limits> limits_of(store::ReadTx& tx, const UserId& user, const Limits& defaults);
/// Whether one more message would be refused, as far as can be told without a lock: for answers that commit
/// to nothing.
[[nodiscard]] bool over_message_limits(store::ReadTx& tx, const UserId& user, const Limits& limits,
                                       UtcTime now);

/// Makes other transactions that lock the same account wait until this one has ended. Other writes of the
/// account are not held up.
void lock_user(store::Tx& tx, const UserId& user);

}  // namespace countersign::account
