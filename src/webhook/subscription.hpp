// Webhooks: who wants to hear of what, and where.
//
// The middle of the way out. Rows and rules only; agent/webhook makes the requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "journal/journal.hpp"
#include "store/tx.hpp"

namespace countersign::webhook {

using WebhookId = Id<struct WebhookTag>;  // wh_ + 32 hex

// Limits (contract vocabulary §6).
inline constexpr std::int64_t kWebhooksMax = 50;  // per account
inline constexpr std::size_t kUrlBytesMax = 2048;
inline constexpr std::size_t kDescriptionBytesMax = 200;
inline constexpr std::size_t kFilterEntriesMax = 50;  // per kind
inline constexpr std::size_t kConversationIdCharactersMax = 200;
inline constexpr std::size_t kLabelCharactersMax = 64;
/// How long the secret before a rotation keeps signing, and how long an automatic disable lasts at least.
inline constexpr std::chrono::hours kRotationGrace{24};
inline constexpr std::chrono::minutes kCooldown{5};

/// Within a kind any entry matches, every kind must match; an empty kind does not constrain.
struct Filters {
  std::vector<std::string> agent_emails;
  std::vector<std::string> conversation_ids;
  std::vector<std::string> labels;  // of the event's message, at the time of the fan-out
  friend bool operator==(const Filters&, const Filters&) = default;
};

struct Webhook {
  WebhookId id;
  UserId user;
  std::string url;
  std::string description;
  std::vector<std::string> events;
  Filters filters;
  bool enabled = true;
  std::optional<UtcTime> auto_disabled_at;
  std::optional<UtcTime> last_delivered_at;
  UtcTime created_at;
};

/// Secrets as they rest: sealed, see secret_context.
struct SealedSecrets {
  std::string current;
  std::optional<std::string> previous;  // while it still signs
};

/// What a secret of this webhook is sealed under (base/seal.hpp).
[[nodiscard]] std::string secret_context(const WebhookId& id);

/// Refuses when the account has kWebhooksMax.
enum class CreateRefusal : std::uint8_t { limit_reached };
[[nodiscard]] Result<std::monostate, CreateRefusal> create(store::Tx& tx, const Webhook& webhook,
                                                           std::string_view sealed_secret);

[[nodiscard]] std::optional<Webhook> find(store::ReadTx& tx, const UserId& user, const WebhookId& id);
/// Newest first, strictly after `after` by (created_at, id).
[[nodiscard]] std::vector<Webhook> list(store::ReadTx& tx, const UserId& user,
                                        const std::optional<journal::Position>& after, std::int64_t limit);

inline constexpr std::int64_t kRemovedByAStep = 500;  // deliveries

/// What a PATCH names; everything else stays.
struct Change {
  std::optional<std::string> url;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> events;
  std::optional<Filters> filters;
  std::optional<bool> enabled;
};
enum class UpdateRefusal : std::uint8_t {
  not_found,
  cooling_down,  // enabled within kCooldown of an automatic disable
};
/// The webhook as it is afterwards. Enabling clears auto_disabled_at; what waited
/// meanwhile goes out.
[[nodiscard]] Result<Webhook, UpdateRefusal> update(store::Tx& tx, const UserId& user, const WebhookId& id,
                                                    const Change& change, UtcTime now);

enum class Removal : std::uint8_t { not_found, begun, over };
/// One step of removing a webhook: it is disabled, up to `limit` of its deliveries go, and with the last of
/// them the webhook. They are kept for so long that all of them together would hold up every other writer.
[[nodiscard]] Removal remove(store::Tx& tx, const UserId& user, const WebhookId& id,
                             std::int64_t limit = kRemovedByAStep);

/// The present secret becomes the previous one, which signs until the returned time; one before that stops
/// signing. Nothing when there is no such webhook.
[[nodiscard]] std::optional<UtcTime> rotate_secret(store::Tx& tx, const UserId& user, const WebhookId& id,
                                                   std::string_view sealed_secret, UtcTime now);

}  // namespace countersign::webhook
