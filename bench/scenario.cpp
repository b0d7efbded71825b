#include "scenario.hpp"

#include "base/assert.hpp"
#include "hold/submit.hpp"

namespace countersign::bench {
namespace {

constexpr std::int64_t kDraftsPerTransaction = 250;

hold::SubmitCommand draft_of(std::int64_t number) {
  hold::SubmitCommand command;
  command.id = Scenario::message_id(number);
  command.conversation_id = "conv_" + std::to_string(number);
  command.draft.subject = "Your order has been shipped";
  for (int line = 0; line < 16; ++line)
    command.draft.text += "The parcel left our warehouse and is on its way to you now.\n";
  command.draft.to = {"reader@example.org"};
  return command;
}

}  // namespace

MessageId Scenario::message_id(std::int64_t number) {
  return MessageId(fmt::format("msg_{0:012x}{0:020}", number));
}

void Scenario::prepare(store::Database& database, std::int64_t messages) {
  account::Agent agent = database.write([this](store::Tx& tx) {
    CS_ASSERT(account::create_user(tx, user_, "bench@example.com", now_).has_value());
    account::Principal principal;
    principal.user = user_;
    auto created =
        account::create_agent(tx, principal, {std::string("bench@") + kDomain, "Bench"}, kDomain, now_);
    CS_ASSERT(created.has_value());
    return *created;
  });
  agent.protection.outbound.policy = account::GatePolicy::allowlist;
  agent.protection.outbound.action = account::GateAction::review;
  for (std::int64_t first = 0; first < messages; first += kDraftsPerTransaction) {
    const std::int64_t end = std::min(first + kDraftsPerTransaction, messages);
    database.write([&](store::Tx& tx) {
      for (std::int64_t number = first; number < end; ++number) {
        const auto held = hold::submit(tx, agent, {}, draft_of(number), send_, now_);
        CS_ASSERT(held.has_value() && std::holds_alternative<hold::Held>(*held));
      }
      return 0;
    });
  }
}

int Scenario::approve(store::Tx& tx, std::int64_t number) {
  const approve::ApproveCommand command{user_, message_id(number), "bench", {}, {}};
  const auto decision = approve::approve_and_send(tx, command, send_, kDomain, now_);
  CS_ASSERT(decision.has_value());
  return 0;
}

}  // namespace countersign::bench
