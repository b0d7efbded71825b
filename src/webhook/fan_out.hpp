// The fan-out: an event becomes a delivery for each webhook that wants to hear of it.
//
// It follows the event, in a transaction of its own, so that mail does not wait for whoever wants to hear of
// it. An event says itself that it still has to be fanned out, because no position in the log can: on
// PostgreSQL a transaction with an earlier position may commit later.
#pragma once

#include "journal/event_log.hpp"
#include "webhook/delivery.hpp"

namespace countersign::webhook {

struct FannedOut {
  std::int64_t events = 0;
  std::int64_t deliveries = 0;
};

/// Fans out up to `limit` waiting events; several nodes may at once. An event matches the webhooks of its
/// account that are enabled, existed when it happened, name its type and pass it by their filters.
FannedOut fan_out(store::Tx& tx, std::int64_t limit);

/// Whether the webhook's events and filters let the event pass. labels: of the event's message.
[[nodiscard]] bool matches(const Webhook& webhook, const journal::Event& event,
                           const std::vector<std::string>& labels);

}  // namespace countersign::webhook
