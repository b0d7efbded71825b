#include "hold/submit.hpp"

#include <boost/json.hpp>

#include "account/suppression.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "hold/gate.hpp"
#include "hold/reason.hpp"
#include "hold/scan.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"
#include "notify/queue.hpp"
#include "outbox/event_data.hpp"

namespace countersign::hold {
namespace {

using account::GateAction;
using journal::EventType;
using journal::json_list;
using journal::Reason;

// The row as it stands after insertion, for the send step and for events.
mailbox::Message row_of(const account::Agent& agent, const SubmitCommand& command, UtcTime now) {
  mailbox::Message message;
  message.id = command.id;
  message.user = agent.user;
  message.agent_email = agent.email;
  message.kind = command.kind;
  message.subject = command.draft.subject;
  message.conversation_id = command.conversation_id;
  message.header_from = agent.email;
  message.sender = agent.email;
  message.to = command.draft.to;
  message.cc = command.draft.cc;
  message.bcc = command.draft.bcc;
  message.reply_to = command.draft.reply_to;
  message.unsubscribe = command.draft.unsubscribe;
  message.in_reply_to = command.draft.in_reply_to;
  message.references = command.draft.references;
  if (command.answering == Answering::automatic) message.automatic = mailbox::Automatic::auto_reply;
  message.created_at = now;
  return message;
}

// A refusal leaves no message. Its event carries an id that follows from what was refused (contract §10).
Blocked block(store::Tx& tx, const mailbox::Message& message, const mailbox::Draft& draft, const Trip& trip,
              UtcTime now) {
  std::string recipients;
  for (const std::string& recipient : draft.recipients()) recipients += recipient + "\n";
  journal::Subject subject = message.journal_subject();
  subject.message = MessageId(
      derived_id("msgblk_", {message.agent_email, recipients, draft.subject, draft.text, draft.html}, 24));
  boost::json::object data;
  data["message_id"] = subject.message.str();
  data["agent_email"] = message.agent_email;
  data["direction"] = "outbound";
  data["to"] = json_list(draft.to);
  data["cc"] = json_list(draft.cc);
  data["bcc"] = json_list(draft.bcc);
  data["subject"] = draft.subject;
  data["reason"] = trip.summary;
  data["reason_source"] = trip.code;
  journal::emit_without_message(tx, subject, EventType::email_blocked, data, now);
  return Blocked{trip.summary};
}

Held hold(store::Tx& tx, const account::Agent& agent, const mailbox::NewOutbound& fresh,
          const mailbox::Message& message, const mailbox::Draft& draft, const Trip& trip, UtcTime deadline) {
  mailbox::insert_held(tx, fresh, draft, hold_reason_json(trip), deadline);
  notify::queue(tx, agent, message.id, deadline, fresh.now);
  // Both observations carry the same time (contract §25).
  journal::record(tx, message.journal_subject(),
                  {Reason::acceptance_outbound_api, fresh.now, {}, {}, {}, {}});
  journal::Transition held{Reason::review_hold_created, fresh.now, {}, {}, {}, {}};
  held.evidence["review_resolution"] = "pending";
  journal::record(tx, message.journal_subject(), held);

  boost::json::object data;
  data["message_id"] = message.id.str();
  data["direction"] = "outbound";
  data["agent_email"] = message.agent_email;
  data["from"] = message.agent_email;
  data["to"] = json_list(draft.to);
  data["cc"] = json_list(draft.cc);
  data["bcc"] = json_list(draft.bcc);
  data["subject"] = draft.subject;
  data["message_type"] = name_of(message.kind);
  data["conversation_id"] = message.conversation_id;
  data["approval_expires_at"] = to_rfc3339(deadline);
  CS_FAULT("hold.event");
  journal::emit(tx, message.journal_subject(), EventType::email_review_requested, data, fresh.now);
  return Held{deadline};
}

Sent send_now(store::Tx& tx, const account::Agent& agent, const mailbox::NewOutbound& fresh,
              const mailbox::Message& message, const mailbox::Draft& draft, outbox::SendStep& send) {
  mailbox::insert_accepted(tx, fresh, draft);
  journal::record(tx, message.journal_subject(),
                  {Reason::acceptance_outbound_api, fresh.now, {}, {}, {}, {}});
  return Sent{send.send(tx, agent, message, draft, fresh.now)};
}

// What gate, screening and loop breaking have against a draft. Fills in what is shown of gate and screening.
std::vector<Trip> trips_of(const account::Agent& agent, const SubmitCommand& command,
                           const std::vector<std::string>& recipients, std::optional<Trip> loop,
                           mailbox::NewOutbound& fresh) {
  std::vector<Trip> trips;
  if (auto trip = outbound_gate(agent, recipients)) trips.push_back(std::move(*trip));
  const screen::Sensitivity sensitivity = sensitivity_of(agent.protection.outbound.sensitivity);
  if (command.screening && sensitivity != screen::Sensitivity::off) {
    const screen::Verdict verdict = screen::judge(*command.screening, sensitivity);
    if (!command.screening->findings.empty()) {
      fresh.protection = boost::json::serialize(findings_json(*command.screening, verdict, ""));
    }
    if (auto trip = scan_trip(*command.screening, verdict, Direction::outbound)) {
      trips.push_back(std::move(*trip));
    }
  }
  if (loop) trips.push_back(std::move(*loop));
  fresh.protection = with_gate_findings(std::move(fresh.protection), trips);
  return trips;
}

}  // namespace

std::string hold_reason_json(const Trip& trip) {
  boost::json::object reason;
  reason["type"] = trip.type;
  reason["code"] = trip.code;
  reason["summary"] = trip.summary;
  if (!trip.category.empty()) reason["category"] = trip.category;
  if (!trip.detail.empty()) reason["detail"] = trip.detail;
  if (trip.confidence) reason["confidence"] = *trip.confidence;
  return boost::json::serialize(reason);
}

std::optional<UtcTime> hold_deadline(const account::Agent& agent, UtcTime now) {
  const std::chrono::seconds ttl(agent.protection.hold_ttl_seconds);
  if (ttl <= std::chrono::seconds(0) || ttl > kHoldTtlMax) return std::nullopt;
  return now + ttl;
}

Result<Submitted, SubmitRefusal> submit(store::Tx& tx, const account::Agent& agent,
                                        const account::Limits& limits, const SubmitCommand& command,
                                        outbox::SendStep& send, UtcTime now) {
  CS_ASSERT(!command.conversation_id.empty());
  if (!agent.domain_verified) return unexpected(SubmitRefusal(DomainNotVerified{}));
  if (const auto exceeded = account::check_message_limits(tx, agent.user, limits, now)) {
    return unexpected(SubmitRefusal(*exceeded));
  }
  const std::vector<std::string> recipients = command.draft.recipients();
  const auto suppressed =
      account::suppressed_among(tx, agent.user, agent.email, mail::bare_addresses(recipients));
  if (!suppressed.empty()) return unexpected(SubmitRefusal(RecipientSuppressed{suppressed}));

  LoopVerdict loop;
  if (!command.draft.to.empty()) {
    loop = judge_loop(tx, agent.email, command.draft.to.front(), command.answering, command.loops, now);
  }
  if (loop.refused) return unexpected(SubmitRefusal(*loop.refused));

  const mailbox::Message message = row_of(agent, command, now);
  mailbox::NewOutbound fresh{command.id, agent.user, agent.email, command.kind, command.conversation_id};
  fresh.automatic = message.automatic;
  fresh.now = now;
  const std::vector<Trip> trips = trips_of(agent, command, recipients, std::move(loop.trip), fresh);
  const Trip* trip = strongest(trips);
  if (trip == nullptr) return Submitted(send_now(tx, agent, fresh, message, command.draft, send));
  switch (trip->action) {
    case GateAction::block:
      return Submitted(block(tx, message, command.draft, *trip, now));
    case GateAction::review: {
      const auto deadline = hold_deadline(agent, now);
      if (!deadline) return unexpected(SubmitRefusal(InvalidHoldTtl{agent.protection.hold_ttl_seconds}));
      return Submitted(hold(tx, agent, fresh, message, command.draft, *trip, *deadline));
    }
    case GateAction::flag:
      fresh.flagged = true;
      fresh.flag_reason = trip->summary;
      return Submitted(send_now(tx, agent, fresh, message, command.draft, send));
  }
  CS_ASSERT(false);
}

}  // namespace countersign::hold
