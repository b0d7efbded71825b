// What happened to one message, from its journal, its hand-overs, its events and their deliveries.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <tuple>

#include "base/text.hpp"
#include "console/context.hpp"
#include "console/hold_view.hpp"
#include "journal/event_log.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/resolve.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;
using journal::LifecycleRow;
using journal::Reason;
using store::Query;

constexpr std::int64_t kRowsMax = 500;  // of each kind; a message has a few

// A delivery that was made up for a test names no event.
constexpr Query kWebhooks(
    "console.message_webhooks",
    "SELECT a.started_at_us, a.attempt, a.status_code, a.error, d.id, d.event_type, w.id, w.url FROM events "
    "e "
    "JOIN webhook_deliveries d ON d.event_id = e.id JOIN webhooks w ON w.id = d.webhook_id JOIN "
    "webhook_attempts a ON a.delivery_id = d.id WHERE e.message_id = $1 AND e.user_id = $2 "
    "ORDER BY a.started_at_us, d.id LIMIT $3");

struct Item {
  UtcTime at;
  int rank = 0;  // of things at one time: causes before effects
  json::object view;
  std::size_t order = 0;  // otherwise as they were found
};

Item item(UtcTime at, int rank, std::string_view kind, std::string title) {
  json::object view{{"at", timestamp(at)},      {"kind", kind},
                    {"actor", nullptr},         {"title", std::move(title)},
                    {"detail", json::object()}, {"attempt", nullptr}};
  return {at, rank, std::move(view), 0};
}

json::object& detail_of(Item& one) { return one.view["detail"].as_object(); }

struct Words {
  std::string_view kind;
  std::string_view title;
};

// Nothing: hand-overs tell it better.
std::optional<Words> words_of(const LifecycleRow& row, const json::object& evidence) {
  const std::string_view code = journal::facts(row.reason).code;
  const std::string_view stage = journal::facts(row.reason).stage;
  const bool undone = evidence.contains("source") && evidence.at("source") == "undo";
  if (stage == "accepted") {
    return row.direction == journal::Direction::inbound ? Words{"received", "Received"}
                                                        : Words{"written", "Written"};
  }
  if (stage == "authentication") return Words{"authentication", "The sender was checked (DMARC)"};
  if (code == "review.hold_created") {
    return undone ? Words{"held", "The approval was taken back; held again"}
                  : Words{"held", "Held for review"};
  }
  if (code == "review.approved") return Words{"decided", "Approved"};
  if (code == "review.rejected") return Words{"decided", "Rejected"};
  if (code == "review.expired_approved")
    return Words{"decided", "Time ran out: approved by the agent's rule"};
  if (code == "review.expired_rejected")
    return Words{"decided", "Time ran out: rejected by the agent's rule"};
  if (stage == "queued") return Words{"queued", "In the queue"};
  if (code == "submission.local_loopback_accepted") return Words{"delivered", "Delivered to mailboxes here"};
  if (code == "submission.cancelled") return Words{"cancelled", "Not sent"};
  if (code == "submission.local_retries_exhausted")
    return Words{"failed", "Given up after too many attempts"};
  if (stage == "submission") return std::nullopt;
  if (code == "delivery.recipient_server_accepted")
    return Words{"feedback", "Delivered to the recipient's server"};
  if (code == "delivery.temporary_delay") return Words{"feedback", "Delayed at the recipient's server"};
  if (stage == "delivery") return Words{"feedback", "Bounced"};
  if (stage == "complaint") return Words{"feedback", "The recipient called it spam"};
  return Words{"suppression", "The recipient is suppressed"};
}

void add_lifecycle(std::vector<Item>& items, const std::vector<LifecycleRow>& rows,
                   const std::optional<json::object>& decision) {
  for (const LifecycleRow& row : rows) {
    const json::object evidence = json::parse(row.evidence).as_object();
    const auto words = words_of(row, evidence);
    if (!words) continue;
    Item one = item(row.occurred_at, 0, words->kind, std::string(words->title));
    json::object& detail = detail_of(one);
    for (const auto& [name, value] : evidence) detail[name] = value;
    const json::object correlation = json::parse(row.correlation).as_object();
    for (const auto& [name, value] : correlation) detail[name] = value;
    detail["reason_code"] = journal::facts(row.reason).code;
    if (row.recipient) detail["recipient"] = *row.recipient;
    const bool stands = decision && decision->at("at") == one.view.at("at");
    if (words->kind == "decided" && stands) {
      one.view["actor"] = decision->at("by");
      if (const json::value* reason = decision->if_contains("reason")) detail["reason"] = *reason;
      if (decision->at("edited").as_bool()) {
        Item edit = item(row.occurred_at, 0, "edited", "Edited by the reviewer");
        edit.view["actor"] = decision->at("by");
        items.push_back(std::move(edit));
      }
    }
    items.push_back(std::move(one));
  }
}

std::string title_of(const outbox::HandOverView& one) {
  if (one.state == "queued") return "Waits for its turn";
  if (one.state == "claimed") return "Being prepared for the hand-over";
  if (one.state == "handover") return "Being handed over";
  if (one.state == "accepted") return "Taken by the relay";
  if (one.state == "refused") return "Refused by the relay";
  if (one.state == "deferred") return "Put off by the relay";
  if (one.state == "unknown") return "Handed over; the answer was lost";
  if (one.state == "superseded") return "The answer was lost, and somebody decided";
  return "Not handed over";
}

void add_attempts(std::vector<Item>& items, const std::vector<outbox::HandOverView>& attempts) {
  for (const outbox::HandOverView& one : attempts) {
    const UtcTime at = one.settled_at       ? *one.settled_at
                       : one.unknown_at     ? *one.unknown_at
                       : one.handed_over_at ? *one.handed_over_at
                                            : one.created_at;
    Item shown = item(at, 1, "attempt", title_of(one));
    shown.view["attempt"] = one.attempt;
    if (!one.resolved_by.empty()) shown.view["actor"] = one.resolved_by;
    json::object& detail = detail_of(shown);
    detail["id"] = one.id.str();
    detail["state"] = one.state;
    detail["recipients"] = array_of(one.recipients);
    detail["due_at"] = timestamp(one.due_at);
    detail["handed_over_at"] = timestamp_or_null(one.handed_over_at);
    for (const auto& [name, text] :
         {std::pair("provider", &one.provider), std::pair("provider_message_id", &one.provider_message_id),
          std::pair("phase", &one.reply_phase), std::pair("text", &one.reply_text),
          std::pair("settled_by", &one.settled_by), std::pair("resolution", &one.resolution),
          std::pair("note", &one.resolution_note)}) {
      if (!text->empty()) detail[name] = *text;
    }
    if (one.reply_code != 0) detail["code"] = one.reply_code;
    items.push_back(std::move(shown));
  }
}

void add_events(std::vector<Item>& items, const std::vector<journal::Event>& events) {
  for (const journal::Event& event : events) {
    Item one = item(event.created_at, 2, "event", event.type);
    detail_of(one)["id"] = event.id;
    detail_of(one)["type"] = event.type;
    items.push_back(std::move(one));
  }
}

void add_webhooks(std::vector<Item>& items, const store::Rows& rows) {
  for (const store::Row row : rows) {
    const std::int64_t status = row.integer(2);
    const bool delivered = row.view(3).empty();
    Item one = item(row.time(0), 3, "webhook",
                    delivered ? fmt::format("Told a webhook of {}", row.view(5))
                              : fmt::format("A webhook did not take {}", row.view(5)));
    one.view["attempt"] = row.integer(1);
    json::object& detail = detail_of(one);
    detail["delivery_id"] = row.view(4);
    detail["webhook_id"] = row.view(6);
    detail["url"] = row.view(7);
    if (status != 0) detail["status"] = status;
    if (!delivered) detail["error"] = row.view(3);
    items.push_back(std::move(one));
  }
}

std::vector<Item> collect(store::ReadTx& tx, const UserId& user, const MessageId& id, UtcTime now) {
  std::vector<Item> items;
  add_lifecycle(items, journal::list_lifecycle(tx, id, std::nullopt, kRowsMax), find_decision(tx, user, id));
  add_attempts(items, outbox::list_hand_overs(tx, user, id));
  journal::EventFilter filter;
  filter.message_id = id.str();
  add_events(items, journal::list_events(tx, user, filter, std::nullopt, kRowsMax, now));
  add_webhooks(items, tx.query(kWebhooks, {id.str(), user.str(), kRowsMax}));
  for (std::size_t i = 0; i < items.size(); ++i) items[i].order = i;
  std::ranges::sort(items, [](const Item& a, const Item& b) {
    return std::tuple(a.at, a.rank, a.order) < std::tuple(b.at, b.rank, b.order);
  });
  return items;
}

}  // namespace

Awaitable<Answer> get_timeline(Context& context, Visit& visit) {
  auto body = [user = visit.person.user, agent = mail::normalise(visit.path[0]),
               id = MessageId(visit.path[1]),
               now = visit.now](store::ReadTx& tx) -> std::optional<json::array> {
    const auto message = mailbox::find_for_review(tx, user, id);
    if (!message || message->agent_email != agent) return std::nullopt;
    json::array items;
    for (Item& one : collect(tx, user, id, now)) items.push_back(std::move(one.view));
    return items;
  };
  std::optional<json::array> items = co_await store::read(context.database, std::move(body));
  if (!items) co_return unexpected(not_found());
  const json::object view{{"items", std::move(*items)}};
  co_return json_answer(200, view);
}

}  // namespace countersign::console
