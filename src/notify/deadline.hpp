// The rule of docs/review.md: the clock approves nothing about which no mail to a reviewer has left, unless a
// policy says so. Until it has left, the hold waits; when it never will, the hold is rejected.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "mailbox/message.hpp"
#include "notify/settings.hpp"
#include "store/tx.hpp"

namespace countersign::notify {

/// How long a notification is tried to be sent, from the moment the message was held.
inline constexpr std::chrono::hours kHorizon{72};

/// What a deployment says where account and agent do not.
struct Policy {
  OnUnseen on_unseen = OnUnseen::reject;
  /// The least time between the mail and an approval by the clock; half of the hold's time when that is less.
  std::chrono::seconds reaction{3600};
};

enum class Seen : std::uint8_t {
  approvable,  // a mail has left, or nobody insists on one
  wait,        // it may still leave: until `until`
  never,       // it never will: `reason`
};
struct Judgement {
  Seen seen = Seen::never;
  bool unseen_by_policy = false;  // approvable although no mail has left
  UtcTime until;
  std::string reason;
};

/// Whether the clock may approve a held message whose time is up. An agent's `suppress_notifications` with
/// `on_expiry: approve` is a policy that says so, since the contract knows no other; `on_unseen` overrules
/// it.
[[nodiscard]] Judgement judge_auto_approval(store::Tx& tx, const MessageId& message, const Policy& policy,
                                            UtcTime now);

/// For the record: the clock approved the message and a policy allowed that although no mail had left.
void note_approved_unseen(store::Tx& tx, const MessageId& message);

/// Gives a hold more time, so that a reviewer gets to see it.
/// Effects (in tx): approval_expires_at becomes `until`; a lifecycle row; email.review_requested once more,
/// with the new deadline. False when it is not held any more, or has another deadline than `message` says.
bool extend_hold(store::Tx& tx, const mailbox::Message& message, UtcTime until, std::string_view why,
                 UtcTime now);

}  // namespace countersign::notify
