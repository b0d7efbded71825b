// Deliveries: one event for one webhook, from the fan-out to the answer that settles it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "webhook/subscription.hpp"

namespace countersign::webhook {

using DeliveryId = Id<struct DeliveryTag>;  // whd_ + 32 hex

/// Pauses after the 1st, 2nd, … failed attempt (contract §17). After the last attempt the delivery has
/// failed.
inline constexpr std::array<std::chrono::minutes, 7> kPauses{
    std::chrono::minutes(1),   std::chrono::minutes(5),   std::chrono::minutes(15), std::chrono::minutes(60),
    std::chrono::minutes(240), std::chrono::minutes(480), std::chrono::minutes(960)};
inline constexpr std::int64_t kAttemptsMax = 8;
/// The pause after attempt `attempt` ≥ 1, when the first one is `first`; the others keep their proportions.
/// Nothing: there is no further attempt.
[[nodiscard]] std::optional<std::chrono::milliseconds> pause_after(std::int64_t attempt,
                                                                   std::chrono::milliseconds first);

struct Delivery {
  DeliveryId id;
  std::string event_id;
  std::string event_type;
  std::string status;  // "pending", "delivered", "failed"
  std::int64_t attempts = 0;
  UtcTime due_at;
  std::optional<UtcTime> last_attempt_at;
  std::optional<std::int64_t> last_status_code;  // 0: there was no answer
  std::string last_error;
  UtcTime created_at;
};

/// How long a disabled webhook puts off what is due, again and again, without an attempt (contract §17).
inline constexpr std::chrono::hours kDeferral{1};
/// When the delivery may go out, as far as anybody can tell at `now`. Enabling the webhook makes that at
/// once.
[[nodiscard]] UtcTime next_due(const Delivery& delivery, bool webhook_enabled, UtcTime now);

/// One request that was made.
struct Attempt {
  std::int64_t number = 0;
  UtcTime started_at;
  std::chrono::microseconds took{};
  std::int64_t status_code = 0;  // 0: there was no answer
  std::string address;           // that was connected to; empty: none
  std::string error;             // empty: delivered
};

/// Up to `limit` deliveries of a webhook, newest first, strictly after `after`. status: empty for all.
[[nodiscard]] std::vector<Delivery> list_deliveries(store::ReadTx& tx, const WebhookId& webhook,
                                                    std::string_view status,
                                                    const std::optional<journal::Position>& after,
                                                    std::int64_t limit);
[[nodiscard]] std::optional<Delivery> find_delivery(store::ReadTx& tx, const WebhookId& webhook,
                                                    const DeliveryId& id);
[[nodiscard]] std::vector<Attempt> list_attempts(store::ReadTx& tx, const DeliveryId& id);

/// How an event fared, over all its deliveries.
struct Tally {
  std::string event_id;
  std::int64_t matched = 0;
  std::int64_t delivered = 0;
  std::int64_t pending = 0;
  std::int64_t failed = 0;
};
/// Tallies of those of the events that matched any webhook that still exists.
[[nodiscard]] std::vector<Tally> tally(store::ReadTx& tx, const std::vector<std::string>& event_ids);

/// A webhook that an event matched when it happened.
struct Matched {
  WebhookId webhook;
  bool enabled = true;
};
[[nodiscard]] std::vector<Matched> matched_webhooks(store::ReadTx& tx, std::string_view event_id);

/// How long a repeated redelivery of one event to one webhook is the same redelivery (contract §7).
inline constexpr std::chrono::hours kRedeliveryWindow{24};
/// Queues the event once more for a webhook that it matched. Within kRedeliveryWindow of an earlier call it
/// is that one's delivery.
[[nodiscard]] DeliveryId redeliver(store::Tx& tx, const WebhookId& webhook, std::string_view event_id,
                                   UtcTime now);

/// Queues a made-up event. `body`: the envelope that is sent.
void send_test(store::Tx& tx, const WebhookId& webhook, const DeliveryId& id, std::string_view event_id,
               std::string_view type, std::string_view body, UtcTime now);

/// What an attempt came to.
struct Outcome {
  DeliveryId id;
  WebhookId webhook;
  Attempt attempt;  // its number is one more than the attempts that stood in the row when it began
  bool delivered = false;
};
/// Writes outcomes down. One whose delivery has had that attempt already, from whoever, or is settled,
/// changes nothing: each attempt counts once. Returns how many were written. retry_first   see pause_after.
std::int64_t record(store::Tx& tx, std::span<const Outcome> outcomes, std::chrono::milliseconds retry_first);

}  // namespace countersign::webhook
