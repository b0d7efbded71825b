#include "inbound/publish.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "account/agent.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "hold/scan.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::inbound {
namespace {

using journal::Reason;
using journal::Transition;
using mailauth::Authentication;
using mailauth::DmarcStatus;

constexpr std::size_t kConversationCharactersMax = 200;  // contract §12

Reason dmarc_reason(DmarcStatus status) {
  switch (status) {
    case DmarcStatus::pass:
      return Reason::authentication_dmarc_pass;
    case DmarcStatus::fail:
      return Reason::authentication_dmarc_fail;
    case DmarcStatus::none:
      return Reason::authentication_dmarc_none;
    case DmarcStatus::temperror:
      return Reason::authentication_dmarc_temporary_error;
    case DmarcStatus::permerror:
      return Reason::authentication_dmarc_permanent_error;
  }
  CS_ASSERT(false);
}

mailbox::Automatic automatic_of(const Envelope& envelope, const mail::Message& message) {
  if (envelope.mail_from.empty() || message.report) return mailbox::Automatic::bounce;
  if (message.auto_submitted) return mailbox::Automatic::auto_reply;
  return message.list ? mailbox::Automatic::list : mailbox::Automatic::no;
}

// The conversation a message claims to continue is believed of our own mail only: From is this deployment's,
// and DMARC says that it really is (contract §11; what MAIL FROM says proves nothing).
bool is_own_mail(store::ReadTx& tx, const Reading& reading, const PublishContext& context) {
  const auto verified = reading.authentication.verified_domain();
  if (!verified || !reading.message.from) return false;
  if (!context.from_domain.empty() && *verified == context.from_domain) return true;
  return account::find_live_agent(tx, mail::normalise(reading.message.from->address), context.shared_domain)
      .has_value();
}

std::string conversation_of(store::ReadTx& tx, std::string_view agent_email, const Reading& reading,
                            const PublishContext& context) {
  const mail::Message& message = reading.message;
  const std::string& claimed = message.conversation_header;
  if (!claimed.empty() && code_points(claimed) <= kConversationCharactersMax &&
      claimed.find_first_of("\r\n") == std::string::npos && is_own_mail(tx, reading, context)) {
    return claimed;
  }
  std::vector<std::string> ids = message.references;
  if (!message.in_reply_to.empty()) ids.push_back(message.in_reply_to);
  return mailbox::conversation_of(tx, agent_email, ids);
}

mailbox::NewInbound row_of(const Arrival& arrival, const account::Agent& agent, const Envelope& envelope,
                           const Reading& reading, UtcTime now) {
  const mail::Message& message = reading.message;
  mailbox::NewInbound row;
  row.id = arrival.id;
  row.user = agent.user;
  row.agent_email = agent.email;
  row.method = mailbox::Method::smtp;
  row.subject = reading.unreadable ? "(this message could not be read)" : message.subject;
  if (message.from) row.header_from = message.from->address;
  if (!envelope.mail_from.empty()) row.envelope_from = envelope.mail_from;
  row.sender = mail::normalise(row.header_from.value_or(row.envelope_from.value_or("")));
  row.to = message.to;
  row.cc = message.cc;
  row.reply_to_list = message.reply_to;
  row.rfc_message_id = message.message_id;
  row.in_reply_to = message.in_reply_to;
  row.references = message.references;
  if (!reading.unreadable) {
    row.verified_domain = reading.authentication.verified_domain();
    row.authentication = boost::json::serialize(mailauth::to_json(reading.authentication));
  }
  row.automatic = automatic_of(envelope, message);
  row.metered = true;
  row.now = now;
  return row;
}

std::vector<Transition> beginning(const Claim& claim, const Reading& reading, UtcTime now) {
  std::vector<Transition> out;
  out.push_back({Reason::acceptance_inbound_smtp, claim.received_at, {}, {}, {}, {}});
  out.push_back({Reason::queue_inbound_processing, claim.received_at + Duration(1), {}, {}, {}, {}});
  if (reading.unreadable) return out;
  const DmarcStatus status = reading.authentication.dmarc.status;
  Transition authenticated{dmarc_reason(status), now - Duration(1), {}, {}, {}, {}};
  authenticated.evidence["authentication"] = journal::facts(authenticated.reason).outcome;
  out.push_back(std::move(authenticated));
  return out;
}

// DMARC says whose mail it is; without that a gate has nobody to compare (contract §14).
std::optional<std::string> authenticated_sender(const Reading& reading) {
  if (!reading.authentication.verified_domain() || !reading.message.from) return std::nullopt;
  return mail::normalise(reading.message.from->address);
}

// What the agent's sensitivity makes of what was found.
void screen_it(const account::Agent& agent, const Reading& reading, const PublishContext& context,
               hold::Incoming& incoming) {
  const screen::Sensitivity sensitivity = hold::sensitivity_of(agent.protection.inbound.sensitivity);
  if (sensitivity == screen::Sensitivity::off) return;
  // Nobody asked for it when the message was read; the agent does by now.
  const screen::Report late =
      reading.screened ? screen::Report{}
                       : screen::undecided("screening.missed",
                                           "It was not screened: the agent's protection has just changed.");
  const screen::Report& report = reading.screened ? reading.screening : late;
  if (report.findings.empty()) return;
  const screen::Verdict verdict = screen::judge(report, sensitivity);
  incoming.row.protection = boost::json::serialize(hold::findings_json(report, verdict, context.detector));
  if (auto trip = hold::scan_trip(report, verdict, hold::Direction::inbound)) {
    incoming.trips.push_back(std::move(*trip));
  }
}

}  // namespace

Published publish(store::Tx& tx, const Claim& claim, const Arrival& arrival, const Envelope& envelope,
                  const Reading& reading, std::string_view content, const PublishContext& context,
                  UtcTime now) {
  CS_ASSERT(arrival.agent_email.has_value());
  if (!leave(tx, claim, arrival)) return Published::lost;
  // It was taken while its agent was live; in the trash it waits for the restoration like everything else.
  const auto agent = account::find_agent_for_mail(tx, *arrival.agent_email, context.shared_domain);
  if (!agent) return Published::lost;

  const UtcTime then = std::max(now, claim.received_at + Duration(3));
  const std::string raw = arrival.trace + std::string(content);
  hold::Incoming incoming;
  incoming.row = row_of(arrival, *agent, envelope, reading, then);
  incoming.row.conversation_id = conversation_of(tx, agent->email, reading, context);
  incoming.raw = raw;
  incoming.attachments = reading.message.attachments;
  incoming.received_at = claim.received_at;
  incoming.before = beginning(claim, reading, then);
  if (reading.unreadable) {
    incoming.trips.push_back({account::GateAction::review,
                              "unreadable",
                              "the message could not be read; look at its source before you let it in",
                              "",
                              "unknown",
                              "",
                              {}});
  }
  if (auto trip = hold::inbound_gate(*agent, authenticated_sender(reading))) {
    incoming.trips.push_back(std::move(*trip));
  }
  if (context.screening && !reading.unreadable) screen_it(*agent, reading, context, incoming);
  CS_FAULT("inbound.publish");
  switch (hold::receive(tx, *agent, std::move(incoming))) {
    case hold::Received::delivered:
      return Published::delivered;
    case hold::Received::flagged:
      return Published::flagged;
    case hold::Received::held:
      return Published::held;
    case hold::Received::blocked:
      return Published::blocked;
    case hold::Received::repeated:
      return Published::lost;
  }
  CS_ASSERT(false);
}

}  // namespace countersign::inbound
