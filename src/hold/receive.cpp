#include "hold/receive.hpp"

#include <boost/json.hpp>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "hold/reason.hpp"
#include "hold/scan.hpp"
#include "notify/queue.hpp"

namespace countersign::hold {
namespace {

using account::GateAction;
using journal::EventType;
using journal::json_list;
using journal::Reason;
using mailbox::ReviewStatus;

boost::json::value text_or_null(const std::optional<std::string>& text) {
  return text ? boost::json::value(*text) : boost::json::value(nullptr);
}

boost::json::object event_data(const mailbox::NewInbound& row) {
  boost::json::object data;
  data["message_id"] = row.id.str();
  data["conversation_id"] = row.conversation_id;
  data["agent_email"] = row.agent_email;
  data["direction"] = "inbound";
  data["header_from"] = text_or_null(row.header_from);
  data["envelope_from"] = text_or_null(row.envelope_from);
  data["verified_domain"] = text_or_null(row.verified_domain);
  data["authentication"] =
      row.authentication ? boost::json::parse(*row.authentication) : boost::json::value(nullptr);
  data["to"] = json_list(row.to);
  data["cc"] = json_list(row.cc);
  data["reply_to"] = json_list(row.reply_to_list);
  data["delivered_to"] = row.agent_email;
  data["subject"] = row.subject;
  return data;
}

boost::json::array attachment_list(const std::vector<mail::AttachmentInfo>& attachments) {
  boost::json::array list;
  for (const mail::AttachmentInfo& attachment : attachments) {
    boost::json::object item;
    item["index"] = attachment.index;
    item["size_bytes"] = attachment.size_bytes;
    if (!attachment.filename.empty()) item["filename"] = attachment.filename;
    if (!attachment.content_type.empty()) item["content_type"] = attachment.content_type;
    if (!attachment.content_id.empty()) item["content_id"] = attachment.content_id;
    list.push_back(std::move(item));
  }
  return list;
}

void announce_received(store::Tx& tx, const journal::Subject& subject, const Incoming& incoming) {
  boost::json::object data = event_data(incoming.row);
  data["received_at"] = to_rfc3339(incoming.received_at);
  if (!incoming.attachments.empty()) data["attachments"] = attachment_list(incoming.attachments);
  CS_FAULT("hold.received_event");
  journal::emit(tx, subject, EventType::email_received, data, incoming.row.now);
}

void announce_trip(store::Tx& tx, const journal::Subject& subject, const Incoming& incoming, const Trip& trip,
                   EventType type, std::optional<UtcTime> deadline) {
  boost::json::object data = event_data(incoming.row);
  data["reason"] = trip.summary;
  data["reason_source"] = trip.code;
  if (deadline) data["approval_expires_at"] = to_rfc3339(*deadline);
  journal::emit(tx, subject, type, data, incoming.row.now);
}

void announce_flag(store::Tx& tx, const account::Agent& agent, const journal::Subject& subject,
                   const Incoming& incoming, const Trip& trip) {
  boost::json::object data = event_data(incoming.row);
  data["policy"] = trip.type == "gate" ? name_of(agent.protection.inbound.policy) : trip.code;
  data["reason"] = trip.summary;
  journal::emit(tx, subject, EventType::email_flagged, data, incoming.row.now);
}

void record_before(store::Tx& tx, const journal::Subject& subject, const Incoming& incoming) {
  for (const journal::Transition& transition : incoming.before) journal::record(tx, subject, transition);
}

Received hold_it(store::Tx& tx, const account::Agent& agent, const journal::Subject& subject,
                 const Incoming& incoming, const Trip& trip) {
  const UtcTime now = incoming.row.now;
  const UtcTime deadline = hold_deadline(agent, now).value_or(now + kHoldTtlMax);
  if (!mailbox::create_held_inbound(tx, incoming.row, incoming.raw, ReviewStatus::pending_review,
                                    hold_reason_json(trip), deadline)) {
    return Received::repeated;
  }
  notify::queue(tx, agent, incoming.row.id, deadline, now);
  record_before(tx, subject, incoming);
  journal::Transition held{Reason::review_hold_created, now, {}, {}, {}, {}};
  held.evidence["review_resolution"] = "pending";
  journal::record(tx, subject, held);
  announce_trip(tx, subject, incoming, trip, EventType::email_review_requested, deadline);
  return Received::held;
}

Received block_it(store::Tx& tx, const journal::Subject& subject, const Incoming& incoming,
                  const Trip& trip) {
  if (!mailbox::create_held_inbound(tx, incoming.row, incoming.raw, ReviewStatus::review_rejected,
                                    hold_reason_json(trip), {})) {
    return Received::repeated;
  }
  record_before(tx, subject, incoming);
  journal::record(tx, subject, {Reason::review_rejected, incoming.row.now, {}, {}, {}, {}});
  announce_trip(tx, subject, incoming, trip, EventType::email_blocked, {});
  return Received::blocked;
}

}  // namespace

Received receive(store::Tx& tx, const account::Agent& agent, Incoming incoming) {
  CS_ASSERT(incoming.row.agent_email == agent.email);
  const journal::Subject subject{incoming.row.user, incoming.row.agent_email, incoming.row.id,
                                 incoming.row.conversation_id, journal::Direction::inbound};
  incoming.row.protection = with_gate_findings(std::move(incoming.row.protection), incoming.trips);
  const Trip* trip = strongest(incoming.trips);
  if (trip != nullptr && trip->action == GateAction::review)
    return hold_it(tx, agent, subject, incoming, *trip);
  if (trip != nullptr && trip->action == GateAction::block) return block_it(tx, subject, incoming, *trip);
  if (trip != nullptr) {
    incoming.row.flagged = true;
    incoming.row.flag_reason = trip->summary;
  }
  if (!mailbox::create_inbound_message(tx, incoming.row, incoming.raw)) return Received::repeated;
  record_before(tx, subject, incoming);
  announce_received(tx, subject, incoming);
  if (trip == nullptr) return Received::delivered;
  announce_flag(tx, agent, subject, incoming, *trip);
  return Received::flagged;
}

}  // namespace countersign::hold
