#include "approve/decision.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "account/suppression.hpp"
#include "account/usage.hpp"
#include "approve/kept_draft.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/event_data.hpp"
#include "outbox/outbox.hpp"

namespace countersign::approve {
namespace {

using journal::EventType;
using mailbox::Direction;
using mailbox::ReviewStatus;
using store::Query;

constexpr Query kResolve("approve.resolve",
                         "UPDATE messages SET review_status = $3, resolved_at_us = $4, resolved_by = $5, "
                         "rejection_reason = $6, approved_revision = CASE WHEN $7 = 1 THEN revision END "
                         "WHERE id = $1 AND review_status = 'pending_review' AND revision = $2");

constexpr Query kEdit(
    "approve.edit",
    "UPDATE messages SET revision = revision + 1, edited = 1, subject = $3, to_list = $4, cc_list = $5, "
    "bcc_list = $6, delivered_to = $7, charged_bytes = charged_bytes + $8 WHERE id = $1 AND review_status = "
    "'pending_review' AND "
    "revision = $2");
constexpr Query kEditContent("approve.edit_content",
                             "UPDATE message_contents SET text = $2, html = $3 WHERE message_id = $1");
constexpr Query kDropAttachments("approve.drop_attachments",
                                 "DELETE FROM draft_attachments WHERE message_id = $1");
constexpr Query kAddAttachment(
    "approve.add_attachment",
    "INSERT INTO draft_attachments (message_id, position, filename, content_type, content) "
    "VALUES ($1, $2, $3, $4, $5)");

constexpr Query kRelease(
    "approve.release", "UPDATE messages SET read_status = 'unread' WHERE id = $1 AND direction = 'inbound'");

bool approves(ReviewStatus status) {
  return status == ReviewStatus::review_approved || status == ReviewStatus::review_expired_approved;
}

mailbox::Draft edited(mailbox::Draft draft, const PendingApprovalEdit& edit) {
  if (edit.subject) draft.subject = *edit.subject;
  if (edit.text) draft.text = *edit.text;
  if (edit.html) draft.html = *edit.html;
  if (edit.to) draft.to = *edit.to;
  if (edit.cc) draft.cc = *edit.cc;
  if (edit.bcc) draft.bcc = *edit.bcc;
  if (edit.attachments) draft.attachments = *edit.attachments;
  return draft;
}

// What was approved is what is kept and what is sent: the draft row takes the edits under a new revision.
// `grown` is the difference in stored bytes.
void store_edit(store::Tx& tx, mailbox::Message& message, const mailbox::Draft& draft,
                bool attachments_changed, std::int64_t grown) {
  const std::string to = to_json_list(draft.to);
  const std::string cc = to_json_list(draft.cc);
  const std::string bcc = to_json_list(draft.bcc);
  const std::string_view delivered_to =
      draft.to.empty() ? std::string_view() : std::string_view(draft.to.front());
  const std::int64_t updated = tx.execute(
      kEdit, {message.id.str(), message.revision, draft.subject, to, cc, bcc, delivered_to, grown});
  CS_ASSERT(updated == 1);
  account::meter_bytes(tx, message.user, message.id.str(), grown);
  tx.send(kEditContent, {message.id.str(), draft.text, draft.html});
  if (attachments_changed) {
    tx.send(kDropAttachments, {message.id.str()});
    for (std::size_t i = 0; i < draft.attachments.size(); ++i) {
      const mailbox::DraftAttachment& attachment = draft.attachments[i];
      tx.send(kAddAttachment, {message.id.str(), static_cast<std::int64_t>(i), attachment.filename,
                               attachment.content_type, store::Blob{attachment.content}});
    }
  }
  message.revision += 1;
  message.edited = true;
  message.subject = draft.subject;
  message.to = draft.to;
  message.cc = draft.cc;
  message.bcc = draft.bcc;
}

// What can keep an approved draft from being sent. Nothing is changed.
std::optional<Refusal> obstacle(store::Tx& tx, const account::Agent& agent, const mailbox::Draft& draft) {
  if (auto refusal = check_draft(draft)) return refusal;
  if (!agent.domain_verified) return DomainNotVerified{};
  auto suppressed =
      account::suppressed_among(tx, agent.user, agent.email, mail::bare_addresses(draft.recipients()));
  if (!suppressed.empty()) return RecipientSuppressed{std::move(suppressed)};
  return std::nullopt;
}

void announce_approval(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict,
                       const outbox::SendResult& sent, UtcTime now) {
  mailbox::Message shown = message;
  shown.method = sent.method;
  shown.cc.clear();
  shown.bcc.clear();
  boost::json::object data = outbox::outbound_event_data(shown);
  data["edited"] = message.edited;
  if (verdict.auto_resolved) data["auto_resolved"] = true;
  CS_FAULT("approve.event");
  journal::emit(tx, message.journal_subject(), EventType::email_review_approved, data, now, message.round());
}

// Whoever waits for the end of a send hears of it, also without an interest in reviews (decision 0012).
void announce_end(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict, UtcTime now) {
  boost::json::object data = outbox::outbound_event_data(message);
  const std::string reason = verdict.rejection_reason.empty()
                                 ? "rejected in review"
                                 : fmt::format("rejected in review: {}", verdict.rejection_reason);
  outbox::add_failure(data, reason, verdict.reason);
  journal::emit(tx, message.journal_subject(), EventType::email_failed, data, now, "review");
}

Decision release_inbound(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict,
                         UtcTime now) {
  resolve(tx, message, verdict, now);
  tx.send(kRelease, {message.id.str()});
  if (!message.deleted_at) mailbox::join_conversation(tx, mailbox::membership_of(message, true));
  boost::json::object data;
  data["message_id"] = message.id.str();
  data["direction"] = "inbound";
  data["agent_email"] = message.agent_email;
  data["from"] = message.sender;
  data["subject"] = message.subject;
  data["message_type"] = name_of(message.kind);
  if (verdict.auto_resolved) data["auto_resolved"] = true;
  journal::emit(tx, message.journal_subject(), EventType::email_review_approved, data, now);
  return Decision{Direction::inbound, false, {}, {}};
}

}  // namespace

Result<mailbox::Message, Refusal> lock_pending(store::Tx& tx, const UserId& user, const MessageId& id,
                                               bool by_clock, UtcTime now) {
  auto message = mailbox::lock_for_review(tx, user, id);
  if (!message) return unexpected(Refusal(NotFound{}));
  if (message->review_status != ReviewStatus::pending_review) {
    return unexpected(Refusal(NotPending{message->review_status}));
  }
  // The deadline decides, not the moment the sweep gets to it: nobody approves after expiry, nor does the
  // clock before.
  const bool over = message->approval_expires_at && *message->approval_expires_at <= now;
  if (over != by_clock) return unexpected(Refusal(NotPending{ReviewStatus::pending_review}));
  return std::move(*message);
}

void resolve(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict, UtcTime now) {
  CS_FAULT("approve.resolve");
  const std::int64_t updated =
      tx.execute(kResolve, {message.id.str(), message.revision, name_of(verdict.status), now, verdict.actor,
                            verdict.rejection_reason, approves(verdict.status)});
  CS_ASSERT(updated == 1);
  journal::Transition transition{verdict.reason, now, {}, {}, {}, message.round()};
  transition.evidence["review_resolution"] = name_of(verdict.status);
  if (!verdict.source.empty()) transition.evidence["source"] = verdict.source;
  journal::record(tx, message.journal_subject(), transition);
}

Result<Decision, Refusal> approve_locked(store::Tx& tx, mailbox::Message message,
                                         const PendingApprovalEdit& edit, const Verdict& verdict,
                                         outbox::SendStep& send, std::string_view shared_domain,
                                         UtcTime now) {
  if (message.direction == Direction::inbound) return release_inbound(tx, message, verdict, now);

  const auto agent = account::find_live_agent(tx, message.agent_email, shared_domain);
  if (!agent) return unexpected(Refusal(NotFound{}));
  const mailbox::Draft held = mailbox::load_draft(tx, message);
  const mailbox::Draft draft = edited(held, edit);
  if (auto refusal = obstacle(tx, *agent, draft)) return unexpected(std::move(*refusal));

  if (!edit.empty()) {
    if (verdict.undo_for > Duration(0)) keep_draft(tx, message, edit.attachments.has_value(), now);
    store_edit(tx, message, draft, edit.attachments.has_value(), draft.bytes() - held.bytes());
  }
  resolve(tx, message, verdict, now);
  Decision decision{Direction::outbound, !edit.empty(), send.send(tx, *agent, message, draft, now), {}};
  if (verdict.undo_for > Duration(0) && outbox::postpone(tx, message.id, now + verdict.undo_for)) {
    decision.undo_until = now + verdict.undo_for;
  }
  announce_approval(tx, message, verdict, decision.send, now);
  return decision;
}

void reject_locked(store::Tx& tx, const mailbox::Message& message, const Verdict& verdict, UtcTime now) {
  resolve(tx, message, verdict, now);
  boost::json::object data;
  data["message_id"] = message.id.str();
  data["direction"] = name_of(message.direction);
  data["agent_email"] = message.agent_email;
  data["message_type"] = name_of(message.kind);
  data["reason"] = verdict.rejection_reason;
  if (verdict.auto_resolved) data["auto_resolved"] = true;
  journal::emit(tx, message.journal_subject(), EventType::email_review_rejected, data, now, message.round());
  if (message.direction == Direction::outbound) announce_end(tx, message, verdict, now);
}

}  // namespace countersign::approve
