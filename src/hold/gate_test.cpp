// The gates compare addresses, whatever is written around them.
#include "hold/gate.hpp"

#include <gtest/gtest.h>

#include "hold/reason.hpp"

namespace countersign::hold {
namespace {

using account::GateAction;
using account::GatePolicy;

account::Agent agent_with(GatePolicy policy, std::vector<std::string> allowlist) {
  account::Agent agent;
  agent.email = "writer@agents.example";
  agent.domain = "agents.example";
  agent.protection.outbound = {policy, GateAction::review, allowlist, account::Sensitivity::off};
  agent.protection.inbound = {policy, GateAction::block, std::move(allowlist), account::Sensitivity::off};
  return agent;
}

TEST(OutboundGateTest, AnOpenGateNeverTrips) {
  EXPECT_FALSE(outbound_gate(agent_with(GatePolicy::open, {}), {"anyone@elsewhere.example"}));
}

TEST(OutboundGateTest, AnEmptyAllowlistTripsForEverybody) {
  const auto trip = outbound_gate(agent_with(GatePolicy::allowlist, {}), {"writer@agents.example"});
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->action, GateAction::review);
  EXPECT_EQ(trip->code, "recipient_gate");
  EXPECT_EQ(trip->detail, "writer@agents.example");
}

TEST(OutboundGateTest, TheAllowlistIgnoresCaseBlanksAndDisplayNames) {
  const auto agent = agent_with(GatePolicy::allowlist, {" Ann@Elsewhere.example "});
  EXPECT_FALSE(outbound_gate(agent, {"ann@elsewhere.example"}));
  EXPECT_FALSE(outbound_gate(agent, {"ANN@elsewhere.EXAMPLE"}));
  EXPECT_FALSE(outbound_gate(agent, {"Ann Other <ann@elsewhere.example>"}));
}

TEST(OutboundGateTest, AnEntryIsNotAPattern) {
  const auto agent = agent_with(GatePolicy::allowlist, {"elsewhere.example", "ann@"});
  EXPECT_TRUE(outbound_gate(agent, {"ann@elsewhere.example"}));
}

TEST(OutboundGateTest, OneRecipientThatIsNotListedTripsIt) {
  const auto agent = agent_with(GatePolicy::allowlist, {"ann@elsewhere.example"});
  const auto trip = outbound_gate(agent, {"ann@elsewhere.example", "Bob <bob@elsewhere.example>"});
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->detail, "bob@elsewhere.example");
}

TEST(OutboundGateTest, AListedAddressInADisplayNameOpensNothing) {
  const auto agent = agent_with(GatePolicy::allowlist, {"ann@elsewhere.example"});
  EXPECT_TRUE(outbound_gate(agent, {"\"ann@elsewhere.example\" <mallory@elsewhere.example>"}));
}

TEST(OutboundGateTest, TheDomainPolicyAdmitsTheAgentsOwnDomainOnly) {
  const auto agent = agent_with(GatePolicy::domain, {"elsewhere.example"});
  EXPECT_FALSE(outbound_gate(agent, {"reader@agents.example", "R <other@AGENTS.example>"}));
  EXPECT_TRUE(outbound_gate(agent, {"ann@elsewhere.example"}));
  EXPECT_TRUE(outbound_gate(agent, {"ann@sub.agents.example"}));
}

TEST(InboundGateTest, ComparesTheSenderOrItsDomain) {
  EXPECT_FALSE(inbound_gate(agent_with(GatePolicy::open, {}), "ann@elsewhere.example"));
  const auto by_address = agent_with(GatePolicy::allowlist, {"Ann@elsewhere.example"});
  EXPECT_FALSE(inbound_gate(by_address, "ann@elsewhere.example"));
  EXPECT_TRUE(inbound_gate(by_address, "bob@elsewhere.example"));
  const auto by_domain = agent_with(GatePolicy::domain, {"Elsewhere.example"});
  EXPECT_FALSE(inbound_gate(by_domain, "bob@elsewhere.example"));
  const auto trip = inbound_gate(by_domain, "bob@another.example");
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->action, GateAction::block);
  EXPECT_EQ(trip->code, "sender_gate");
}

TEST(HoldDeadlineTest, ExistsForOneSecondUpToAWeek) {
  account::Agent agent;
  const UtcTime now = from_us(0);
  for (const auto& [ttl, allowed] : {std::pair(-1, false), std::pair(0, false), std::pair(1, true),
                                     std::pair(604'800, true), std::pair(604'801, false)}) {
    agent.protection.hold_ttl_seconds = ttl;
    const auto deadline = hold_deadline(agent, now);
    EXPECT_EQ(deadline.has_value(), allowed) << ttl;
    if (deadline) {
      EXPECT_EQ(*deadline - now, std::chrono::seconds(ttl));
    }
  }
}

TEST(HoldReasonTest, IsTheViewThatReviewersRead) {
  const Trip trip{GateAction::review, "recipient_gate", "not on the allowlist", "\"quoted\"@x.example"};
  EXPECT_EQ(hold_reason_json(trip),
            R"({"type":"gate","code":"recipient_gate","summary":"not on the allowlist",)"
            R"("detail":"\"quoted\"@x.example"})");
}

}  // namespace
}  // namespace countersign::hold
