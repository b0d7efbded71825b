#include "webhook/subscription.hpp"

#include "base/assert.hpp"
#include "webhook/row.hpp"

namespace countersign::webhook {
namespace {

using store::Query;

// Whoever counts an account's webhooks holds its row, so that two at once do not pass the limit.
// Differs because SQLite has one writer and no row locks.
constexpr Query kLockUser("webhook.lock_user", "SELECT 1 FROM users WHERE id = $1",
                          "SELECT 1 FROM users WHERE id = $1 FOR UPDATE");
constexpr Query kCount("webhook.count", "SELECT CAST(count(*) AS BIGINT) FROM webhooks WHERE user_id = $1");
constexpr Query kInsert("webhook.insert",
                        "INSERT INTO webhooks (id, user_id, url, description, events, agent_emails, "
                        "conversation_ids, labels, enabled, enabled_at_us, secret, created_at_us) VALUES "
                        "($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $9)");
constexpr Query kInsertLane("webhook.insert_lane", "INSERT INTO webhook_lanes (webhook_id) VALUES ($1)");
constexpr Query kFind("webhook.find", "SELECT " CS_WEBHOOK_COLUMNS " FROM " CS_WEBHOOK_TABLES
                                      " WHERE w.id = $1 AND w.user_id = $2");
constexpr Query kList("webhook.list",
                      "SELECT " CS_WEBHOOK_COLUMNS " FROM " CS_WEBHOOK_TABLES
                      " WHERE w.user_id = $1 AND (w.created_at_us, w.id) < ($2, $3) ORDER BY w.created_at_us "
                      "DESC, w.id DESC LIMIT $4");
// Differs because SQLite has one writer and no row locks.
constexpr Query kLock("webhook.lock", "SELECT 1 FROM webhooks WHERE id = $1 AND user_id = $2",
                      "SELECT 1 FROM webhooks WHERE id = $1 AND user_id = $2 FOR UPDATE");
constexpr Query kUpdate("webhook.update",
                        "UPDATE webhooks SET url = $2, description = $3, events = $4, agent_emails = $5, "
                        "conversation_ids = $6, labels = $7 WHERE id = $1");
constexpr Query kEnable("webhook.enable",
                        "UPDATE webhooks SET enabled = 1, enabled_at_us = $2, auto_disabled_at_us = NULL "
                        "WHERE id = $1 AND enabled = 0");
constexpr Query kDisable("webhook.disable", "UPDATE webhooks SET enabled = 0 WHERE id = $1");
constexpr Query kRemoveDeliveries(
    "webhook.remove_deliveries",
    "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 "
    "ORDER BY created_at_us, id LIMIT $2)");
constexpr Query kDelete("webhook.delete", "DELETE FROM webhooks WHERE id = $1 AND user_id = $2");
constexpr Query kRotate(
    "webhook.rotate",
    "UPDATE webhooks SET previous_secret = secret, previous_secret_until_us = $4, secret = $3 "
    "WHERE id = $1 AND user_id = $2");

constexpr std::string_view kAfterAllIds = "~";

struct Lists {
  explicit Lists(const Webhook& webhook)
      : events(to_json_list(webhook.events)),
        agents(to_json_list(webhook.filters.agent_emails)),
        conversations(to_json_list(webhook.filters.conversation_ids)),
        labels(to_json_list(webhook.filters.labels)) {}
  std::string events, agents, conversations, labels;
};

Webhook changed(Webhook webhook, const Change& change) {
  if (change.url) webhook.url = *change.url;
  if (change.description) webhook.description = *change.description;
  if (change.events) webhook.events = *change.events;
  if (change.filters) webhook.filters = *change.filters;
  return webhook;
}

}  // namespace

std::string secret_context(const WebhookId& id) { return "webhook secret " + id.str(); }

Result<std::monostate, CreateRefusal> create(store::Tx& tx, const Webhook& webhook,
                                             std::string_view sealed_secret) {
  CS_ASSERT(tx.query(kLockUser, {webhook.user.str()}).size() == 1);
  if (tx.query(kCount, {webhook.user.str()}).front().integer(0) >= kWebhooksMax) {
    return unexpected(CreateRefusal::limit_reached);
  }
  const Lists lists(webhook);
  tx.execute(kInsert, {webhook.id.str(), webhook.user.str(), webhook.url, webhook.description, lists.events,
                       lists.agents, lists.conversations, lists.labels, webhook.created_at,
                       store::Blob{sealed_secret}});
  tx.execute(kInsertLane, {webhook.id.str()});
  return std::monostate{};
}

std::optional<Webhook> find(store::ReadTx& tx, const UserId& user, const WebhookId& id) {
  const store::Rows rows = tx.query(kFind, {id.str(), user.str()});
  if (rows.empty()) return std::nullopt;
  return webhook_from(rows.front());
}

std::vector<Webhook> list(store::ReadTx& tx, const UserId& user,
                          const std::optional<journal::Position>& after, std::int64_t limit) {
  const UtcTime at = after ? after->at : UtcTime::max();
  const std::string_view id = after ? std::string_view(after->id) : kAfterAllIds;
  std::vector<Webhook> out;
  const store::Rows rows = tx.query(kList, {user.str(), at, id, limit});
  for (const store::Row row : rows) out.push_back(webhook_from(row));
  return out;
}

Result<Webhook, UpdateRefusal> update(store::Tx& tx, const UserId& user, const WebhookId& id,
                                      const Change& change, UtcTime now) {
  if (tx.query(kLock, {id.str(), user.str()}).empty()) return unexpected(UpdateRefusal::not_found);
  const std::optional<Webhook> before = find(tx, user, id);
  CS_ASSERT(before.has_value());
  if (change.enabled == true && before->auto_disabled_at && now < *before->auto_disabled_at + kCooldown) {
    return unexpected(UpdateRefusal::cooling_down);
  }
  Webhook after = changed(*before, change);
  const Lists lists(after);
  tx.execute(kUpdate, {id.str(), after.url, after.description, lists.events, lists.agents,
                       lists.conversations, lists.labels});
  if (change.enabled == true && !before->enabled) {
    tx.execute(kEnable, {id.str(), now});
    after.enabled = true;
    after.auto_disabled_at.reset();
  } else if (change.enabled == false && before->enabled) {
    // When it was disabled for its failures stays known: only enabling it ends its cooldown.
    tx.execute(kDisable, {id.str()});
    after.enabled = false;
  }
  return after;
}

Removal remove(store::Tx& tx, const UserId& user, const WebhookId& id, std::int64_t limit) {
  if (tx.query(kLock, {id.str(), user.str()}).empty()) return Removal::not_found;
  tx.execute(kDisable, {id.str()});
  if (tx.execute(kRemoveDeliveries, {id.str(), limit}) == limit) return Removal::begun;
  tx.execute(kDelete, {id.str(), user.str()});
  return Removal::over;
}

std::optional<UtcTime> rotate_secret(store::Tx& tx, const UserId& user, const WebhookId& id,
                                     std::string_view sealed_secret, UtcTime now) {
  const UtcTime until = now + kRotationGrace;
  const std::int64_t rotated = tx.execute(kRotate, {id.str(), user.str(), store::Blob{sealed_secret}, until});
  if (rotated != 1) return std::nullopt;
  return until;
}

}  // namespace countersign::webhook
