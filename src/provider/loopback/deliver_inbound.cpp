#include "provider/loopback/deliver_inbound.hpp"

#include <boost/json.hpp>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "hold/gate.hpp"
#include "hold/reason.hpp"
#include "journal/journal.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::provider::loopback {
namespace {

using account::GateAction;
using journal::EventType;
using journal::json_list;
using journal::Reason;
using mailbox::ReviewStatus;

mailbox::NewInbound inbound_row(const account::Agent& recipient, const LocalMail& mail, UtcTime now) {
  const mailbox::Message& sent = mail.message;
  mailbox::NewInbound row;
  row.id = local_copy_id(sent.id, recipient.email);
  row.user = recipient.user;
  row.agent_email = recipient.email;
  row.subject = mail.draft.subject;
  row.conversation_id = sent.conversation_id;
  row.header_from = sent.agent_email;
  // What the `from` filter and latest_from look at. Of mail to itself, the Reply-To that was asked for
  // (contract §10); of mail from another agent never what its author claims (listMessages: the From address).
  const bool own_words = recipient.email == sent.agent_email && !mail.draft.reply_to.empty();
  row.sender = own_words ? mail::bare_address(mail.draft.reply_to) : sent.agent_email;
  row.to = mail::bare_addresses(mail.draft.to);
  row.cc = mail::bare_addresses(mail.draft.cc);
  if (!mail.draft.reply_to.empty()) row.reply_to_list = {mail::bare_address(mail.draft.reply_to)};
  row.rfc_message_id = mail.rfc_message_id;
  row.meter_seed = sent.id.str();
  row.now = now;
  return row;
}

boost::json::object event_data(const mailbox::NewInbound& row) {
  boost::json::object data;
  data["message_id"] = row.id.str();
  data["conversation_id"] = row.conversation_id;
  data["agent_email"] = row.agent_email;
  data["direction"] = "inbound";
  data["header_from"] = *row.header_from;
  data["envelope_from"] = nullptr;
  data["verified_domain"] = nullptr;
  data["authentication"] = nullptr;
  data["to"] = json_list(row.to);
  data["cc"] = json_list(row.cc);
  data["reply_to"] = json_list(row.reply_to_list);
  data["delivered_to"] = row.agent_email;
  data["subject"] = row.subject;
  return data;
}

void announce_received(store::Tx& tx, const journal::Subject& subject, const mailbox::NewInbound& row,
                       const mailbox::Draft& draft) {
  boost::json::object data = event_data(row);
  data["received_at"] = to_rfc3339(row.now);
  boost::json::array attachments;
  for (std::size_t i = 0; i < draft.attachments.size(); ++i) {
    boost::json::object item;
    item["index"] = static_cast<std::int64_t>(i);
    item["filename"] = draft.attachments[i].filename;
    item["content_type"] = draft.attachments[i].content_type;
    item["size_bytes"] = static_cast<std::int64_t>(draft.attachments[i].content.size());
    attachments.push_back(std::move(item));
  }
  if (!attachments.empty()) data["attachments"] = std::move(attachments);
  CS_FAULT("loopback.event");
  journal::emit(tx, subject, EventType::email_received, data, row.now);
}

void announce_trip(store::Tx& tx, const journal::Subject& subject, const mailbox::NewInbound& row,
                   const hold::Trip& trip, EventType type, std::optional<UtcTime> deadline) {
  boost::json::object data = event_data(row);
  data["reason"] = trip.summary;
  data["reason_source"] = trip.code;
  if (deadline) data["approval_expires_at"] = to_rfc3339(*deadline);
  journal::emit(tx, subject, type, data, row.now);
}

void announce_flag(store::Tx& tx, const account::Agent& recipient, const journal::Subject& subject,
                   const mailbox::NewInbound& row, const hold::Trip& trip) {
  boost::json::object data = event_data(row);
  data["policy"] = name_of(recipient.protection.inbound.policy);
  data["reason"] = trip.summary;
  journal::emit(tx, subject, EventType::email_flagged, data, row.now);
}

// Stores the copy as the recipient's gate wants it. Inbound holds with an unusable ttl get the longest one
// (contract §14).
void deliver_tripped(store::Tx& tx, const account::Agent& recipient, mailbox::NewInbound row,
                     const LocalMail& mail, const journal::Subject& subject, const hold::Trip& trip) {
  const std::string reason = hold::hold_reason_json(trip);
  const journal::Transition accepted{Reason::acceptance_local_loopback, row.now, {}, {}, {}, {}};
  switch (trip.action) {
    case GateAction::flag:
      row.flagged = true;
      row.flag_reason = trip.summary;
      if (!mailbox::create_inbound_message(tx, row, mail.raw)) return;
      journal::record(tx, subject, accepted);
      announce_received(tx, subject, row, mail.draft);
      announce_flag(tx, recipient, subject, row, trip);
      return;
    case GateAction::review: {
      const UtcTime deadline = hold::hold_deadline(recipient, row.now).value_or(row.now + hold::kHoldTtlMax);
      if (!mailbox::create_held_inbound(tx, row, mail.raw, ReviewStatus::pending_review, reason, deadline))
        return;
      journal::record(tx, subject, accepted);
      journal::Transition held{Reason::review_hold_created, row.now, {}, {}, {}, {}};
      held.evidence["review_resolution"] = "pending";
      journal::record(tx, subject, held);
      announce_trip(tx, subject, row, trip, EventType::email_review_requested, deadline);
      return;
    }
    case GateAction::block:
      if (!mailbox::create_held_inbound(tx, row, mail.raw, ReviewStatus::review_rejected, reason, {})) return;
      journal::record(tx, subject, accepted);
      journal::record(tx, subject, {Reason::review_rejected, row.now, {}, {}, {}, {}});
      announce_trip(tx, subject, row, trip, EventType::email_blocked, {});
      return;
  }
  CS_ASSERT(false);
}

}  // namespace

MessageId local_copy_id(const MessageId& outbound, std::string_view recipient) {
  return MessageId(derived_id_near(outbound.str(), "msg_", {"local copy", outbound.str(), recipient}));
}

void deliver_inbound(store::Tx& tx, const account::Agent& recipient, const LocalMail& mail, UtcTime now) {
  const mailbox::NewInbound row = inbound_row(recipient, mail, now);
  const journal::Subject subject{row.user, row.agent_email, row.id, row.conversation_id,
                                 journal::Direction::inbound};
  if (recipient.email != mail.message.agent_email) {
    if (const auto trip = hold::inbound_gate(recipient, mail.message.agent_email)) {
      deliver_tripped(tx, recipient, row, mail, subject, *trip);
      return;
    }
  }
  if (!mailbox::create_inbound_message(tx, row, mail.raw)) return;
  journal::record(tx, subject, {Reason::acceptance_local_loopback, now, {}, {}, {}, {}});
  announce_received(tx, subject, row, mail.draft);
}

}  // namespace countersign::provider::loopback
