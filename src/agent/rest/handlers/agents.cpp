// Agents and their protection settings.
#include "agent/rest/handlers/context.hpp"
#include "agent/rest/views.hpp"
#include "base/assert.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Agent;
using account::Principal;

Awaitable<Response> list_agents(Context& context, const Call& call) {
  const bool trashed = call.query_flag("deleted");
  auto body = [&context, trashed,
               request = page_request(context, call, filters_text({"agents", trashed ? "trash" : "live"}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const auto agents = account::list_agents(tx, principal.user, trashed, request->pair(), request->limit + 1,
                                             context.settings.shared_domain);
    const auto key_of = [](const Agent& agent) { return CursorKey{to_us(agent.created_at), agent.email}; };
    return page_view(context, *request, agents, key_of, agent_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

ApiError error_of(account::CreateRefusal refusal, const Principal& principal, std::int64_t live_agents) {
  using account::CreateRefusal;
  switch (refusal) {
    case CreateRefusal::invalid_slug:
      return api_error(ErrorCode::invalid_slug,
                       "on the shared domain a name has 2 to 40 characters of a-z, 0-9 and -, begins and "
                       "ends with a letter or digit, and is not reserved");
    case CreateRefusal::domain_not_registered:
      return api_error(ErrorCode::domain_not_registered, "the domain is not registered to this account");
    case CreateRefusal::domain_not_verified:
      return api_error(ErrorCode::domain_not_verified, "the domain is not verified");
    case CreateRefusal::limit_exceeded:
      return limit_exceeded("agents", principal.limits.agents_max, live_agents, principal.plan_code);
    case CreateRefusal::agent_taken:
      return api_error(ErrorCode::agent_taken, "the address is taken");
    case CreateRefusal::address_in_trash:
      return api_error(ErrorCode::address_in_trash, "the address belongs to an agent in the trash");
  }
  CS_ASSERT(false);
}

// A bare address, as an agent's address must be.
bool is_bare_address(const std::string& text) {
  return mail::parse_mailbox(text) && mail::bare_address(text) == text;
}

// No address at all (RFC 5321 §4.5.3.1.1), but meant as one of the shared domain: it is the slug that is
// wrong.
bool is_overlong_slug(const std::string& email, const std::string& shared_domain) {
  constexpr std::size_t kLocalPartMax = 64;
  const std::size_t at = email.rfind('@');
  return at != std::string::npos && at > kLocalPartMax && !shared_domain.empty() &&
         email.substr(at + 1) == shared_domain && is_bare_address(email.substr(at - kLocalPartMax));
}

Awaitable<Response> create_agent(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  account::CreateAgent command{mail::normalise(*call.body_text("email")),
                               std::string(call.body_text("name").value_or(""))};
  if (is_overlong_slug(command.email, context.settings.shared_domain)) {
    co_return call.refuse(error_of(account::CreateRefusal::invalid_slug, *admitted, 0));
  }
  if (!is_bare_address(command.email)) {
    co_return call.refuse(ErrorCode::invalid_request, "email must be an e-mail address");
  }
  auto body = [&context, command = std::move(command), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Agent, ApiError> {
    auto agent = account::create_agent(tx, principal, command, context.settings.shared_domain, now);
    if (agent) return std::move(*agent);
    return unexpected(error_of(agent.error(), principal, account::count_live_agents(tx, principal.user)));
  };
  const Result<Agent, ApiError> agent = co_await write(context, call, std::move(body));
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(201, agent_view(*agent));
}

Awaitable<Response> get_agent(Context& context, const Call& call) {
  const Result<Agent, ApiError> agent = co_await admit_agent(context, call);
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(200, agent_view(*agent));
}

Awaitable<Response> update_agent(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const auto name = call.body_text("name");
  if (!name) co_return call.refuse(ErrorCode::invalid_request, "nothing to change: name is missing");
  auto body = [&context, email = admitted->email, name = std::string(*name)](
                  store::Tx& tx, const Principal& principal) -> Result<Agent, ApiError> {
    if (!account::rename_agent(tx, principal.user, email, name)) return unexpected(not_found());
    return resolve_agent(tx, context, principal, email);
  };
  const Result<Agent, ApiError> agent = co_await write(context, call, std::move(body));
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(200, agent_view(*agent));
}

ApiError error_of(mailbox::AgentPurgeRefusal refusal) {
  switch (refusal) {
    case mailbox::AgentPurgeRefusal::not_found:
      return not_found();
    case mailbox::AgentPurgeRefusal::send_in_progress:
      return api_error(ErrorCode::send_in_progress, "a message of the agent is being sent");
  }
  CS_ASSERT(false);
}

// A transaction for each step, however large the mailbox is. How many messages went.
Awaitable<Result<std::int64_t, ApiError>> purge_agent(Context& context, const Call& call) {
  std::int64_t removed = 0;
  for (bool begun = false;; begun = true) {
    auto body = [begun, email = agent_email(call), now = call.received()](
                    store::Tx& tx, const Principal& principal) -> Result<mailbox::AgentPurge, ApiError> {
      const auto step = mailbox::purge_agent(tx, principal.user, email, now, begun);
      if (step) return *step;
      // Somebody else who removes it as well has come to its end.
      if (begun && step.error() == mailbox::AgentPurgeRefusal::not_found) return mailbox::AgentPurge{0, true};
      return unexpected(error_of(step.error()));
    };
    const Result<mailbox::AgentPurge, ApiError> step = co_await write(context, call, std::move(body));
    if (!step) co_return unexpected(step.error());
    removed += step->messages;
    if (step->over) co_return removed;
  }
}

Awaitable<Response> delete_agent(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const std::string email = agent_email(call);
  std::int64_t messages = 0;
  if (call.query_flag("permanent")) {
    const Result<std::int64_t, ApiError> removed = co_await purge_agent(context, call);
    if (!removed) co_return call.refuse(removed.error());
    messages = *removed;
  } else {
    auto body = [email, now = call.received()](
                    store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
      if (!account::trash_agent(tx, principal.user, email, now)) return unexpected(not_found());
      return std::monostate{};
    };
    const Result<std::monostate, ApiError> trashed = co_await write(context, call, std::move(body));
    if (!trashed) co_return call.refuse(trashed.error());
  }
  const json::object view{{"deleted", true}, {"email", email}, {"messages_deleted", messages}};
  co_return json_response(200, view);
}

ApiError error_of(account::RestoreRefusal refusal) {
  switch (refusal) {
    case account::RestoreRefusal::not_found:
      return not_found();
    case account::RestoreRefusal::not_in_trash:
      return api_error(ErrorCode::not_in_trash, "the agent is not in the trash");
  }
  CS_ASSERT(false);
}

Awaitable<Response> restore_agent(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  auto body = [&context, email = agent_email(call), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<Agent, ApiError> {
    auto agent = account::restore_agent(tx, principal.user, email, context.settings.shared_domain, now);
    if (!agent) return unexpected(error_of(agent.error()));
    return std::move(*agent);
  };
  const Result<Agent, ApiError> agent = co_await write(context, call, std::move(body));
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(200, agent_view(*agent));
}

// --- protection (contract §14) ---------------------------------------------------------------------------

// The value of an enumerated member that the schema has let through, or its default.
template <class Enum>
Enum enum_member(const json::object& object, std::string_view name,
                 std::optional<Enum> (*value_of)(std::string_view), Enum otherwise) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return otherwise;
  const std::optional<Enum> found = value_of(value->as_string());
  CS_ASSERT(found.has_value());
  return *found;
}

account::Gate read_gate(const json::object& direction) {
  const json::object& gate = direction.at("gate").as_object();
  const json::object& scan = direction.at("scan").as_object();
  account::Gate out;
  out.policy = enum_member(gate, "policy", account::gate_policy_of, out.policy);
  out.action = enum_member(gate, "action", account::gate_action_of, out.action);
  out.sensitivity = enum_member(scan, "sensitivity", account::sensitivity_of, out.sensitivity);
  if (const json::value* list = gate.if_contains("allowlist")) {
    for (const json::value& entry : list->as_array()) out.allowlist.emplace_back(entry.as_string());
  }
  return out;
}

account::Protection read_protection(const json::object& body) {
  account::Protection protection;
  protection.inbound = read_gate(body.at("inbound").as_object());
  protection.outbound = read_gate(body.at("outbound").as_object());
  const json::object& holds = body.at("holds").as_object();
  if (const json::value* ttl = holds.if_contains("ttl_seconds")) {
    protection.hold_ttl_seconds = ttl->to_number<std::int64_t>();
  }
  protection.hold_on_expiry =
      enum_member(holds, "on_expiry", account::on_expiry_of, protection.hold_on_expiry);
  if (const json::value* suppress = holds.if_contains("suppress_notifications")) {
    protection.hold_suppress_notifications = suppress->as_bool();
  }
  return protection;
}

Awaitable<Response> get_protection(Context& context, const Call& call) {
  const Result<Agent, ApiError> agent = co_await admit_agent(context, call);
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(200, protection_view(agent->protection, context.settings.screening));
}

Awaitable<Response> put_protection(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  auto body = [&context, email = admitted->email, protection = read_protection(call.body())](
                  store::Tx& tx, const Principal& principal) -> Result<Agent, ApiError> {
    if (!account::set_protection(tx, principal.user, email, protection)) return unexpected(not_found());
    return resolve_agent(tx, context, principal, email);
  };
  const Result<Agent, ApiError> agent = co_await write(context, call, std::move(body));
  if (!agent) co_return call.refuse(agent.error());
  co_return json_response(200, protection_view(agent->protection, context.settings.screening));
}

}  // namespace

void attach_agents(Server& server, Context& context) {
  server.handle("listAgents", bind(context, list_agents));
  server.handle("createAgent", bind(context, create_agent));
  server.handle("getAgent", bind(context, get_agent));
  server.handle("updateAgent", bind(context, update_agent));
  server.handle("deleteAgent", bind(context, delete_agent));
  server.handle("restoreAgent", bind(context, restore_agent));
  server.handle("getAgentProtection", bind(context, get_protection));
  server.handle("putAgentProtection", bind(context, put_protection));
}

}  // namespace countersign::agent::rest
