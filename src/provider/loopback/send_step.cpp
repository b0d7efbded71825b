#include "provider/loopback/send_step.hpp"

#include <algorithm>

#include "base/fault.hpp"
#include "hold/scan.hpp"
#include "journal/journal.hpp"
#include "mail/address.hpp"
#include "mail/compose.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/event_data.hpp"
#include "outbox/outbox.hpp"
#include "provider/loopback/deliver_inbound.hpp"

namespace countersign::provider::loopback {
namespace {

using journal::Reason;

struct Recipients {
  std::vector<std::pair<outbox::Recipient, account::Agent>> local;
  std::vector<outbox::Recipient> external;

  [[nodiscard]] std::vector<account::Agent> residents() const {
    std::vector<account::Agent> out;
    for (const auto& [recipient, agent] : local) out.push_back(agent);
    return out;
  }
};

// The envelope, one entry per bare address: the first list that names it decides its kind. A probe goes the
// way of mail from outside, whoever lives here (contract, testAgent).
Recipients split(store::ReadTx& tx, const mailbox::Draft& draft, mailbox::Kind kind,
                 std::string_view shared_domain) {
  Recipients out;
  std::vector<std::string> seen;
  const std::pair<const std::vector<std::string>*, const char*> lists[] = {
      {&draft.to, "to"}, {&draft.cc, "cc"}, {&draft.bcc, "bcc"}};
  for (const auto& [list, name] : lists) {
    for (const std::string& text : *list) {
      std::string address = mail::bare_address(text);
      if (std::ranges::find(seen, address) != seen.end()) continue;
      seen.push_back(address);
      auto agent =
          kind == mailbox::Kind::test ? std::nullopt : account::find_live_agent(tx, address, shared_domain);
      if (agent) {
        out.local.emplace_back(outbox::Recipient{address, name}, std::move(*agent));
      } else {
        out.external.push_back({std::move(address), name});
      }
    }
  }
  return out;
}

// From by contract §10: the agent's own address when its domain may send, else the deployment's relay
// identity.
struct From {
  mail::Mailbox mailbox;
  std::string sent_as;
  std::string id_domain;
};

From from_of(const account::Agent& agent, const Identity& identity, mailbox::Kind kind) {
  if (kind == mailbox::Kind::test) {
    return {{"e2a", "noreply@" + identity.from_domain}, "relay", identity.from_domain};
  }
  const std::string display = agent.name.empty() ? agent.email : agent.name;
  const bool shared_as_relay =
      agent.registered_domain == identity.shared_domain && identity.from_domain != identity.shared_domain;
  if (agent.sending_verified && !shared_as_relay) {
    return {{display, agent.email}, "own_address", agent.registered_domain};
  }
  return {{display + " via e2a", "agent@" + identity.from_domain}, "relay", identity.from_domain};
}

std::string reply_to_of(const account::Agent& agent, const mailbox::Message& message,
                        const mailbox::Draft& draft) {
  if (message.kind == mailbox::Kind::test) return {};  // nobody reads what a probe is told
  return draft.reply_to.empty() ? agent.email : draft.reply_to;
}

std::string compose(const mailbox::Message& message, const mailbox::Draft& draft, const From& from,
                    const std::string& reply_to, const std::string& rfc_message_id, UtcTime now) {
  mail::Composition composition;
  composition.from = from.mailbox;
  composition.to = draft.to;
  composition.cc = draft.cc;
  composition.reply_to = reply_to;
  composition.in_reply_to = draft.in_reply_to;
  composition.references = draft.references;
  composition.subject = draft.subject;
  composition.text = draft.text;
  composition.html = draft.html;
  for (const mailbox::DraftAttachment& attachment : draft.attachments) {
    composition.attachments.push_back({attachment.filename, attachment.content_type, attachment.content});
  }
  composition.message_id = rfc_message_id;
  composition.date = now;
  composition.extra_headers = {{"X-E2A-Message-ID", message.id.str()},
                               {"X-E2A-Conversation-ID", message.conversation_id}};
  // RFC 3834 §5: so that whoever answers machines by machine knows one when it meets one.
  if (message.automatic == mailbox::Automatic::auto_reply) {
    composition.extra_headers.emplace_back("Auto-Submitted", "auto-replied");
  }
  return mail::compose(composition);
}

}  // namespace

// What another agent writes is received mail to its reader. Screening is pure and takes about as long as
// composing, so it may run in the transaction that knows who the readers are.
std::optional<screen::Report> SendStep::screened_for(const std::vector<account::Agent>& residents,
                                                     const account::Agent& author,
                                                     std::string_view raw) const {
  const bool wanted =
      identity_.screening && std::ranges::any_of(residents, [&](const account::Agent& one) {
        return one.email != author.email && one.protection.inbound.sensitivity != account::Sensitivity::off;
      });
  if (!wanted) return std::nullopt;
  return hold::screen_guarded([&] { return screen::screen_message(raw, mail::domain_of(author.email)); });
}

outbox::SendResult SendStep::send(store::Tx& tx, const account::Agent& agent, const mailbox::Message& message,
                                  const mailbox::Draft& draft, UtcTime now) {
  const Recipients recipients = split(tx, draft, message.kind, identity_.shared_domain);
  const bool complete = recipients.external.empty();
  const From from = from_of(agent, identity_, message.kind);
  const std::string rfc_message_id = message.id.str() + "@" + from.id_domain;
  const std::string reply_to = reply_to_of(agent, message, draft);
  const std::string raw = compose(message, draft, from, reply_to, rfc_message_id, now);

  mailbox::Dispatch dispatch;
  dispatch.method = complete ? mailbox::Method::loopback : mailbox::Method::smtp;
  dispatch.delivery_status = complete ? mailbox::DeliveryStatus::sent : mailbox::DeliveryStatus::accepted;
  dispatch.sent_as = complete ? "own_address" : from.sent_as;
  dispatch.rfc_message_id = rfc_message_id;
  mailbox::store_dispatch(tx, message, dispatch, raw);

  // What follows from the acceptance or the decision stands strictly after it (contract §25).
  const UtcTime then = now + Duration(1);
  std::vector<outbox::Recipient> local;
  LocalMail copy{message,  draft, rfc_message_id,
                 reply_to, raw,   screened_for(recipients.residents(), agent, raw)};
  if (!recipients.local.empty() && !draft.attachments.empty())
    copy.attachments = mail::parse(raw).attachments;
  for (const auto& [recipient, resident] : recipients.local) {
    CS_FAULT("loopback.deliver");
    deliver_inbound(tx, resident, copy, then);
    local.push_back(recipient);
  }
  outbox::note_local(tx, message.id, local);
  if (complete) {
    journal::record(tx, message.journal_subject(),
                    {Reason::submission_local_loopback_accepted, then, {}, {}, {}, {}});
    mailbox::Message sent = message;
    sent.method = dispatch.method;
    CS_FAULT("loopback.sent_event");
    journal::emit(tx, message.journal_subject(), journal::EventType::email_sent,
                  outbox::outbound_event_data(sent), then);
  } else {
    CS_FAULT("outbox.enqueue");
    outbox::enqueue(tx, message, recipients.external, then);
  }
  return {"", dispatch.method, dispatch.sent_as, complete, draft.to, draft.cc, draft.bcc};
}

}  // namespace countersign::provider::loopback
