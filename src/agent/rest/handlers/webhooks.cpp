// Webhooks: endpoints that are told of events (contract §17).
#include <boost/json/serialize.hpp>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/webhook_requests.hpp"
#include "agent/webhook/signature.hpp"
#include "agent/webhook/url.hpp"
#include "base/assert.hpp"
#include "journal/event_log.hpp"
#include "webhook/delivery.hpp"

namespace countersign::agent::rest {
namespace {

namespace hooks = countersign::webhook;
namespace json = boost::json;
using account::Principal;
using hooks::Change;
using hooks::Delivery;
using hooks::DeliveryId;
using hooks::Webhook;
using hooks::WebhookId;

constexpr std::string_view kCreateRoute = "/v1/webhooks";
constexpr std::string_view kRotateRoute = "/v1/webhooks/{id}/rotate-secret";

json::object filters_view(const hooks::Filters& filters) {
  json::object view;
  if (!filters.agent_emails.empty()) view["agent_emails"] = journal::json_list(filters.agent_emails);
  if (!filters.conversation_ids.empty()) {
    view["conversation_ids"] = journal::json_list(filters.conversation_ids);
  }
  if (!filters.labels.empty()) view["labels"] = journal::json_list(filters.labels);
  return view;
}

json::object webhook_view(const Webhook& webhook) {
  json::object view{{"id", webhook.id.str()},
                    {"url", webhook.url},
                    {"description", webhook.description},
                    {"events", journal::json_list(webhook.events)},
                    {"filters", filters_view(webhook.filters)},
                    {"enabled", webhook.enabled}};
  if (webhook.auto_disabled_at) view["auto_disabled_at"] = timestamp(*webhook.auto_disabled_at);
  if (webhook.last_delivered_at) view["last_delivered_at"] = timestamp(*webhook.last_delivered_at);
  view["created_at"] = timestamp(webhook.created_at);
  return view;
}

json::object delivery_view(const Delivery& delivery, UtcTime next) {
  json::object view{{"id", delivery.id.str()},
                    {"type", delivery.event_type},
                    {"status", delivery.status},
                    {"attempts", delivery.attempts},
                    {"next_retry_at", timestamp(next)}};
  if (delivery.last_attempt_at) view["last_attempt_at"] = timestamp(*delivery.last_attempt_at);
  if (!delivery.last_error.empty()) view["last_error"] = delivery.last_error;
  if (delivery.last_status_code) view["last_status_code"] = *delivery.last_status_code;
  view["created_at"] = timestamp(delivery.created_at);
  return view;
}

json::object attempt_view(const hooks::Attempt& attempt) {
  json::object view{{"attempt", attempt.number},
                    {"started_at", timestamp(attempt.started_at)},
                    {"took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(attempt.took).count()},
                    {"status_code", attempt.status_code}};
  if (!attempt.address.empty()) view["address"] = attempt.address;
  if (!attempt.error.empty()) view["error"] = attempt.error;
  return view;
}

WebhookId path_id(const Call& call) { return WebhookId(call.path("id")); }

// Filters name agents of the caller only.
std::optional<ApiError> foreign_agent(store::ReadTx& tx, const Context& context, const UserId& user,
                                      const Change& change) {
  if (!change.filters) return std::nullopt;
  for (const std::string& email : change.filters->agent_emails) {
    const auto agent = account::find_agent(tx, user, email, context.settings.shared_domain);
    if (agent && !agent->deleted_at) continue;
    return api_error(ErrorCode::invalid_request, "filters.agent_emails: only agents of this account");
  }
  return std::nullopt;
}

// Asks where the URL leads; nothing to ask without one.
Awaitable<std::optional<ApiError>> fault_of_target(Context& context, const Change& change) {
  if (!change.url || !context.settings.webhook_host_fault) co_return std::nullopt;
  std::string host = webhook::host_of(*change.url).value();
  std::string fault = co_await context.settings.webhook_host_fault(std::move(host));
  if (fault.empty()) co_return std::nullopt;
  co_return invalid_webhook_url("url: " + fault);
}

Awaitable<Response> list_webhooks(Context& context, const Call& call) {
  auto body = [&context, request = page_request(context, call, filters_text({"webhooks"}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const auto rows = hooks::list(tx, principal.user, request->position(), request->limit + 1);
    const auto key_of = [](const Webhook& one) { return CursorKey{to_us(one.created_at), one.id.str()}; };
    return page_view(context, *request, rows, key_of, webhook_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

Result<Webhook, ApiError> load(store::ReadTx& tx, const Principal& principal, const WebhookId& id) {
  std::optional<Webhook> found = hooks::find(tx, principal.user, id);
  if (!found) return unexpected(not_found());
  return std::move(*found);
}

Awaitable<Response> get_webhook(Context& context, const Call& call) {
  auto body = [id = path_id(call)](store::ReadTx& tx, const Principal& principal) {
    return load(tx, principal, id);
  };
  const Result<Webhook, ApiError> found = co_await read(context, call, std::move(body));
  if (!found) co_return call.refuse(found.error());
  co_return json_response(200, webhook_view(*found));
}

// What a key stands for and whose it is.
struct Known {
  UserId user;
  std::optional<Answer> answered;
};
Awaitable<Result<Known, ApiError>> look_up_key(Context& context, const Call& call, const Keyed& keyed) {
  auto look = [keyed, now = call.received()](store::ReadTx& tx,
                                             const Principal& principal) -> Result<Known, ApiError> {
    Result<std::optional<Answer>, ApiError> answered = look_up(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    return Known{principal.user, std::move(*answered)};
  };
  co_return co_await read(context, call, std::move(look));
}

// Runs `work(tx, principal) -> Result<Answer, ApiError>` unless the key has been answered.
template <class Work>
Awaitable<Response> answer_keyed(Context& context, const Call& call, const Keyed& keyed, Work work) {
  auto body = [keyed, work = std::move(work), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Answer, ApiError> {
    Result<std::optional<Answer>, ApiError> answered = claim(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    if (*answered) return std::move(**answered);
    Result<Answer, ApiError> answer = work(tx, principal);
    if (answer) remember(tx, principal.user, keyed, *answer, now);
    return answer;
  };
  const Result<Answer, ApiError> answer = co_await write(context, call, std::move(body));
  if (!answer) co_return call.refuse(answer.error());
  co_return json_text_response(answer->status, answer->body);
}

Awaitable<Response> create_webhook(Context& context, const Call& call) {
  const Result<Keyed, ApiError> keyed = secretly_keyed_of(context, call, kCreateRoute, call.body_bytes());
  if (!keyed) co_return call.refuse(keyed.error());
  const Result<Known, ApiError> known = co_await look_up_key(context, call, *keyed);
  if (!known) co_return call.refuse(known.error());
  if (known->answered) co_return json_text_response(known->answered->status, known->answered->body);
  const auto guard = take_key(context, known->user, *keyed);
  if (!guard) co_return call.refuse(guard.error());

  const Result<Change, ApiError> wanted = read_webhook_change(call);
  if (!wanted) co_return call.refuse(wanted.error());
  const std::optional<ApiError> fault = co_await fault_of_target(context, *wanted);
  if (fault) co_return call.refuse(*fault);

  Webhook fresh;
  fresh.id = WebhookId(random_id("wh_"));
  fresh.user = known->user;
  fresh.url = wanted->url.value();
  fresh.description = wanted->description.value_or("");
  fresh.events = wanted->events.value();
  fresh.filters = wanted->filters.value_or(hooks::Filters());
  fresh.created_at = call.received();
  const std::string secret = webhook::new_secret();
  const std::string sealed = context.webhook_secrets.seal(secret, hooks::secret_context(fresh.id));
  auto work = [&context, wanted = *wanted, fresh, secret, sealed](
                  store::Tx& tx, const Principal& principal) -> Result<Answer, ApiError> {
    if (auto foreign = foreign_agent(tx, context, principal.user, wanted)) return unexpected(*foreign);
    if (!hooks::create(tx, fresh, sealed)) {
      return unexpected(
          api_error(ErrorCode::webhook_limit_reached, "the account has as many webhooks as it may"));
    }
    json::object view = webhook_view(fresh);
    view["signing_secret"] = secret;
    return Answer{201, json::serialize(view)};
  };
  co_return co_await answer_keyed(context, call, *keyed, std::move(work));
}

Awaitable<Response> rotate_secret(Context& context, const Call& call) {
  std::string route(kRotateRoute);
  route.replace(route.find("{id}"), 4, call.path("id"));
  const Result<Keyed, ApiError> keyed = secretly_keyed_of(context, call, route, "");
  if (!keyed) co_return call.refuse(keyed.error());
  const Result<Known, ApiError> known = co_await look_up_key(context, call, *keyed);
  if (!known) co_return call.refuse(known.error());
  if (known->answered) co_return json_text_response(known->answered->status, known->answered->body);
  const auto guard = take_key(context, known->user, *keyed);
  if (!guard) co_return call.refuse(guard.error());

  const WebhookId id = path_id(call);
  const std::string secret = webhook::new_secret();
  const std::string sealed = context.webhook_secrets.seal(secret, hooks::secret_context(id));
  auto work = [id, secret, sealed, now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Answer, ApiError> {
    const auto until = hooks::rotate_secret(tx, principal.user, id, sealed, now);
    if (!until) return unexpected(not_found());
    const json::object view{{"signing_secret", secret}, {"previous_secret_expires_at", timestamp(*until)}};
    return Answer{200, json::serialize(view)};
  };
  co_return co_await answer_keyed(context, call, *keyed, std::move(work));
}

ApiError error_of(hooks::UpdateRefusal refusal) {
  switch (refusal) {
    case hooks::UpdateRefusal::not_found:
      return not_found();
    case hooks::UpdateRefusal::cooling_down:
      return api_error(ErrorCode::webhook_cooldown,
                       "the webhook was disabled because its deliveries failed; it can be enabled again five "
                       "minutes after that");
  }
  CS_ASSERT(false);
}

// What the webhook is to be like, as far as that can have become wrong since it was last said. A change that
// does no more than disable it is checked for nothing: that must be possible above all when something is
// wrong.
Change whole_of(Change change, const Webhook& webhook) {
  const bool changes = change.url || change.description || change.events || change.filters;
  if (!changes && change.enabled != true) return change;
  if (!change.url) change.url = webhook.url;
  if (!change.filters) change.filters = webhook.filters;
  return change;
}

Awaitable<Response> update_webhook(Context& context, const Call& call) {
  const Result<Change, ApiError> change = read_webhook_change(call);
  auto look = [id = path_id(call), change](store::ReadTx& tx,
                                           const Principal& principal) -> Result<Change, ApiError> {
    if (!change) return unexpected(change.error());
    const Result<Webhook, ApiError> found = load(tx, principal, id);
    if (!found) return unexpected(found.error());
    return whole_of(*change, *found);
  };
  const Result<Change, ApiError> whole = co_await read(context, call, std::move(look));
  if (!whole) co_return call.refuse(whole.error());
  const std::optional<ApiError> fault = co_await fault_of_target(context, *whole);
  if (fault) co_return call.refuse(*fault);
  auto body = [&context, id = path_id(call), change = *change, now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Webhook, ApiError> {
    const Result<Webhook, ApiError> found = load(tx, principal, id);
    if (!found) return unexpected(found.error());
    const Change whole = whole_of(change, *found);
    if (auto foreign = foreign_agent(tx, context, principal.user, whole)) return unexpected(*foreign);
    Result<Webhook, hooks::UpdateRefusal> updated = hooks::update(tx, principal.user, id, change, now);
    if (!updated) return unexpected(error_of(updated.error()));
    return std::move(*updated);
  };
  const Result<Webhook, ApiError> updated = co_await write(context, call, std::move(body));
  if (!updated) co_return call.refuse(updated.error());
  co_return json_response(200, webhook_view(*updated));
}

Awaitable<Response> delete_webhook(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  for (bool begun = false, over = false; !over; begun = true) {
    auto body = [begun, id = path_id(call)](store::Tx& tx,
                                            const Principal& principal) -> Result<bool, ApiError> {
      const hooks::Removal removal = hooks::remove(tx, principal.user, id);
      // Once it is begun, somebody else who removes it as well has come to its end.
      if (removal == hooks::Removal::not_found && !begun) return unexpected(not_found());
      return removal != hooks::Removal::begun;
    };
    const Result<bool, ApiError> removed = co_await write(context, call, std::move(body));
    if (!removed) co_return call.refuse(removed.error());
    over = *removed;
  }
  const json::object view{{"deleted", true}, {"id", call.path("id")}};
  co_return json_response(200, view);
}

// A made-up event: it stands in no event log.
Awaitable<Response> test_webhook(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const std::string type(call.body_text("type").value_or("email.received"));
  const json::value* given = call.member("data");
  const json::object data = given != nullptr ? given->as_object() : json::object{{"test", true}};
  const UtcTime now = call.received();
  const DeliveryId delivery(ordered_id("whd_", now));
  const std::string event = ordered_id("evt_", now);
  auto body = [id = path_id(call), delivery, event, type, now,
               envelope = journal::event_envelope(event, type, data, now)](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    const Result<Webhook, ApiError> found = load(tx, principal, id);
    if (!found) return unexpected(found.error());
    if (!found->enabled) {
      return unexpected(api_error(ErrorCode::webhook_disabled, "the webhook is disabled"));
    }
    hooks::send_test(tx, id, delivery, event, type, envelope, now);
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> queued = co_await write(context, call, std::move(body));
  if (!queued) co_return call.refuse(queued.error());
  const json::object view{{"delivery_id", delivery.str()}};
  co_return json_response(200, view);
}

Awaitable<Response> list_deliveries(Context& context, const Call& call) {
  const std::string status = call.query_text("status").value_or("");
  auto body =
      [&context, id = path_id(call), status, now = call.received(),
       request = page_request(context, call, filters_text({"webhook deliveries", call.path("id"), status}))](
          store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Webhook, ApiError> found = load(tx, principal, id);
    if (!found) return unexpected(found.error());
    if (!request) return unexpected(request.error());
    const auto rows = hooks::list_deliveries(tx, id, status, request->position(), request->limit + 1);
    const auto key_of = [](const Delivery& one) { return CursorKey{to_us(one.created_at), one.id.str()}; };
    const auto view_of = [&](const Delivery& one) {
      return delivery_view(one, hooks::next_due(one, found->enabled, now));
    };
    return page_view(context, *request, rows, key_of, view_of);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

// Our own addition: what each request of a delivery was answered.
Awaitable<Response> get_delivery(Context& context, const Call& call) {
  auto body = [id = path_id(call), delivery = DeliveryId(call.path("delivery_id")), now = call.received()](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Webhook, ApiError> found = load(tx, principal, id);
    if (!found) return unexpected(found.error());
    const std::optional<Delivery> row = hooks::find_delivery(tx, id, delivery);
    if (!row) return unexpected(not_found());
    json::object view = delivery_view(*row, hooks::next_due(*row, found->enabled, now));
    view["event_id"] = row->event_id;
    json::array attempts;
    const std::vector<hooks::Attempt> made = hooks::list_attempts(tx, delivery);
    for (const hooks::Attempt& attempt : made) attempts.push_back(attempt_view(attempt));
    view["attempt_log"] = std::move(attempts);
    return view;
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

}  // namespace

void attach_webhooks(Server& server, Context& context) {
  server.handle("listWebhooks", bind(context, list_webhooks));
  server.handle("createWebhook", bind(context, create_webhook));
  server.handle("getWebhook", bind(context, get_webhook));
  server.handle("updateWebhook", bind(context, update_webhook));
  server.handle("deleteWebhook", bind(context, delete_webhook));
  server.handle("rotateWebhookSecret", bind(context, rotate_secret));
  server.handle("testWebhook", bind(context, test_webhook));
  server.handle("listWebhookDeliveries", bind(context, list_deliveries));
  server.handle("getWebhookDelivery", bind(context, get_delivery));
}

}  // namespace countersign::agent::rest
