#include "webhook/upkeep.hpp"

namespace countersign::webhook {
namespace {

using store::Query;

// $1: now. $2: since when failures count. A delivery within that time keeps a webhook, and so does an
// enabling.
constexpr Query kDisable(
    "webhook.disable_failing",
    "UPDATE webhooks SET enabled = 0, auto_disabled_at_us = $1 WHERE enabled = 1 AND id IN (SELECT w.id FROM "
    "webhooks w JOIN webhook_lanes l ON l.webhook_id = w.id WHERE w.enabled = 1 AND "
    "COALESCE(l.last_delivered_at_us, 0) < $2 AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d "
    "WHERE d.webhook_id = w.id AND d.status = 'failed' AND d.settled_at_us >= $2 AND d.settled_at_us >= "
    "w.enabled_at_us LIMIT $3) AS failures) >= $3 LIMIT $4) RETURNING id");
// Of one webhook after the other, through the index of what waits for it: what is settled is not passed over.
// $2, $3: until when an event's, or a repeated delivery must have been due.
constexpr Query kEnd(
    "webhook.end_overdue",
    "UPDATE webhook_deliveries SET status = 'failed', settled_at_us = $1, last_error = "
    "'the webhook stayed disabled for as long as the event was kept' WHERE status = 'pending' AND id IN "
    "(SELECT d.id FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id WHERE w.enabled = 0 AND "
    "d.status = 'pending' AND d.due_at_us < $3 AND (d.cause = 'redelivery' OR d.due_at_us < $2) LIMIT $4)");
#define CS_OLD                                                                                              \
  "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE created_at_us < $1 " \
  "AND status <> 'pending' ORDER BY created_at_us LIMIT $2"
// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kForget("webhook.forget_deliveries", CS_OLD ")", CS_OLD " FOR UPDATE SKIP LOCKED)");
#undef CS_OLD

}  // namespace

std::vector<WebhookId> disable_failing(store::Tx& tx, UtcTime now, std::int64_t limit) {
  std::vector<WebhookId> out;
  const store::Rows rows = tx.query(kDisable, {now, now - kFailureWindow, kFailuresMax, limit});
  for (const store::Row row : rows) out.emplace_back(row.text(0));
  return out;
}

std::int64_t end_overdue(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kEnd, {now, now - kDeliveriesWait, now - kRedeliveriesWait, limit});
}

std::int64_t forget_deliveries(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  return tx.execute(kForget, {cutoff, limit});
}

}  // namespace countersign::webhook
