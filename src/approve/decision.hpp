// The one door through which a held message leaves `pending_review`. Internal to approve.
#pragma once

#include "approve/approve.hpp"

namespace countersign::approve {

/// A decision in the making: who decides, what, and how rows tell it apart.
struct Verdict {
  mailbox::ReviewStatus status;
  journal::Reason reason;
  std::string actor;
  std::string rejection_reason;
  bool auto_resolved = false;
  Duration undo_for{};        // how long what it queues waits, so that it can be taken back
  std::string_view source{};  // what it rests on, for the lifecycle, where the reason does not say
};

/// The held message, locked, or why there is none to decide. A hold whose time is up is decided by the clock
/// alone: pass `by_clock` true for that, false for a person.
[[nodiscard]] Result<mailbox::Message, Refusal> lock_pending(store::Tx& tx, const UserId& user,
                                                             const MessageId& id, bool by_clock, UtcTime now);

/// pending_review → verdict.status for exactly this revision, with its lifecycle row. The guarded update must
/// match: the row is locked and was pending.
void resolve(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict, UtcTime now);

/// Approves as `verdict` says: edits, checks, decision, send step or release, event.
[[nodiscard]] Result<Decision, Refusal> approve_locked(store::Tx& tx, mailbox::Message message,
                                                       const PendingApprovalEdit& edit,
                                                       const Verdict& verdict, outbox::SendStep& send,
                                                       std::string_view shared_domain, UtcTime now);
/// Rejects as `verdict` says.
void reject_locked(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict, UtcTime now);

}  // namespace countersign::approve
