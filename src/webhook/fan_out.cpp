#include "webhook/fan_out.hpp"

#include <algorithm>
#include <map>

#include "base/fault.hpp"
#include "webhook/row.hpp"

namespace countersign::webhook {
namespace {

using store::Query;

constexpr Query kEnabled("webhook.enabled", "SELECT " CS_WEBHOOK_COLUMNS " FROM " CS_WEBHOOK_TABLES
                                            " WHERE w.user_id = $1 AND w.enabled = 1 ORDER BY w.id");
constexpr Query kLabels("webhook.labels_of_message",
                        "SELECT label FROM message_labels WHERE message_id = $1 ORDER BY label");
constexpr Query kDeliver(
    "webhook.deliver",
    "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, message_id, cause, due_at_us, "
    "position, created_at_us) SELECT $1, w.id, $3, $4, $5, 'event', $6, $7, $6 FROM webhooks w WHERE w.id = "
    "$2 "
    "ON CONFLICT (id) DO NOTHING");

template <class Items>
bool passes(const Items& wanted, const std::optional<std::string>& value) {
  return wanted.empty() || (value && std::ranges::find(wanted, *value) != wanted.end());
}

class FanOut {
 public:
  explicit FanOut(store::Tx& tx) : tx_(tx) {}

  // How many deliveries the event became.
  std::int64_t deliver(const journal::Event& event) {
    std::int64_t deliveries = 0;
    for (const Webhook& webhook : enabled_of(event.user)) {
      if (webhook.created_at > event.created_at) continue;
      std::vector<std::string> labels;
      if (!webhook.filters.labels.empty()) labels = labels_of(event);
      if (!matches(webhook, event, labels)) continue;
      const std::string id = derived_id_near(event.id, "whd_", {webhook.id.str(), event.id, "event"});
      tx_.send(kDeliver, {id, webhook.id.str(), event.id, event.type, event.message_id, event.created_at,
                          event.position});
      ++deliveries;
    }
    return deliveries;
  }

 private:
  const std::vector<Webhook>& enabled_of(const UserId& user) {
    const auto [entry, added] = webhooks_.try_emplace(user);
    if (!added) return entry->second;
    const store::Rows rows = tx_.query(kEnabled, {user.str()});
    for (const store::Row row : rows) entry->second.push_back(webhook_from(row));
    return entry->second;
  }

  std::vector<std::string> labels_of(const journal::Event& event) {
    std::vector<std::string> labels;
    if (!event.message_id) return labels;
    const store::Rows rows = tx_.query(kLabels, {*event.message_id});
    for (const store::Row row : rows) labels.push_back(row.text(0));
    return labels;
  }

  store::Tx& tx_;
  std::map<UserId, std::vector<Webhook>> webhooks_;
};

}  // namespace

bool matches(const Webhook& webhook, const journal::Event& event, const std::vector<std::string>& labels) {
  const Filters& filters = webhook.filters;
  if (std::ranges::find(webhook.events, event.type) == webhook.events.end()) return false;
  if (!passes(filters.agent_emails, event.agent_email)) return false;
  if (!passes(filters.conversation_ids, event.conversation_id)) return false;
  return filters.labels.empty() || std::ranges::find_first_of(filters.labels, labels) != filters.labels.end();
}

FannedOut fan_out(store::Tx& tx, std::int64_t limit) {
  FannedOut out;
  FanOut work(tx);
  std::vector<std::int64_t> matched;
  std::vector<std::int64_t> unmatched;
  for (const std::vector<journal::Event> events = journal::take_waiting_events(tx, limit);
       const journal::Event& event : events) {
    const std::int64_t deliveries = work.deliver(event);
    (deliveries > 0 ? matched : unmatched).push_back(event.position);
    out.deliveries += deliveries;
    ++out.events;
  }
  CS_FAULT("webhook.fan_out");
  journal::mark_fanned_out(tx, matched, unmatched);
  return out;
}

}  // namespace countersign::webhook
