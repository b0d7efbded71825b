// Hand-overs whose outcome nobody knows: seeing them and deciding about them. Our own addition to the
// contract (docs/reliability.md, "When nobody knows").
#include "agent/rest/handlers/context.hpp"
#include "agent/rest/views.hpp"
#include "base/assert.hpp"
#include "outbox/resolve.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Principal;
using outbox::HandOverView;

Awaitable<Response> list_handovers(Context& context, const Call& call) {
  const std::optional<std::string> message = call.query_text("message_id");
  auto body = [&context, message,
               request = page_request(context, call, filters_text({"handovers", message.value_or("")}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    if (message) {
      json::array items;
      for (const HandOverView& one : outbox::list_hand_overs(tx, principal.user, MessageId(*message))) {
        items.push_back(handover_view(one));
      }
      return page(std::move(items), "");
    }
    const auto rows = outbox::list_unknown(tx, principal.user, request->position(), request->limit + 1);
    const auto key_of = [](const HandOverView& one) {
      return CursorKey{to_us(one.unknown_at.value()), one.id.str()};
    };
    return page_view(context, *request, rows, key_of, handover_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

Awaitable<Response> get_handover(Context& context, const Call& call) {
  auto body = [id = SubmissionId(call.path("id"))](
                  store::ReadTx& tx, const Principal& principal) -> Result<HandOverView, ApiError> {
    auto found = outbox::find_hand_over(tx, principal.user, id);
    if (!found) return unexpected(not_found());
    return std::move(*found);
  };
  const Result<HandOverView, ApiError> found = co_await read(context, call, std::move(body));
  if (!found) co_return call.refuse(found.error());
  co_return json_response(200, handover_view(*found));
}

ApiError error_of(outbox::ResolveRefusal refusal) {
  switch (refusal) {
    case outbox::ResolveRefusal::not_found:
      return not_found();
    case outbox::ResolveRefusal::not_unknown:
      return api_error(ErrorCode::conflict,
                       "the outcome of the hand-over is known, or somebody has decided about it; getHandover "
                       "shows which");
  }
  CS_ASSERT(false);
}

Awaitable<Response> resolve_handover(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const auto resolution = outbox::resolution_of(*call.body_text("as"));
  CS_ASSERT(resolution.has_value());  // an enumeration of the schema
  auto body = [id = SubmissionId(call.path("id")), as = *resolution,
               note = std::string(call.body_text("note").value_or("")), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<HandOverView, ApiError> {
    const outbox::ResolveCommand command{principal.user, id, as, "person: " + principal.email, note};
    auto resolved = outbox::resolve(tx, command, now);
    if (!resolved) return unexpected(error_of(resolved.error()));
    return std::move(*resolved);
  };
  const Result<HandOverView, ApiError> resolved = co_await write(context, call, std::move(body));
  if (!resolved) co_return call.refuse(resolved.error());
  context.settings.queued();  // it may be due again at once
  co_return json_response(200, handover_view(*resolved));
}

json::object policy_view(const outbox::UnknownPolicy& policy) {
  return {{"on_unknown", policy.resend ? "resend" : "hold"}, {"unknown_grace_seconds", policy.grace_seconds}};
}

Awaitable<Response> get_policy(Context& context, const Call& call) {
  auto body = [email = agent_email(call)](
                  store::ReadTx& tx, const Principal& principal) -> Result<outbox::UnknownPolicy, ApiError> {
    const auto policy = outbox::find_unknown_policy(tx, principal.user, email);
    if (!policy) return unexpected(not_found());
    return *policy;
  };
  const Result<outbox::UnknownPolicy, ApiError> policy = co_await read(context, call, std::move(body));
  if (!policy) co_return call.refuse(policy.error());
  co_return json_response(200, policy_view(*policy));
}

Awaitable<Response> put_policy(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  outbox::UnknownPolicy policy;
  policy.resend = *call.body_text("on_unknown") == "resend";
  if (const json::value* grace = call.member("unknown_grace_seconds")) {
    policy.grace_seconds = grace->to_number<std::int64_t>();
  }
  auto body = [email = agent_email(call), policy](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    if (!outbox::set_unknown_policy(tx, principal.user, email, policy)) return unexpected(not_found());
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> done = co_await write(context, call, std::move(body));
  if (!done) co_return call.refuse(done.error());
  co_return json_response(200, policy_view(policy));
}

}  // namespace

void attach_handovers(Server& server, Context& context) {
  server.handle("listHandovers", bind(context, list_handovers));
  server.handle("getHandover", bind(context, get_handover));
  server.handle("resolveHandover", bind(context, resolve_handover));
  server.handle("getDeliveryPolicy", bind(context, get_policy));
  server.handle("putDeliveryPolicy", bind(context, put_policy));
}

}  // namespace countersign::agent::rest
