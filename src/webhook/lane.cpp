#include "webhook/lane.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/fault.hpp"
#include "base/text.hpp"

namespace countersign::webhook {
namespace {

using store::Query;

// Webhooks with pending deliveries, in id order after $1: index probes, however many deliveries wait. A
// subquery with a LIMIT, because PostgreSQL turns EXISTS into a join that reads all that is due.
constexpr Query kDue(
    "webhook.due_lanes",
    "WITH RECURSIVE waiting (webhook_id) AS (SELECT min(webhook_id) FROM webhook_deliveries WHERE "
    "status = 'pending' AND webhook_id > $1 UNION ALL SELECT (SELECT min(d.webhook_id) FROM "
    "webhook_deliveries d WHERE d.status = 'pending' AND d.webhook_id > w.webhook_id) FROM waiting w WHERE "
    "w.webhook_id IS NOT NULL) SELECT w.webhook_id FROM waiting w JOIN webhook_lanes l ON l.webhook_id = "
    "w.webhook_id JOIN webhooks h ON h.id = w.webhook_id WHERE h.enabled = 1 AND (l.lease_until_us IS NULL "
    "OR "
    "l.lease_until_us <= $3) AND (SELECT 1 FROM webhook_deliveries d WHERE d.status = 'pending' AND "
    "d.webhook_id = w.webhook_id AND d.due_at_us <= $3 LIMIT 1) IS NOT NULL LIMIT $2");

#define CS_CLAIM                                                                                        \
  "UPDATE webhook_lanes SET epoch = epoch + 1, worker = $2, lease_until_us = $4 WHERE (lease_until_us " \
  "IS NULL OR lease_until_us <= $3) AND webhook_id "
#define CS_CLAIMED \
  " RETURNING webhook_id, epoch, (SELECT w.user_id FROM webhooks w WHERE w.id = webhook_lanes.webhook_id)"
// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kClaim("webhook.claim_lanes", CS_CLAIM "IN (SELECT value FROM json_each($1))" CS_CLAIMED,
                       CS_CLAIM
                       "= ANY (ARRAY(SELECT l.webhook_id FROM webhook_lanes l WHERE l.webhook_id = ANY "
                       "(ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) ORDER BY l.webhook_id FOR "
                       "UPDATE SKIP LOCKED))" CS_CLAIMED);

#define CS_RENEW "UPDATE webhook_lanes SET lease_until_us = $3 FROM "
#define CS_RENEWED                                                                                       \
  " WHERE webhook_lanes.webhook_id = o.id AND webhook_lanes.epoch = o.epoch AND webhook_lanes.worker = " \
  "$2 RETURNING webhook_lanes.webhook_id"
// Differs in how a JSON list becomes rows.
constexpr Query kRenew(
    "webhook.renew_lanes",
    CS_RENEW "(SELECT value ->> 'id' AS id, value ->> 'epoch' AS epoch FROM json_each($1)) o" CS_RENEWED,
    CS_RENEW
    "(SELECT e ->> 'id' AS id, CAST(e ->> 'epoch' AS BIGINT) AS epoch FROM "
    "unnest(ARRAY(SELECT jsonb_array_elements($1::jsonb))) e) o" CS_RENEWED);
constexpr Query kRelease(
    "webhook.release_lane",
    "UPDATE webhook_lanes SET worker = '', lease_until_us = NULL WHERE webhook_id = $1 AND "
    "epoch = $2 AND worker = $3");
constexpr Query kReleaseAll("webhook.release_all_lanes",
                            "UPDATE webhook_lanes SET worker = '', lease_until_us = NULL WHERE worker <> ''");

constexpr Query kWebhook("webhook.of_lane",
                         "SELECT url, secret, previous_secret, previous_secret_until_us FROM webhooks WHERE "
                         "id = $1 AND enabled = 1");
constexpr Query kJobs(
    "webhook.jobs",
    "SELECT d.id, d.event_id, d.event_type, COALESCE(d.message_id, ''), d.attempts, "
    "COALESCE(d.body, e.envelope) FROM webhook_deliveries d LEFT JOIN events e ON e.id = d.event_id WHERE "
    "d.status = 'pending' AND d.webhook_id = $1 AND d.due_at_us <= $2 ORDER BY d.due_at_us, d.position LIMIT "
    "$3");

std::vector<std::string> texts_of(std::span<const WebhookId> ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (const WebhookId& id : ids) out.push_back(id.str());
  return out;
}

}  // namespace

std::vector<WebhookId> due_lanes(store::ReadTx& tx, const WebhookId& after, std::int64_t limit, UtcTime now) {
  std::vector<WebhookId> out;
  const store::Rows later = tx.query(kDue, {after.str(), limit, now});
  for (const store::Row row : later) out.emplace_back(row.text(0));
  const std::int64_t room = limit - static_cast<std::int64_t>(later.size());
  if (after.empty() || room <= 0) return out;
  const store::Rows earlier = tx.query(kDue, {"", room, now});
  for (const store::Row row : earlier) {
    if (row.view(0) > after.str()) break;
    out.emplace_back(row.text(0));
  }
  return out;
}

std::vector<Lane> claim_lanes(store::Tx& tx, std::span<const WebhookId> lanes, std::string_view worker,
                              UtcTime now, UtcTime lease_until) {
  std::vector<Lane> out;
  const std::string ids = to_json_list(texts_of(lanes));
  const store::Rows rows = tx.query(kClaim, {ids, worker, now, lease_until});
  for (const store::Row row : rows)
    out.push_back({WebhookId(row.text(0)), UserId(row.text(2)), row.integer(1)});
  CS_FAULT("webhook.claim");
  return out;
}

std::vector<WebhookId> renew_lanes(store::Tx& tx, std::span<const Lane> lanes, std::string_view worker,
                                   UtcTime lease_until) {
  boost::json::array list;
  for (const Lane& lane : lanes) {
    list.push_back(boost::json::object{{"id", lane.webhook.str()}, {"epoch", lane.epoch}});
  }
  std::vector<WebhookId> out;
  const std::string text = boost::json::serialize(list);
  const store::Rows rows = tx.query(kRenew, {text, worker, lease_until});
  for (const store::Row row : rows) out.emplace_back(row.text(0));
  return out;
}

bool release_lane(store::Tx& tx, const Lane& lane, std::string_view worker) {
  CS_FAULT("webhook.release");
  return tx.execute(kRelease, {lane.webhook.str(), lane.epoch, worker}) == 1;
}

void release_all_lanes(store::Tx& tx) { tx.execute(kReleaseAll); }

std::optional<Load> load_lane(store::ReadTx& tx, const WebhookId& webhook, std::int64_t limit, UtcTime now) {
  const store::Rows found = tx.query(kWebhook, {webhook.str()});
  if (found.empty()) return std::nullopt;
  const store::Row row = found.front();
  Load load;
  load.url = row.text(0);
  load.secrets.current = row.text(1);
  if (!row.is_null(3) && row.time(3) > now) load.secrets.previous = row.text(2);
  const store::Rows jobs = tx.query(kJobs, {webhook.str(), now, limit});
  load.jobs.reserve(jobs.size());
  for (const store::Row job : jobs) {
    load.jobs.push_back({DeliveryId(job.text(0)), job.text(1), job.text(2), job.text(3), job.integer(4) + 1,
                         job.maybe_text(5).value_or("")});
  }
  return load;
}

}  // namespace countersign::webhook
