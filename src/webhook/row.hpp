// Columns of a webhook and how a row of them is read. Internal to the module.
#pragma once

#include "base/text.hpp"
#include "webhook/subscription.hpp"

namespace countersign::webhook {

#define CS_WEBHOOK_COLUMNS                                                                          \
  "w.id, w.user_id, w.url, w.description, w.events, w.agent_emails, w.conversation_ids, w.labels, " \
  "w.enabled, w.auto_disabled_at_us, l.last_delivered_at_us, w.created_at_us"
#define CS_WEBHOOK_TABLES "webhooks w JOIN webhook_lanes l ON l.webhook_id = w.id"

[[nodiscard]] inline Webhook webhook_from(const store::Row& row) {
  return {WebhookId(row.text(0)),
          UserId(row.text(1)),
          row.text(2),
          row.text(3),
          from_json_list(row.view(4)),
          {from_json_list(row.view(5)), from_json_list(row.view(6)), from_json_list(row.view(7))},
          row.flag(8),
          row.maybe_time(9),
          row.maybe_time(10),
          row.time(11)};
}

}  // namespace countersign::webhook
