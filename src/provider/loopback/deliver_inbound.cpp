#include "provider/loopback/deliver_inbound.hpp"

#include <boost/json.hpp>

#include "base/fault.hpp"
#include "hold/gate.hpp"
#include "hold/receive.hpp"
#include "hold/scan.hpp"
#include "journal/journal.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::provider::loopback {
namespace {

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
  if (!mail.reply_to.empty()) row.reply_to_list = {mail::bare_address(mail.reply_to)};
  row.rfc_message_id = mail.rfc_message_id;
  row.automatic = sent.automatic;
  row.meter_seed = sent.id.str();
  row.now = now;
  return row;
}

void screen_it(const account::Agent& recipient, const LocalMail& mail, hold::Incoming& incoming) {
  const screen::Sensitivity sensitivity = hold::sensitivity_of(recipient.protection.inbound.sensitivity);
  if (!mail.screening || sensitivity == screen::Sensitivity::off || mail.screening->findings.empty()) return;
  const screen::Verdict verdict = screen::judge(*mail.screening, sensitivity);
  incoming.row.protection = boost::json::serialize(hold::findings_json(*mail.screening, verdict, ""));
  if (auto trip = hold::scan_trip(*mail.screening, verdict, hold::Direction::inbound)) {
    incoming.trips.push_back(std::move(*trip));
  }
}

}  // namespace

MessageId local_copy_id(const MessageId& outbound, std::string_view recipient) {
  return MessageId(derived_id_near(outbound.str(), "msg_", {"local copy", outbound.str(), recipient}));
}

void deliver_inbound(store::Tx& tx, const account::Agent& recipient, const LocalMail& mail, UtcTime now) {
  hold::Incoming incoming;
  incoming.row = inbound_row(recipient, mail, now);
  incoming.raw = mail.raw;
  incoming.attachments = mail.attachments;
  incoming.received_at = now;
  incoming.before.push_back({journal::Reason::acceptance_local_loopback, now, {}, {}, {}, {}});
  if (recipient.email != mail.message.agent_email) {
    if (auto trip = hold::inbound_gate(recipient, mail.message.agent_email)) {
      incoming.trips.push_back(std::move(*trip));
    }
    screen_it(recipient, mail, incoming);
  }
  CS_FAULT("loopback.event");
  hold::receive(tx, recipient, std::move(incoming));
}

}  // namespace countersign::provider::loopback
