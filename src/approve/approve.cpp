// Decisions by people.
#include "approve/approve.hpp"

#include "approve/decision.hpp"

namespace countersign::approve {

using journal::Reason;
using mailbox::ReviewStatus;

Result<Decision, Refusal> approve_and_send(store::Tx& tx, const ApproveCommand& command,
                                           outbox::SendStep& send, std::string_view shared_domain,
                                           UtcTime now) {
  auto message = lock_pending(tx, command.user, command.message, false, now);
  if (!message) return unexpected(std::move(message.error()));
  if (command.revision && *command.revision != message->revision) {
    return unexpected(Refusal(StaleRevision{message->revision}));
  }
  const Verdict verdict{
      ReviewStatus::review_approved, Reason::review_approved, command.actor, "", false, command.undo_for};
  return approve_locked(tx, std::move(*message), command.edit, verdict, send, shared_domain, now);
}

Result<std::monostate, Refusal> reject(store::Tx& tx, const RejectCommand& command, UtcTime now) {
  const auto message = lock_pending(tx, command.user, command.message, false, now);
  if (!message) return unexpected(message.error());
  const Verdict verdict{
      ReviewStatus::review_rejected, Reason::review_rejected, command.actor, command.reason, false, {}};
  reject_locked(tx, *message, verdict, now);
  return std::monostate{};
}

}  // namespace countersign::approve
