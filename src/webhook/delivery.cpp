#include "webhook/delivery.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"

namespace countersign::webhook {
namespace {

using store::Query;

#define CS_DELIVERY_COLUMNS                                                                   \
  "d.id, d.event_id, d.event_type, d.status, d.attempts, d.due_at_us, d.last_attempt_at_us, " \
  "d.last_status_code, d.last_error, d.created_at_us"
constexpr Query kList(
    "webhook.list_deliveries",
    "SELECT " CS_DELIVERY_COLUMNS
    " FROM webhook_deliveries d WHERE d.webhook_id = $1 AND (d.created_at_us, d.id) < ($2, $3) "
    "AND ($4 = '' OR d.status = $4) ORDER BY d.created_at_us DESC, d.id DESC LIMIT $5");
constexpr Query kFind("webhook.find_delivery",
                      "SELECT " CS_DELIVERY_COLUMNS
                      " FROM webhook_deliveries d WHERE d.id = $1 AND d.webhook_id = $2");
constexpr Query kAttempts("webhook.list_attempts",
                          "SELECT attempt, started_at_us, took_us, status_code, address, error FROM "
                          "webhook_attempts WHERE delivery_id = $1 ORDER BY attempt");

#define CS_TALLY                                                                   \
  "SELECT event_id, CAST(count(CASE WHEN cause = 'event' THEN 1 END) AS BIGINT), " \
  "CAST(count(CASE WHEN status = 'delivered' THEN 1 END) AS BIGINT), "             \
  "CAST(count(CASE WHEN status = 'pending' THEN 1 END) AS BIGINT), "               \
  "CAST(count(CASE WHEN status = 'failed' THEN 1 END) AS BIGINT) FROM webhook_deliveries WHERE event_id "
// Differs in how a JSON list becomes rows, here and below.
constexpr Query kTally("webhook.tally", CS_TALLY "IN (SELECT value FROM json_each($1)) GROUP BY event_id",
                       CS_TALLY
                       "= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) GROUP BY event_id");

constexpr Query kMatched(
    "webhook.matched",
    "SELECT d.webhook_id, w.enabled FROM webhook_deliveries d JOIN webhooks w ON "
    "w.id = d.webhook_id WHERE d.event_id = $1 AND d.cause = 'event' ORDER BY d.webhook_id");

constexpr Query kRedeliveries(
    "webhook.redeliveries",
    "SELECT id, created_at_us FROM webhook_deliveries WHERE event_id = $1 AND "
    "webhook_id = $2 AND cause = 'redelivery' ORDER BY created_at_us DESC, id DESC");
constexpr Query kRedeliver(
    "webhook.redeliver",
    "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, message_id, cause, due_at_us, "
    "position, created_at_us) SELECT $1, d.webhook_id, d.event_id, d.event_type, d.message_id, 'redelivery', "
    "$4, d.position, $4 FROM webhook_deliveries d WHERE d.event_id = $2 AND d.webhook_id = $3 AND "
    "d.cause = 'event' ON CONFLICT (id) DO NOTHING");

constexpr Query kTest("webhook.send_test",
                      "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, cause, body, "
                      "due_at_us, created_at_us) VALUES ($1, $2, $3, $4, 'test', $5, $6, $6)");

// $1 lists the outcomes.
#define CS_RECORD                                                                                            \
  "UPDATE webhook_deliveries SET status = o.status, attempts = o.attempt, due_at_us = CASE WHEN o.status = " \
  "'pending' THEN o.due ELSE webhook_deliveries.due_at_us END, last_attempt_at_us = o.started, "             \
  "last_status_code = o.code, last_error = o.error, settled_at_us = CASE WHEN o.status <> 'pending' THEN "   \
  "o.ended END FROM "
#define CS_RECORDED                                                                    \
  " WHERE webhook_deliveries.id = o.id AND webhook_deliveries.status = 'pending' AND " \
  "webhook_deliveries.attempts = o.attempt - 1 RETURNING webhook_deliveries.id, "      \
  "webhook_deliveries.attempts"
constexpr Query kRecord(
    "webhook.record",
    CS_RECORD
    "(SELECT value ->> 'id' AS id, value ->> 'status' AS status, value ->> 'attempt' AS attempt, "
    "value ->> 'due' AS due, value ->> 'started' AS started, value ->> 'ended' AS ended, value ->> "
    "'code' AS code, value ->> 'error' AS error FROM json_each($1)) o" CS_RECORDED,
    CS_RECORD
    "(SELECT e ->> 'id' AS id, e ->> 'status' AS status, CAST(e ->> 'attempt' AS BIGINT) AS "
    "attempt, CAST(e ->> 'due' AS BIGINT) AS due, CAST(e ->> 'started' AS BIGINT) AS started, "
    "CAST(e ->> 'ended' AS BIGINT) AS ended, CAST(e ->> 'code' AS BIGINT) AS code, e ->> 'error' "
    "AS error FROM unnest(ARRAY(SELECT jsonb_array_elements($1::jsonb))) e) o" CS_RECORDED);
constexpr Query kLog(
    "webhook.log_attempt",
    "INSERT INTO webhook_attempts (delivery_id, attempt, started_at_us, took_us, status_code, "
    "address, error) VALUES ($1, $2, $3, $4, $5, $6, $7)");
constexpr Query kDeliveredTo("webhook.delivered_to",
                             "UPDATE webhook_lanes SET last_delivered_at_us = $2 WHERE webhook_id = $1 AND "
                             "COALESCE(last_delivered_at_us, 0) < $2");

constexpr std::string_view kAfterAllIds = "~";

Delivery delivery_from(const store::Row& row) {
  return {
      DeliveryId(row.text(0)), row.text(1),          row.text(2), row.text(3), row.integer(4), row.time(5),
      row.maybe_time(6),       row.maybe_integer(7), row.text(8), row.time(9)};
}

UtcTime end_of(const Attempt& attempt) { return attempt.started_at + attempt.took; }

boost::json::object as_json(const Outcome& outcome, std::chrono::milliseconds retry_first) {
  const Attempt& attempt = outcome.attempt;
  const auto pause = pause_after(attempt.number, retry_first);
  const std::string_view status = outcome.delivered ? "delivered" : pause ? "pending" : "failed";
  const UtcTime due = end_of(attempt) + pause.value_or(std::chrono::milliseconds(0));
  return {{"id", outcome.id.str()},
          {"status", status},
          {"attempt", attempt.number},
          {"due", to_us(due)},
          {"started", to_us(attempt.started_at)},
          {"ended", to_us(end_of(attempt))},
          {"code", attempt.status_code},
          {"error", attempt.error}};
}

}  // namespace

std::optional<std::chrono::milliseconds> pause_after(std::int64_t attempt, std::chrono::milliseconds first) {
  CS_ASSERT(attempt >= 1);
  if (attempt >= kAttemptsMax) return std::nullopt;
  return first * (kPauses[static_cast<std::size_t>(attempt) - 1] / kPauses.front());
}

UtcTime next_due(const Delivery& delivery, bool webhook_enabled, UtcTime now) {
  if (webhook_enabled || delivery.status != "pending" || delivery.due_at > now) return delivery.due_at;
  return delivery.due_at + ((now - delivery.due_at) / kDeferral + 1) * kDeferral;
}

std::vector<Delivery> list_deliveries(store::ReadTx& tx, const WebhookId& webhook, std::string_view status,
                                      const std::optional<journal::Position>& after, std::int64_t limit) {
  const UtcTime at = after ? after->at : UtcTime::max();
  const std::string_view id = after ? std::string_view(after->id) : kAfterAllIds;
  std::vector<Delivery> out;
  const store::Rows rows = tx.query(kList, {webhook.str(), at, id, status, limit});
  for (const store::Row row : rows) out.push_back(delivery_from(row));
  return out;
}

std::optional<Delivery> find_delivery(store::ReadTx& tx, const WebhookId& webhook, const DeliveryId& id) {
  const store::Rows rows = tx.query(kFind, {id.str(), webhook.str()});
  if (rows.empty()) return std::nullopt;
  return delivery_from(rows.front());
}

std::vector<Attempt> list_attempts(store::ReadTx& tx, const DeliveryId& id) {
  std::vector<Attempt> out;
  const store::Rows rows = tx.query(kAttempts, {id.str()});
  for (const store::Row row : rows) {
    out.push_back({row.integer(0), row.time(1), std::chrono::microseconds(row.integer(2)), row.integer(3),
                   row.text(4), row.text(5)});
  }
  return out;
}

std::vector<Tally> tally(store::ReadTx& tx, const std::vector<std::string>& event_ids) {
  std::vector<Tally> out;
  const std::string ids = to_json_list(event_ids);
  const store::Rows rows = tx.query(kTally, {ids});
  for (const store::Row row : rows) {
    out.push_back({row.text(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)});
  }
  return out;
}

std::vector<Matched> matched_webhooks(store::ReadTx& tx, std::string_view event_id) {
  std::vector<Matched> out;
  const store::Rows rows = tx.query(kMatched, {event_id});
  for (const store::Row row : rows) out.push_back({WebhookId(row.text(0)), row.flag(1)});
  return out;
}

DeliveryId redeliver(store::Tx& tx, const WebhookId& webhook, std::string_view event_id, UtcTime now) {
  const store::Rows earlier = tx.query(kRedeliveries, {event_id, webhook.str()});
  if (!earlier.empty() && earlier.front().time(1) > now - kRedeliveryWindow) {
    return DeliveryId(earlier.front().text(0));
  }
  // By number, so that two calls at once name the same row.
  const std::string number = std::to_string(earlier.size() + 1);
  const DeliveryId id(derived_id_near(event_id, "whd_", {webhook.str(), event_id, "redelivery", number}));
  tx.execute(kRedeliver, {id.str(), event_id, webhook.str(), now});
  return id;
}

void send_test(store::Tx& tx, const WebhookId& webhook, const DeliveryId& id, std::string_view event_id,
               std::string_view type, std::string_view body, UtcTime now) {
  tx.execute(kTest, {id.str(), webhook.str(), event_id, type, body, now});
}

std::int64_t record(store::Tx& tx, std::span<const Outcome> outcomes, std::chrono::milliseconds retry_first) {
  // In the order of ids, so that two nodes lock in the same order.
  std::map<std::string, const Outcome*> by_id;
  for (const Outcome& outcome : outcomes) {
    const bool added = by_id.emplace(outcome.id.str(), &outcome).second;
    CS_ASSERT(added);  // one attempt at a time
  }
  boost::json::array list;
  for (const auto& [id, outcome] : by_id) list.push_back(as_json(*outcome, retry_first));
  const std::string text = boost::json::serialize(list);
  std::int64_t written = 0;
  std::map<std::string, UtcTime> delivered;
  const store::Rows rows = tx.query(kRecord, {text});
  for (const store::Row row : rows) {
    const Outcome& outcome = *by_id.at(row.text(0));
    const Attempt& attempt = outcome.attempt;
    tx.send(kLog, {outcome.id.str(), attempt.number, attempt.started_at, attempt.took.count(),
                   attempt.status_code, attempt.address, attempt.error});
    if (outcome.delivered) {
      UtcTime& last = delivered[outcome.webhook.str()];
      last = std::max(last, end_of(attempt));
    }
    ++written;
  }
  CS_FAULT("webhook.record");
  for (const auto& [webhook, at] : delivered) tx.send(kDeliveredTo, {webhook, at});
  return written;
}

}  // namespace countersign::webhook
