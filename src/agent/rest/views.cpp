#include "agent/rest/views.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "agent/rest/response.hpp"
#include "base/crypto.hpp"
#include "mail/parse.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

using mailbox::Direction;
using mailbox::Message;
using mailbox::ReviewStatus;

json::array array_of(const std::vector<std::string>& items) {
  json::array array;
  array.reserve(items.size());
  for (const std::string& item : items) array.emplace_back(item);
  return array;
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

void put_unless_empty(json::object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

void put_time(json::object& object, std::string_view name, const std::optional<UtcTime>& time) {
  if (time) object[name] = to_rfc3339(*time);
}

json::object gate_view(const account::Gate& gate, account::Sensitivity shown) {
  json::object view{{"policy", account::name_of(gate.policy)}, {"action", account::name_of(gate.action)}};
  if (!gate.allowlist.empty()) view["allowlist"] = array_of(gate.allowlist);
  return json::object{{"gate", std::move(view)},
                      {"scan", json::object{{"sensitivity", account::name_of(shown)}}}};
}

// What the sender side of any message looks like: an outbound message is its agent's.
void put_sender(json::object& view, const Message& message) {
  const bool outbound = message.direction == Direction::outbound;
  view["header_from"] = outbound ? json::value(message.agent_email) : text_or_null(message.header_from);
  view["envelope_from"] = outbound ? json::value(nullptr) : text_or_null(message.envelope_from);
  view["verified_domain"] = outbound ? json::value(nullptr) : text_or_null(message.verified_domain);
}

std::string delivered_to(const Message& message) {
  if (message.direction == Direction::inbound) return message.delivered_to;
  return message.to.empty() ? std::string() : message.to.front();
}

// A human approval reads as if the message had never been held (contract §15).
std::string_view outbound_review_status(const Message& message) {
  if (!message.review_status || *message.review_status == ReviewStatus::review_approved) return "sent";
  return mailbox::name_of(*message.review_status);
}

void put_flags(json::object& view, const Message& message) {
  if (!message.flagged) return;
  view["flagged"] = true;
  put_unless_empty(view, "flag_reason", message.flag_reason);
}

// The members that follow the labels, in lists and in the view alike.
void put_state(json::object& view, const Message& message) {
  if (message.direction == Direction::outbound) {
    view["review_status"] = outbound_review_status(message);
    if (message.delivery_status) view["delivery_status"] = mailbox::name_of(*message.delivery_status);
    put_unless_empty(view, "delivery_detail", message.delivery_detail);
    put_unless_empty(view, "sent_as", message.sent_as);
  }
  put_flags(view, message);
  if (message.size_bytes > 0) view["size_bytes"] = message.size_bytes;
  view["created_at"] = timestamp(message.created_at);
  if (message.deleted_at) view["deleted_at"] = timestamp(*message.deleted_at);
}

void put_hold_reason(json::object& view, const Message& message) {
  if (message.hold_reason) view["hold_reason"] = json::parse(*message.hold_reason);
}

json::array attachments_view(const std::vector<mail::AttachmentInfo>& attachments) {
  json::array list;
  list.reserve(attachments.size());
  for (const mail::AttachmentInfo& attachment : attachments) list.push_back(attachment_view(attachment));
  return list;
}

void put_raw(json::object& view, const std::optional<std::string>& raw) {
  if (!raw) {
    view["attachments"] = json::array();
    view["raw_message"] = nullptr;
    return;
  }
  const mail::Message parsed = mail::parse(*raw);
  json::object summary{{"text", parsed.text}, {"truncated", parsed.text_truncated}};
  put_unless_empty(summary, "html", parsed.html);
  view["parsed"] = std::move(summary);
  view["attachments"] = attachments_view(parsed.attachments);
  view["raw_message"] = base64_encode(*raw);
}

}  // namespace

json::object attachment_view(const mail::AttachmentInfo& attachment) {
  json::object view{{"index", attachment.index}};
  put_unless_empty(view, "filename", attachment.filename);
  put_unless_empty(view, "content_type", attachment.content_type);
  put_unless_empty(view, "content_id", attachment.content_id);
  view["size_bytes"] = attachment.size_bytes;
  return view;
}

json::object agent_view(const account::Agent& agent) {
  json::object view{{"email", agent.email},
                    {"name", agent.name},
                    {"domain", agent.domain},
                    {"registered_domain", agent.registered_domain},
                    {"domain_verified", agent.domain_verified},
                    {"created_at", timestamp(agent.created_at)}};
  if (agent.deleted_at) view["deleted_at"] = timestamp(*agent.deleted_at);
  return view;
}

json::object api_key_view(const account::ApiKey& key) {
  json::object view{{"id", key.id.str()},
                    {"name", key.name},
                    {"key_prefix", key.key_prefix},
                    {"scope", account::name_of(key.scope)}};
  put_unless_empty(view, "agent_email", key.agent_email);
  view["created_at"] = timestamp(key.created_at);
  if (key.expires_at) view["expires_at"] = timestamp(*key.expires_at);
  if (key.last_used_at) view["last_used_at"] = timestamp(*key.last_used_at);
  return view;
}

json::object protection_view(const account::Protection& protection, bool screening) {
  json::object holds;
  if (protection.hold_ttl_seconds != 0) holds["ttl_seconds"] = protection.hold_ttl_seconds;
  holds["on_expiry"] = account::name_of(protection.hold_on_expiry);
  if (protection.hold_suppress_notifications) holds["suppress_notifications"] = true;
  const account::Sensitivity off = account::Sensitivity::off;
  return json::object{
      {"inbound", gate_view(protection.inbound, screening ? protection.inbound.sensitivity : off)},
      {"outbound", gate_view(protection.outbound, screening ? protection.outbound.sensitivity : off)},
      {"holds", std::move(holds)}};
}

json::object account_view(const account::Principal& principal, const AccountUsage& usage,
                          std::string_view upgrade_url) {
  json::object view{{"user", json::object{{"id", principal.user.str()}, {"email", principal.email}}},
                    {"scope", account::name_of(principal.scope)}};
  put_unless_empty(view, "agent_email", principal.agent_email);
  view["plan_code"] = principal.plan_code;
  view["limits"] = json::object{{"max_agents", principal.limits.agents_max},
                                {"max_domains", principal.limits.domains_max},
                                {"max_messages_month", principal.limits.messages_month_max},
                                {"max_storage_bytes", principal.limits.storage_bytes_max}};
  view["usage"] = json::object{{"agents", usage.agents},
                               {"domains", usage.domains},
                               {"messages_month", usage.stored.messages_month},
                               {"storage_bytes", usage.stored.storage_bytes}};
  view["upgrade_url"] = upgrade_url;
  return view;
}

json::object message_summary_view(const Message& message) {
  json::object view{{"id", message.id.str()}, {"direction", journal::name_of(message.direction)}};
  put_sender(view, message);
  view["to"] = array_of(message.to);
  if (!message.cc.empty()) view["cc"] = array_of(message.cc);
  if (message.direction == Direction::inbound && !message.reply_to_list.empty()) {
    view["reply_to"] = array_of(message.reply_to_list);
  }
  view["delivered_to"] = delivered_to(message);
  view["subject"] = message.subject;
  put_unless_empty(view, "conversation_id", message.conversation_id);
  view["read_status"] = message.read_status;
  view["labels"] = array_of(message.labels);
  put_state(view, message);
  return view;
}

json::object message_view(const Message& message, const mailbox::Content& content, Viewer viewer) {
  const bool outbound = message.direction == Direction::outbound;
  json::object view{{"id", message.id.str()}, {"direction", journal::name_of(message.direction)}};
  put_sender(view, message);
  const bool authenticated = !outbound && message.authentication.has_value();
  view["authentication"] = authenticated ? json::parse(*message.authentication) : json::value(nullptr);
  view["to"] = array_of(message.to);
  view["cc"] = array_of(message.cc);
  view["reply_to"] = outbound ? json::array() : array_of(message.reply_to_list);
  view["delivered_to"] = delivered_to(message);
  view["subject"] = message.subject;
  view["conversation_id"] = message.conversation_id;
  view["read_status"] = message.read_status;
  view["labels"] = array_of(message.labels);
  put_state(view, message);
  if (outbound && content.has_draft) {
    json::object body{{"text", content.text}};
    put_unless_empty(body, "html", content.html);
    view["body"] = std::move(body);
  }
  if (viewer == Viewer::reviewer) {
    if (!outbound && message.review_status) {
      view["review_status"] = mailbox::name_of(*message.review_status);
    }
    put_hold_reason(view, message);
    if (message.protection) view["protection"] = json::parse(*message.protection);
  }
  put_raw(view, content.raw);
  return view;
}

json::object conversation_view(const mailbox::Conversation& conversation) {
  return {{"id", conversation.id},
          {"last_message_at", timestamp(conversation.last_message_at)},
          {"first_message_at", timestamp(conversation.first_message_at)},
          {"message_count", conversation.message_count},
          {"inbound_count", conversation.inbound_count},
          {"outbound_count", conversation.message_count - conversation.inbound_count},
          {"has_unread", conversation.unread_count > 0},
          {"latest_subject", conversation.latest_subject},
          {"latest_from", conversation.latest_from}};
}

json::object conversation_detail_view(const mailbox::Conversation& conversation,
                                      const std::vector<Message>& messages) {
  std::set<std::string> participants;
  std::set<std::string> labels;
  json::array items;
  for (const Message& message : messages) {
    participants.insert(message.sender);
    if (!message.delivered_to.empty()) participants.insert(mail::bare_address(message.delivered_to));
    for (const auto* list : {&message.to, &message.cc, &message.bcc}) {
      for (const std::string& text : *list) participants.insert(mail::bare_address(text));
    }
    labels.insert(message.labels.begin(), message.labels.end());
    items.push_back(message_summary_view(message));
  }
  participants.erase("");
  json::object view = conversation_view(conversation);
  view["participants"] = array_of({participants.begin(), participants.end()});
  view["labels"] = array_of({labels.begin(), labels.end()});
  view["messages"] = std::move(items);
  return view;
}

json::object review_view(const Message& message) {
  json::object view{{"id", message.id.str()},
                    {"agent_email", message.agent_email},
                    {"direction", journal::name_of(message.direction)}};
  put_sender(view, message);
  view["to"] = array_of(message.to);
  view["subject"] = message.subject;
  put_unless_empty(view, "conversation_id", message.conversation_id);
  view["review_status"] = mailbox::name_of(message.review_status.value_or(ReviewStatus::pending_review));
  put_flags(view, message);
  put_hold_reason(view, message);
  view["created_at"] = timestamp(message.created_at);
  return view;
}

json::object lifecycle_view(const journal::LifecycleRow& row) {
  const journal::ReasonFacts& reason = journal::facts(row.reason);
  json::object view{{"id", row.id},
                    {"message_id", row.message.str()},
                    {"direction", journal::name_of(row.direction)},
                    {"stage", reason.stage},
                    {"outcome", reason.outcome},
                    {"reason_code", reason.code},
                    {"retryable", reason.retryable}};
  if (row.recipient) view["recipient"] = *row.recipient;
  view["evidence"] = json::parse(row.evidence);
  view["correlation_ids"] = json::parse(row.correlation);
  view["occurred_at"] = timestamp(row.occurred_at);
  view["reconstructed"] = false;
  return view;
}

json::object draft_view(const Message& message,
                        const std::vector<mailbox::DraftAttachmentInfo>& attachments) {
  json::array items;
  for (const mailbox::DraftAttachmentInfo& attachment : attachments) {
    items.push_back(json::object{{"filename", attachment.filename},
                                 {"content_type", attachment.content_type},
                                 {"size_bytes", attachment.size_bytes}});
  }
  return {{"bcc", array_of(message.bcc)}, {"reply_to", message.reply_to}, {"attachments", std::move(items)}};
}

json::object handover_view(const outbox::HandOverView& hand_over) {
  json::object view;
  view["id"] = hand_over.id.str();
  view["message_id"] = hand_over.message.str();
  view["agent_email"] = hand_over.agent_email;
  view["subject"] = hand_over.subject;
  view["attempt"] = hand_over.attempt;
  view["state"] = hand_over.state;
  view["recipients"] = array_of(hand_over.recipients);
  put_unless_empty(view, "provider", hand_over.provider);
  put_unless_empty(view, "provider_message_id", hand_over.provider_message_id);
  if (!hand_over.reply_text.empty() || hand_over.reply_code != 0) {
    json::object reply;
    put_unless_empty(reply, "phase", hand_over.reply_phase);
    if (hand_over.reply_code != 0) reply["code"] = hand_over.reply_code;
    reply["text"] = hand_over.reply_text;
    view["reply"] = std::move(reply);
  }
  view["created_at"] = to_rfc3339(hand_over.created_at);
  view["due_at"] = to_rfc3339(hand_over.due_at);
  put_time(view, "handed_over_at", hand_over.handed_over_at);
  put_time(view, "unknown_at", hand_over.unknown_at);
  put_time(view, "resend_at", hand_over.resend_at);
  put_time(view, "settled_at", hand_over.settled_at);
  put_unless_empty(view, "settled_by", hand_over.settled_by);
  if (!hand_over.resolution.empty()) {
    json::object resolution{{"as", hand_over.resolution}, {"by", hand_over.resolved_by}};
    put_unless_empty(resolution, "note", hand_over.resolution_note);
    view["resolution"] = std::move(resolution);
  }
  return view;
}

}  // namespace countersign::agent::rest
