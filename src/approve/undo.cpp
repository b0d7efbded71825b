// An approval taken back before anything came of it.
//
// The queue decides the race: the attempt is deleted only while nobody has ever claimed it, and a dispatcher
// claims only what is there. What was approved stays in the journal, followed by the hold that is back.
#include <boost/json/object.hpp>

#include "account/usage.hpp"
#include "approve/approve.hpp"
#include "approve/kept_draft.hpp"
#include "base/fault.hpp"
#include "mailbox/mailbox.hpp"
#include "notify/queue.hpp"
#include "outbox/outbox.hpp"

namespace countersign::approve {
namespace {

using mailbox::ReviewStatus;
using store::Query;

constexpr Query kReopen(
    "approve.reopen",
    "UPDATE messages SET review_status = 'pending_review', resolved_at_us = NULL, resolved_by = NULL, "
    "approved_revision = NULL, approval_expires_at_us = $3, delivery_status = NULL, delivery_detail = '', "
    "method = 'smtp', sent_as = '', rfc_message_id = '', charged_bytes = charged_bytes - size_bytes, "
    "size_bytes = 0, decisions_undone = decisions_undone + 1 WHERE id = $1 AND resolved_at_us = $2 AND "
    "review_status = 'review_approved' AND deleted_at_us IS NULL");
constexpr Query kForgetBytes("approve.forget_bytes",
                             "UPDATE message_contents SET raw = NULL WHERE message_id = $1");

void tell(store::Tx& tx, const mailbox::Message& message, UtcTime now) {
  journal::Transition held{journal::Reason::review_hold_created, now, {}, {}, {}, message.round()};
  held.evidence["review_resolution"] = "pending";
  held.evidence["source"] = "undo";
  journal::record(tx, message.journal_subject(), held);

  boost::json::object data;
  data["message_id"] = message.id.str();
  data["direction"] = "outbound";
  data["agent_email"] = message.agent_email;
  data["from"] = message.agent_email;
  data["to"] = journal::json_list(message.to);
  data["cc"] = journal::json_list(message.cc);
  data["bcc"] = journal::json_list(message.bcc);
  data["subject"] = message.subject;
  data["message_type"] = name_of(message.kind);
  data["conversation_id"] = message.conversation_id;
  data["approval_expires_at"] = to_rfc3339(*message.approval_expires_at);
  journal::emit(tx, message.journal_subject(), journal::EventType::email_review_requested, data, now,
                message.round());
}

}  // namespace

Result<std::monostate, UndoRefusal> undo(store::Tx& tx, const UndoCommand& command, UtcTime now) {
  // The attempt before the message, as whoever claims locks them.
  const bool withdrawn = outbox::withdraw(tx, command.user, command.message);
  auto message = mailbox::lock_for_review(tx, command.user, command.message);
  if (!message) return unexpected(UndoRefusal::not_found);
  if (!withdrawn || message->resolved_at != command.decided_at ||
      message->review_status != ReviewStatus::review_approved || message->deleted_at ||
      now < command.decided_at) {
    return unexpected(UndoRefusal::too_late);
  }
  // The clock of the hold stood still while it was decided.
  const UtcTime deadline = *message->approval_expires_at + (now - command.decided_at);
  if (tx.execute(kReopen, {message->id.str(), command.decided_at, deadline}) == 0) {
    return unexpected(UndoRefusal::too_late);
  }
  CS_FAULT("approve.undo");
  tx.send(kForgetBytes, {message->id.str()});
  account::meter_bytes(tx, message->user, message->id.str(), -message->size_bytes);
  if (!restore_draft(tx, *message)) return unexpected(UndoRefusal::too_late);
  message = mailbox::lock_for_review(tx, command.user, command.message);
  if (!message) return unexpected(UndoRefusal::not_found);  // its agent has gone to the trash meanwhile
  notify::queue_again(tx, message->id, command.decided_at, now);
  tell(tx, *message, now);
  return std::monostate{};
}

}  // namespace countersign::approve
