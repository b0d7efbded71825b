// Accepting an agent's draft: metered, checked against suppression and policy, then sent, held or refused.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "account/agent.hpp"
#include "account/usage.hpp"
#include "base/result.hpp"
#include "hold/loop.hpp"
#include "mailbox/message.hpp"
#include "outbox/send_step.hpp"
#include "screen/screen.hpp"

namespace countersign::hold {

struct SubmitCommand {
  MessageId id;
  mailbox::Kind kind = mailbox::Kind::send;
  std::string conversation_id;  // chosen by the caller or minted at the edge, never empty
  mailbox::Draft draft;         // validated; see mailbox::Draft
  /// What screening found in the draft (hold::screen_draft), worked out before the transaction. Nothing: it
  /// is not screened.
  std::optional<screen::Report> screening{};
  /// What the draft answers, when it is a reply to received mail.
  Answering answering = Answering::nothing;
  LoopLimits loops{};
};

/// Nothing is stored when one of these comes back.
struct DomainNotVerified {};
struct RecipientSuppressed {
  std::vector<std::string> addresses;
};
/// The account may not hold a message this long (ttl_seconds of 0 or above the maximum, contract §14).
struct InvalidHoldTtl {
  std::int64_t ttl_seconds;
};
using SubmitRefusal =
    std::variant<DomainNotVerified, account::Exceeded, RecipientSuppressed, InvalidHoldTtl, AnswersTooOften>;

/// Refused by policy: no message, but an email.blocked event, so this commits.
struct Blocked {
  std::string summary;
};
struct Held {
  UtcTime approval_expires_at;
};
struct Sent {
  outbox::SendResult result;
};
using Submitted = std::variant<Sent, Held, Blocked>;

/// Accepts a draft of `agent` (resolved in this transaction).
/// Effects (all in tx): one message, metered; when held its draft, hold reason, email.review_requested
/// and the reviewers' notification;
/// when sent what the send step does; when blocked the event alone. Checks in the contract's order
/// (sendMessage 11–15).
[[nodiscard]] Result<Submitted, SubmitRefusal> submit(store::Tx& tx, const account::Agent& agent,
                                                      const account::Limits& limits,
                                                      const SubmitCommand& command, outbox::SendStep& send,
                                                      UtcTime now);

}  // namespace countersign::hold
