#include "outbox/event_data.hpp"

#include "journal/journal.hpp"

namespace countersign::outbox {

using journal::json_list;

boost::json::object outbound_event_data(const mailbox::Message& message) {
  boost::json::object data;
  data["message_id"] = message.id.str();
  data["agent_email"] = message.agent_email;
  data["direction"] = "outbound";
  data["method"] = name_of(message.method);
  data["from"] = message.agent_email;
  data["to"] = json_list(message.to);
  if (!message.cc.empty()) data["cc"] = json_list(message.cc);
  if (!message.bcc.empty()) data["bcc"] = json_list(message.bcc);
  data["subject"] = message.subject;
  data["message_type"] = name_of(message.kind);
  if (!message.conversation_id.empty()) data["conversation_id"] = message.conversation_id;
  if (!message.provider_message_id.empty()) data["provider_message_id"] = message.provider_message_id;
  return data;
}

void add_failure(boost::json::object& data, std::string_view reason, journal::Reason code) {
  data["reason"] = reason;
  data["reason_code"] = journal::facts(code).code;
  data["retryable"] = journal::facts(code).retryable;
}

}  // namespace countersign::outbox
