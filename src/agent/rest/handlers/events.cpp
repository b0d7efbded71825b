// The event log (contract §24), and telling an event again.
#include <boost/json/parse.hpp>
#include <map>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/filters.hpp"
#include "journal/event_log.hpp"
#include "mail/address.hpp"
#include "webhook/delivery.hpp"

namespace countersign::agent::rest {
namespace {

namespace hooks = countersign::webhook;
namespace json = boost::json;
using account::Principal;
using hooks::Tally;
using hooks::WebhookId;
using journal::Event;

using Tallies = std::map<std::string, Tally, std::less<>>;

Tallies tallies_of(store::ReadTx& tx, const std::vector<Event>& events) {
  std::vector<std::string> ids;
  ids.reserve(events.size());
  for (const Event& event : events) ids.push_back(event.id);
  Tallies out;
  for (Tally& tally : hooks::tally(tx, ids)) {
    std::string id = tally.event_id;
    out.emplace(std::move(id), std::move(tally));
  }
  return out;
}

json::object event_view(const Event& event, const Tallies& tallies) {
  const json::value envelope = json::parse(event.envelope);
  json::object view{{"id", event.id},
                    {"type", event.type},
                    {"schema_version", envelope.at("schema_version")},
                    {"created_at", timestamp(event.created_at)},
                    {"status", event.status}};
  if (event.agent_email) view["agent_email"] = *event.agent_email;
  if (event.conversation_id) view["conversation_id"] = *event.conversation_id;
  if (event.message_id) view["message_id"] = *event.message_id;
  if (const auto found = tallies.find(event.id); found != tallies.end()) {
    const Tally& tally = found->second;
    view["delivery_status"] = json::object{{"matched_webhooks", tally.matched},
                                           {"delivered", tally.delivered},
                                           {"pending", tally.pending},
                                           {"failed", tally.failed}};
  }
  view["data"] = envelope.at("data");
  return view;
}

Awaitable<Response> list_events(Context& context, const Call& call) {
  const Result<Range, ApiError> range = read_range(call);
  if (!range) {
    const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
    co_return call.refuse(admitted ? range.error() : admitted.error());
  }
  journal::EventFilter filter;
  filter.type = call.query_text("type").value_or("");
  filter.agent_email = mail::normalise(call.query_text("agent_email").value_or(""));
  filter.conversation_id = call.query_text("conversation_id").value_or("");
  filter.message_id = call.query_text("message_id").value_or("");
  filter.since = range->since;
  filter.until = range->until;
  const std::string filters =
      filters_text({"events", filter.type, filter.agent_email, filter.conversation_id, filter.message_id,
                    instant_text(call, "since"), instant_text(call, "until")});
  auto body = [&context, filter, now = call.received(), request = page_request(context, call, filters)](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const std::vector<Event> rows =
        journal::list_events(tx, principal.user, filter, request->position(), request->limit + 1, now);
    const Tallies tallies = tallies_of(tx, rows);
    const auto key_of = [](const Event& one) { return CursorKey{to_us(one.created_at), one.id}; };
    const auto view_of = [&](const Event& one) { return event_view(one, tallies); };
    return page_view(context, *request, rows, key_of, view_of);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

// An event of the account that is not too old to be shown.
Result<Event, ApiError> load(store::ReadTx& tx, const Principal& principal, const std::string& id,
                             UtcTime now) {
  std::optional<Event> event = journal::find_event(tx, principal.user, id);
  if (!event) return unexpected(not_found());
  if (event->created_at < now - journal::kEventsListed) {
    return unexpected(api_error(ErrorCode::gone, "the event is older than 30 days and no longer kept"));
  }
  return std::move(*event);
}

Awaitable<Response> get_event(Context& context, const Call& call) {
  auto body = [id = call.path("id"), now = call.received()](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Event, ApiError> event = load(tx, principal, id, now);
    if (!event) return unexpected(event.error());
    return event_view(*event, tallies_of(tx, {*event}));
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

json::object redeliver_to(store::Tx& tx, const std::string& event, const hooks::Matched& to, UtcTime now) {
  if (!to.enabled) {
    return {{"webhook_id", to.webhook.str()}, {"status", "skipped"}, {"reason", "the webhook is disabled"}};
  }
  return {{"webhook_id", to.webhook.str()},
          {"delivery_id", hooks::redeliver(tx, to.webhook, event, now).str()},
          {"status", "pending"}};
}

Awaitable<Response> redeliver_event(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const auto named = call.body_text("webhook_id");
  auto body = [id = call.path("id"), now = call.received(),
               webhook = named ? std::optional<WebhookId>(std::string(*named)) : std::nullopt](
                  store::Tx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Event, ApiError> event = load(tx, principal, id, now);
    if (!event) return unexpected(event.error());
    const std::vector<hooks::Matched> matched = hooks::matched_webhooks(tx, id);
    json::object view{{"event_id", id}};
    if (!webhook) {
      json::array deliveries;
      for (const hooks::Matched& to : matched) deliveries.push_back(redeliver_to(tx, id, to, now));
      view["status"] = "scheduled";
      view["deliveries"] = std::move(deliveries);
      return view;
    }
    const auto found = std::ranges::find(matched, *webhook, &hooks::Matched::webhook);
    if (found == matched.end()) {
      return unexpected(
          api_error(ErrorCode::conflict, "the webhook is not among those that the event matched"));
    }
    view["webhook_id"] = webhook->str();
    view["delivery_id"] = hooks::redeliver(tx, *webhook, id, now).str();
    view["status"] = "pending";
    return view;
  };
  const Result<json::object, ApiError> view = co_await write(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(202, *view);
}

}  // namespace

void attach_events(Server& server, Context& context) {
  server.handle("listEvents", bind(context, list_events));
  server.handle("getEvent", bind(context, get_event));
  server.handle("redeliverEvent", bind(context, redeliver_event));
}

}  // namespace countersign::agent::rest
