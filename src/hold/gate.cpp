#include "hold/gate.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace countersign::hold {
namespace {

using account::GatePolicy;

bool listed(const std::vector<std::string>& allowlist, std::string_view value) {
  return std::ranges::any_of(allowlist,
                             [&](const std::string& entry) { return mail::normalise(entry) == value; });
}

// The allowlist compares the whole text as given (contract §14) and, so that `Name <a@b>` is not held beside
// `a@b`, its bare address.
bool recipient_allowed(const account::Agent& agent, const std::string& recipient) {
  switch (agent.protection.outbound.policy) {
    case GatePolicy::open:
      return true;
    case GatePolicy::allowlist:
      return listed(agent.protection.outbound.allowlist, mail::normalise(recipient)) ||
             listed(agent.protection.outbound.allowlist, mail::bare_address(recipient));
    case GatePolicy::domain:
      return mail::domain_of(mail::bare_address(recipient)) == agent.domain;
  }
  CS_ASSERT(false);
}

bool sender_allowed(const account::Agent& agent, std::string_view sender) {
  switch (agent.protection.inbound.policy) {
    case GatePolicy::open:
      return true;
    case GatePolicy::allowlist:
      return listed(agent.protection.inbound.allowlist, sender);
    case GatePolicy::domain:
      return listed(agent.protection.inbound.allowlist, mail::domain_of(sender));
  }
  CS_ASSERT(false);
}

int strength(account::GateAction action) {
  switch (action) {
    case account::GateAction::flag:
      return 1;
    case account::GateAction::review:
      return 2;
    case account::GateAction::block:
      return 3;
  }
  CS_ASSERT(false);
}

}  // namespace

const Trip* strongest(const std::vector<Trip>& trips) {
  const Trip* found = nullptr;
  for (const Trip& trip : trips) {
    if (found == nullptr || strength(trip.action) > strength(found->action)) found = &trip;
  }
  return found;
}

std::optional<Trip> outbound_gate(const account::Agent& agent, const std::vector<std::string>& recipients) {
  std::vector<std::string> refused;
  for (const std::string& recipient : recipients) {
    if (!recipient_allowed(agent, recipient)) refused.push_back(mail::bare_address(recipient));
  }
  if (refused.empty()) return std::nullopt;
  const bool by_domain = agent.protection.outbound.policy == GatePolicy::domain;
  return Trip{
      agent.protection.outbound.action, "recipient_gate",
      by_domain ? "a recipient is outside the agent's own domain" : "a recipient is not on the allowlist",
      fmt::format("{}", fmt::join(refused, ", "))};
}

std::optional<Trip> inbound_gate(const account::Agent& agent,
                                 const std::optional<std::string>& authenticated_sender) {
  const account::Gate& gate = agent.protection.inbound;
  if (gate.policy == GatePolicy::open) return std::nullopt;
  if (!authenticated_sender) {
    return Trip{gate.action, "sender_gate", "the sender could not be authenticated (DMARC did not pass)", ""};
  }
  if (sender_allowed(agent, *authenticated_sender)) return std::nullopt;
  const bool by_domain = gate.policy == GatePolicy::domain;
  return Trip{
      gate.action, "sender_gate",
      by_domain ? "the sender's domain is not on the allowlist" : "the sender is not on the allowlist",
      *authenticated_sender};
}

}  // namespace countersign::hold
