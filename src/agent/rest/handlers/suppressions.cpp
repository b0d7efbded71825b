// Addresses that must not be written to (contract §20): the account's list and each agent's.
#include "account/suppression.hpp"
#include "agent/rest/handlers/context.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Agent;
using account::Principal;
using account::Suppression;

json::object suppression_view(const Suppression& entry) {
  json::object view{{"address", entry.address}, {"source", entry.source}};
  if (!entry.reason.empty()) view["reason"] = entry.reason;
  if (!entry.message_id.empty()) view["source_message_id"] = entry.message_id;
  view["created_at"] = timestamp(entry.created_at);
  return view;
}

json::object agent_suppression_view(const std::string& email, const Suppression& entry) {
  json::object view{{"agent_email", email}, {"address", entry.address}, {"source", entry.source}};
  if (!entry.reason.empty()) view["reason"] = entry.reason;
  view["created_at"] = timestamp(entry.created_at);
  return view;
}

CursorKey key_of(const Suppression& entry) { return {to_us(entry.created_at), entry.address}; }

Response deleted(std::string_view address) {
  const json::object view{{"deleted", true}, {"address", address}};
  return json_response(200, view);
}

Awaitable<Response> list_suppressions(Context& context, const Call& call) {
  auto body = [&context, request = page_request(context, call, filters_text({"suppressions"}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const auto rows =
        account::list_account_suppressions(tx, principal.user, request->pair(), request->limit + 1);
    return page_view(context, *request, rows, key_of, suppression_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

// The path is answered as it was written; what it is looked up by is its address.
Awaitable<Response> delete_suppression(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  auto body = [address = mail::normalise(call.path("address"))](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    if (!account::lift_account_suppression(tx, principal.user, address)) return unexpected(not_found());
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> lifted = co_await write(context, call, std::move(body));
  if (!lifted) co_return call.refuse(lifted.error());
  co_return deleted(call.path("address"));
}

Awaitable<Response> list_agent_suppressions(Context& context, const Call& call) {
  const std::string email = agent_email(call);
  auto body = [&context, email,
               request = page_request(context, call, filters_text({"agent suppressions", email}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!request) return unexpected(request.error());
    const auto rows = account::list_agent_suppressions(tx, email, request->pair(), request->limit + 1);
    const auto view_of = [&](const Suppression& entry) { return agent_suppression_view(email, entry); };
    return page_view(context, *request, rows, key_of, view_of);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

// Puts the address on the list and says so to the world once, however often it is asked.
Suppression suppress(store::Tx& tx, const Agent& agent, const std::string& address, const std::string& reason,
                     UtcTime now) {
  if (account::suppress_for_agent(tx, agent.email, address, "manual", reason, now)) {
    const json::object data{{"agent_email", agent.email}, {"address", address}, {"source", "manual"}};
    journal::emit_for_agent(tx, agent.user, agent.email, journal::EventType::agent_suppression_added, data,
                            now, address);
    return {address, "manual", reason, "", now};
  }
  // Lifted at this very moment, it is as if it had been asked for just before.
  return account::find_agent_suppression(tx, agent.email, address)
      .value_or(Suppression{address, "manual", reason, "", now});
}

Awaitable<Response> create_agent_suppression(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const std::string text(trim(*call.body_text("address")));
  if (!mail::parse_mailbox(text)) {
    co_return call.refuse(ErrorCode::invalid_request, "address must be an e-mail address");
  }
  auto body = [&context, email = admitted->email, address = mail::bare_address(text),
               reason = std::string(call.body_text("reason").value_or("")), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Suppression, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    return suppress(tx, *agent, address, reason, now);
  };
  const Result<Suppression, ApiError> entry = co_await write(context, call, std::move(body));
  if (!entry) co_return call.refuse(entry.error());
  co_return json_response(200, agent_suppression_view(admitted->email, *entry));
}

Awaitable<Response> delete_agent_suppression(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const std::string address = mail::bare_address(trim(call.path("address")));
  auto body = [&context, email = admitted->email, address](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!account::lift_agent_suppression(tx, email, address)) return unexpected(not_found());
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> lifted = co_await write(context, call, std::move(body));
  if (!lifted) co_return call.refuse(lifted.error());
  co_return deleted(address);
}

}  // namespace

void attach_suppressions(Server& server, Context& context) {
  server.handle("listSuppressions", bind(context, list_suppressions));
  server.handle("deleteSuppression", bind(context, delete_suppression));
  server.handle("listAgentSuppressions", bind(context, list_agent_suppressions));
  server.handle("createAgentSuppression", bind(context, create_agent_suppression));
  server.handle("deleteAgentSuppression", bind(context, delete_agent_suppression));
}

}  // namespace countersign::agent::rest
