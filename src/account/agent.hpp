// Agents: an address, its owner, its protection settings, its trash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/principal.hpp"

namespace countersign::account {

enum class GatePolicy : std::uint8_t { open, allowlist, domain };
enum class GateAction : std::uint8_t { flag, review, block };
enum class OnExpiry : std::uint8_t { approve, reject };
enum class Sensitivity : std::uint8_t { off, low, medium, high };

[[nodiscard]] std::string_view name_of(GatePolicy policy);
[[nodiscard]] std::string_view name_of(GateAction action);
[[nodiscard]] std::string_view name_of(OnExpiry on_expiry);
[[nodiscard]] std::string_view name_of(Sensitivity sensitivity);
[[nodiscard]] std::optional<GatePolicy> gate_policy_of(std::string_view name);
[[nodiscard]] std::optional<GateAction> gate_action_of(std::string_view name);
[[nodiscard]] std::optional<OnExpiry> on_expiry_of(std::string_view name);
[[nodiscard]] std::optional<Sensitivity> sensitivity_of(std::string_view name);

struct Gate {
  GatePolicy policy = GatePolicy::open;
  GateAction action = GateAction::flag;
  std::vector<std::string> allowlist;
  Sensitivity sensitivity = Sensitivity::off;
};

/// Protection settings of one agent (contract §14).
struct Protection {
  Gate inbound;
  Gate outbound;
  std::int64_t hold_ttl_seconds = 604'800;
  OnExpiry hold_on_expiry = OnExpiry::reject;
  bool hold_suppress_notifications = false;
};

struct Agent {
  std::string email;
  UserId user;
  std::string domain;
  std::string registered_domain;
  std::string name;
  bool domain_verified = false;
  /// The registered domain may be used in From (contract §10): the deployment's own shared domain, or a
  /// domain whose sending identity is verified.
  bool sending_verified = false;
  Protection protection;
  UtcTime created_at;
  std::optional<UtcTime> deleted_at;
};

/// Why an address is not reachable for a caller (contract §4.2). A foreign agent looks like a missing one.
enum class Access : std::uint8_t { not_found, forbidden };

/// A live agent the caller may act as. `email` is normalised by the caller.
[[nodiscard]] Result<Agent, Access> resolve_agent(store::ReadTx& tx, const Principal& principal,
                                                  std::string_view email, std::string_view shared_domain);
/// A live agent by address, whoever owns it: for mail, never for a caller.
[[nodiscard]] std::optional<Agent> find_live_agent(store::ReadTx& tx, std::string_view email,
                                                   std::string_view shared_domain);
/// The same, in the trash too: for mail that was taken while the agent was live.
[[nodiscard]] std::optional<Agent> find_agent_for_mail(store::ReadTx& tx, std::string_view email,
                                                       std::string_view shared_domain);
/// An agent of this user in either state.
[[nodiscard]] std::optional<Agent> find_agent(store::ReadTx& tx, const UserId& user, std::string_view email,
                                              std::string_view shared_domain);

enum class CreateRefusal : std::uint8_t {
  invalid_slug,
  domain_not_registered,
  domain_not_verified,
  limit_exceeded,
  agent_taken,
  address_in_trash,
};
struct CreateAgent {
  std::string email;  // normalised, syntactically an address
  std::string name;
};
/// Creates an agent on the shared domain or on a domain the caller has verified. Checks in the contract's
/// order (operations.md, createAgent).
[[nodiscard]] Result<Agent, CreateRefusal> create_agent(store::Tx& tx, const Principal& principal,
                                                        const CreateAgent& command,
                                                        std::string_view shared_domain, UtcTime now);
/// Slug rule of the shared domain: `^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$` and not reserved (vocabulary §5).
[[nodiscard]] bool valid_slug(std::string_view local_part);

/// Live agents, or trashed ones; newest first, strictly after (created_at, email) when given.
[[nodiscard]] std::vector<Agent> list_agents(store::ReadTx& tx, const UserId& user, bool trashed,
                                             const std::optional<std::pair<UtcTime, std::string>>& after,
                                             std::int64_t limit, std::string_view shared_domain);
[[nodiscard]] bool rename_agent(store::Tx& tx, const UserId& user, std::string_view email,
                                std::string_view name);
[[nodiscard]] bool set_protection(store::Tx& tx, const UserId& user, std::string_view email,
                                  const Protection& protection);
/// Live → trash. False when there is no such live agent.
[[nodiscard]] bool trash_agent(store::Tx& tx, const UserId& user, std::string_view email, UtcTime now);

enum class RestoreRefusal : std::uint8_t { not_found, not_in_trash };
/// Trash → live. Open holds of the agent get their deadline shifted by the time spent in the trash.
[[nodiscard]] Result<Agent, RestoreRefusal> restore_agent(store::Tx& tx, const UserId& user,
                                                          std::string_view email,
                                                          std::string_view shared_domain, UtcTime now);

[[nodiscard]] std::int64_t count_live_agents(store::ReadTx& tx, const UserId& user);
[[nodiscard]] std::int64_t count_domains(store::ReadTx& tx, const UserId& user);

}  // namespace countersign::account
