// The WebSocket of an agent (contract §18): everything that can be said about it before it is one.
//
// The caller is checked before the request is even looked at as one for a WebSocket, so that a plain GET gets
// the same answers. `?after=` is our own: it resumes behind an event (docs/events.md).
#include <algorithm>

#include "agent/rest/handlers/context.hpp"
#include "agent/ws/upgrade.hpp"
#include "journal/tail.hpp"

namespace countersign::agent::rest {
namespace {

using account::Principal;
using ws::Admission;
using ws::Begin;
using ws::UpgradeFault;

constexpr int kUpgradeRequired = 426;
constexpr std::int64_t kRetryAfterSeconds = 5;

bool is_event_id(std::string_view id) {
  constexpr std::string_view kPrefix = "evt_";
  constexpr std::size_t kDigits = 32;
  return id.size() == kPrefix.size() + kDigits && id.starts_with(kPrefix) &&
         std::ranges::all_of(id.substr(kPrefix.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<ws::Start, ApiError> start_of(store::ReadTx& tx, const UserId& user, std::string_view agent_email,
                                     const std::optional<std::string>& after) {
  if (!after) return ws::Start{};
  if (*after == "now") return ws::Start{Begin::now, {}};
  if (*after == "oldest") return ws::Start{Begin::place, {}};
  if (!is_event_id(*after)) {
    return unexpected(api_error(ErrorCode::invalid_cursor, "after must be an event id, `now` or `oldest`"));
  }
  const auto place = journal::place_of(tx, user, agent_email, *after);
  if (!place) {
    return unexpected(api_error(ErrorCode::gone, "this agent's log does not hold that event any more"));
  }
  return ws::Start{Begin::place, place->next()};
}

Response upgrade_refusal(const Call& call, UpgradeFault fault) {
  switch (fault) {
    case UpgradeFault::bad_key:
      return call.refuse(ErrorCode::invalid_request, "Sec-WebSocket-Key must be 16 bytes in base64");
    case UpgradeFault::no_upgrade:
    case UpgradeFault::other_version:
      break;
  }
  Response response = call.refuse(
      api_error(ErrorCode::error, kUpgradeRequired, "this is a WebSocket (RFC 6455), version 13"));
  response.headers.add("Upgrade", "websocket");
  response.headers.add("Sec-WebSocket-Version", "13");  // RFC 6455 §4.4
  return response;
}

Awaitable<Response> listen(Context& context, const Call& call) {
  auto body = [&context, email = agent_email(call), after = call.query_text("after")](
                  store::ReadTx& tx, const Principal& principal) -> Result<Admission, ApiError> {
    const Result<account::Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    const Result<ws::Start, ApiError> start = start_of(tx, agent->user, agent->email, after);
    if (!start) return unexpected(start.error());
    return Admission{agent->user, agent->email, principal.key, *start,
                     principal.scope == account::Scope::account};
  };
  Result<Admission, ApiError> admission = co_await read(context, call, std::move(body));
  if (!admission) co_return call.refuse(admission.error());
  if (const auto fault = ws::fault_of_upgrade(call.headers())) co_return upgrade_refusal(call, *fault);
  if (!context.settings.listen) {
    co_return call.refuse(ErrorCode::not_implemented, "not implemented");
  }
  Response response{.status = 101, .headers = {}, .body = {}};
  response.takeover = context.settings.listen(std::move(*admission), call.headers(), call.request_id());
  if (!response.takeover) co_return call.refuse(unavailable(kRetryAfterSeconds));
  co_return response;
}

}  // namespace

void attach_listen(Server& server, Context& context) { server.handle("listen", bind(context, listen)); }

}  // namespace countersign::agent::rest
