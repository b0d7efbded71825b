// Agents: lookup under the caller's rights, creation, settings and trash.
#include "account/agent.hpp"

#include <algorithm>
#include <array>

#include "account/usage.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"

namespace countersign::account {
namespace {

using store::Query;

// A literal, because queries are put together at compile time.
#define CS_SELECT_AGENT                                                                                      \
  "SELECT a.email, a.user_id, a.domain, a.registered_domain, a.name, a.inbound_policy, a.inbound_action, "   \
  "a.inbound_allowlist, a.inbound_sensitivity, a.outbound_policy, a.outbound_action, a.outbound_allowlist, " \
  "a.outbound_sensitivity, a.hold_ttl_seconds, a.hold_on_expiry, a.hold_suppress_notifications, "            \
  "a.created_at_us, a.deleted_at_us, d.verified_at_us, d.sending_status "                                    \
  "FROM agents a LEFT JOIN domains d ON d.name = a.registered_domain AND d.user_id = a.user_id "

constexpr Query kFindLive("account.find_live_agent",
                          CS_SELECT_AGENT "WHERE a.email = $1 AND a.deleted_at_us IS NULL");
constexpr Query kFindOfUser("account.find_agent", CS_SELECT_AGENT "WHERE a.email = $1 AND a.user_id = $2");
constexpr Query kFindAny("account.find_agent_for_mail", CS_SELECT_AGENT "WHERE a.email = $1");
constexpr Query kListLive("account.list_live_agents", CS_SELECT_AGENT
                          "WHERE a.user_id = $1 AND a.deleted_at_us IS NULL "
                          "AND (a.created_at_us, a.email) < ($2, $3) "
                          "ORDER BY a.created_at_us DESC, a.email DESC LIMIT $4");
constexpr Query kListTrashed("account.list_trashed_agents", CS_SELECT_AGENT
                             "WHERE a.user_id = $1 AND a.deleted_at_us IS NOT NULL "
                             "AND (a.created_at_us, a.email) < ($2, $3) "
                             "ORDER BY a.created_at_us DESC, a.email DESC LIMIT $4");
#undef CS_SELECT_AGENT

constexpr Query kFindDomain("account.find_claimed_domain",
                            "SELECT verified_at_us FROM domains WHERE name = $1 AND user_id = $2");

constexpr Query kInsertAgent(
    "account.insert_agent",
    "INSERT INTO agents (email, user_id, domain, registered_domain, name, created_at_us) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING");

constexpr Query kRename("account.rename_agent",
                        "UPDATE agents SET name = $3 "
                        "WHERE email = $1 AND user_id = $2 AND deleted_at_us IS NULL");

constexpr Query kSetProtection(
    "account.set_protection",
    "UPDATE agents SET inbound_policy = $3, inbound_action = $4, inbound_allowlist = $5, "
    "inbound_sensitivity = $6, outbound_policy = $7, outbound_action = $8, outbound_allowlist = $9, "
    "outbound_sensitivity = $10, hold_ttl_seconds = $11, hold_on_expiry = $12, "
    "hold_suppress_notifications = $13 WHERE email = $1 AND user_id = $2 AND deleted_at_us IS NULL");

constexpr Query kTrash("account.trash_agent",
                       "UPDATE agents SET deleted_at_us = $3 "
                       "WHERE email = $1 AND user_id = $2 AND deleted_at_us IS NULL");

// Guarded by the time of deletion, so that of two restorers only one shifts the holds.
constexpr Query kRestore("account.restore_agent",
                         "UPDATE agents SET deleted_at_us = NULL "
                         "WHERE email = $1 AND user_id = $2 AND deleted_at_us = $3");
constexpr Query kShiftHolds("account.shift_holds",
                            "UPDATE messages SET approval_expires_at_us = approval_expires_at_us + $2 "
                            "WHERE user_id = $3 AND agent_email = $1 AND review_status = 'pending_review'");

constexpr Query kCountLive("account.count_live_agents",
                           "SELECT COUNT(*) FROM agents WHERE user_id = $1 AND deleted_at_us IS NULL");
constexpr Query kCountDomains("account.count_domains", "SELECT COUNT(*) FROM domains WHERE user_id = $1");

// Contract vocabulary §5.
constexpr std::array<std::string_view, 16> kReservedSlugs{
    "admin", "postmaster", "abuse", "noreply", "no-reply", "mailer-daemon", "info",   "help",
    "demo",  "test",       "www",   "mail",    "agent",    "api",           "system", "root"};

template <class Enum>
Enum stored(std::optional<Enum> value) {
  CS_ASSERT(value.has_value());  // the schema's CHECK constraints hold the same names
  return *value;
}

Gate gate_of(const store::Row& row, std::size_t column) {
  return {stored(gate_policy_of(row.view(column))), stored(gate_action_of(row.view(column + 1))),
          from_json_list(row.view(column + 2)), stored(sensitivity_of(row.view(column + 3)))};
}

Agent agent_of(const store::Row& row, std::string_view shared_domain) {
  Agent agent;
  agent.email = row.text(0);
  agent.user = UserId(row.text(1));
  agent.domain = row.text(2);
  agent.registered_domain = row.text(3);
  agent.name = row.text(4);
  agent.protection.inbound = gate_of(row, 5);
  agent.protection.outbound = gate_of(row, 9);
  agent.protection.hold_ttl_seconds = row.integer(13);
  agent.protection.hold_on_expiry = stored(on_expiry_of(row.view(14)));
  agent.protection.hold_suppress_notifications = row.flag(15);
  agent.created_at = row.time(16);
  agent.deleted_at = row.maybe_time(17);
  const bool shared = !shared_domain.empty() && agent.registered_domain == shared_domain;
  agent.domain_verified = shared || !row.is_null(18);
  agent.sending_verified = shared || row.maybe_text(19) == "verified";
  return agent;
}

std::optional<CreateRefusal> check_domain(store::ReadTx& tx, const Principal& principal,
                                          std::string_view local_part, std::string_view domain,
                                          std::string_view shared_domain) {
  if (!shared_domain.empty() && domain == shared_domain) {
    if (!valid_slug(local_part)) return CreateRefusal::invalid_slug;
    return std::nullopt;
  }
  const store::Rows rows = tx.query(kFindDomain, {domain, principal.user.str()});
  if (rows.empty()) return CreateRefusal::domain_not_registered;
  if (rows.front().is_null(0)) return CreateRefusal::domain_not_verified;
  return std::nullopt;
}

}  // namespace

Result<Agent, Access> resolve_agent(store::ReadTx& tx, const Principal& principal, std::string_view email,
                                    std::string_view shared_domain) {
  std::optional<Agent> agent = find_live_agent(tx, email, shared_domain);
  if (!agent || agent->user != principal.user) return unexpected(Access::not_found);
  if (principal.scope == Scope::agent && principal.agent_email != agent->email) {
    return unexpected(Access::forbidden);
  }
  return std::move(*agent);
}

std::optional<Agent> find_live_agent(store::ReadTx& tx, std::string_view email,
                                     std::string_view shared_domain) {
  const store::Rows rows = tx.query(kFindLive, {email});
  if (rows.empty()) return std::nullopt;
  return agent_of(rows.front(), shared_domain);
}

std::optional<Agent> find_agent_for_mail(store::ReadTx& tx, std::string_view email,
                                         std::string_view shared_domain) {
  const store::Rows rows = tx.query(kFindAny, {email});
  if (rows.empty()) return std::nullopt;
  return agent_of(rows.front(), shared_domain);
}

std::optional<Agent> find_agent(store::ReadTx& tx, const UserId& user, std::string_view email,
                                std::string_view shared_domain) {
  const store::Rows rows = tx.query(kFindOfUser, {email, user.str()});
  if (rows.empty()) return std::nullopt;
  return agent_of(rows.front(), shared_domain);
}

bool valid_slug(std::string_view local_part) {
  if (local_part.size() < 2 || local_part.size() > 40) return false;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!alphanumeric(local_part.front()) || !alphanumeric(local_part.back())) return false;
  if (!std::all_of(local_part.begin(), local_part.end(),
                   [&](char c) { return alphanumeric(c) || c == '-'; })) {
    return false;
  }
  return std::find(kReservedSlugs.begin(), kReservedSlugs.end(), local_part) == kReservedSlugs.end();
}

Result<Agent, CreateRefusal> create_agent(store::Tx& tx, const Principal& principal,
                                          const CreateAgent& command, std::string_view shared_domain,
                                          UtcTime now) {
  const std::size_t at = command.email.rfind('@');
  CS_ASSERT(at != std::string::npos);
  const std::string_view local_part = std::string_view(command.email).substr(0, at);
  const std::string_view domain = std::string_view(command.email).substr(at + 1);
  if (const auto refusal = check_domain(tx, principal, local_part, domain, shared_domain)) {
    return unexpected(*refusal);
  }
  lock_user(tx, principal.user);  // so that concurrent creates cannot pass the cap together
  if (count_live_agents(tx, principal.user) >= principal.limits.agents_max) {
    return unexpected(CreateRefusal::limit_exceeded);
  }
  const std::int64_t inserted =
      tx.execute(kInsertAgent, {command.email, principal.user.str(), domain, domain, command.name, now});
  std::optional<Agent> agent = find_agent(tx, principal.user, command.email, shared_domain);
  if (inserted == 1) {
    CS_ASSERT(agent.has_value());
    return std::move(*agent);
  }
  return unexpected(agent && agent->deleted_at ? CreateRefusal::address_in_trash
                                               : CreateRefusal::agent_taken);
}

std::vector<Agent> list_agents(store::ReadTx& tx, const UserId& user, bool trashed,
                               const std::optional<std::pair<UtcTime, std::string>>& after,
                               std::int64_t limit, std::string_view shared_domain) {
  const store::Rows rows = tx.query(trashed ? kListTrashed : kListLive,
                                    {user.str(), after ? after->first : UtcTime::max(),
                                     after ? std::string_view(after->second) : std::string_view(), limit});
  std::vector<Agent> agents;
  agents.reserve(rows.size());
  for (const store::Row row : rows) agents.push_back(agent_of(row, shared_domain));
  return agents;
}

bool rename_agent(store::Tx& tx, const UserId& user, std::string_view email, std::string_view name) {
  return tx.execute(kRename, {email, user.str(), name}) == 1;
}

bool set_protection(store::Tx& tx, const UserId& user, std::string_view email, const Protection& protection) {
  const std::string inbound_list = to_json_list(protection.inbound.allowlist);
  const std::string outbound_list = to_json_list(protection.outbound.allowlist);
  return tx.execute(
             kSetProtection,
             {email, user.str(), name_of(protection.inbound.policy), name_of(protection.inbound.action),
              inbound_list, name_of(protection.inbound.sensitivity), name_of(protection.outbound.policy),
              name_of(protection.outbound.action), outbound_list, name_of(protection.outbound.sensitivity),
              protection.hold_ttl_seconds, name_of(protection.hold_on_expiry),
              protection.hold_suppress_notifications}) == 1;
}

bool trash_agent(store::Tx& tx, const UserId& user, std::string_view email, UtcTime now) {
  return tx.execute(kTrash, {email, user.str(), now}) == 1;
}

Result<Agent, RestoreRefusal> restore_agent(store::Tx& tx, const UserId& user, std::string_view email,
                                            std::string_view shared_domain, UtcTime now) {
  std::optional<Agent> agent = find_agent(tx, user, email, shared_domain);
  if (!agent) return unexpected(RestoreRefusal::not_found);
  if (!agent->deleted_at) return unexpected(RestoreRefusal::not_in_trash);
  if (tx.execute(kRestore, {email, user.str(), *agent->deleted_at}) == 0) {
    return unexpected(RestoreRefusal::not_in_trash);
  }
  const Duration away = std::max(now - *agent->deleted_at, Duration::zero());
  tx.send(kShiftHolds, {email, static_cast<std::int64_t>(away.count()), user.str()});
  agent->deleted_at.reset();
  return std::move(*agent);
}

std::int64_t count_live_agents(store::ReadTx& tx, const UserId& user) {
  return tx.query(kCountLive, {user.str()}).front().integer(0);
}

std::int64_t count_domains(store::ReadTx& tx, const UserId& user) {
  return tx.query(kCountDomains, {user.str()}).front().integer(0);
}

}  // namespace countersign::account
