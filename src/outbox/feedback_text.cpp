#include "outbox/feedback_text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace countersign::outbox {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

}  // namespace

std::string to_text(const Feedback& feedback) {
  json::array recipients;
  for (const FeedbackRecipient& recipient : feedback.recipients) {
    recipients.push_back(json::object{{"address", recipient.address}, {"detail", recipient.detail}});
  }
  json::object object;
  object["source"] = feedback.source;
  object["event_id"] = feedback.event_id;
  object["kind"] = static_cast<std::int64_t>(feedback.kind);
  object["submission"] = feedback.submission.str();
  object["message"] = feedback.message.str();
  object["provider_message_id"] = feedback.provider_message_id;
  object["recipients"] = std::move(recipients);
  object["bounce_type"] = static_cast<std::int64_t>(feedback.bounce_type);
  object["bounce_sub_type"] = feedback.bounce_sub_type;
  object["detail"] = feedback.detail;
  object["occurred_at_us"] = to_us(feedback.occurred_at);
  return json::serialize(object);
}

Feedback feedback_from_text(std::string_view text) {
  const json::value value = json::parse(text);
  const json::object& object = value.as_object();
  Feedback feedback;
  feedback.source = text_of(object, "source");
  feedback.event_id = text_of(object, "event_id");
  feedback.kind = static_cast<FeedbackKind>(object.at("kind").as_int64());
  feedback.submission = SubmissionId(text_of(object, "submission"));
  feedback.message = MessageId(text_of(object, "message"));
  feedback.provider_message_id = text_of(object, "provider_message_id");
  for (const json::value& recipient : object.at("recipients").as_array()) {
    feedback.recipients.push_back(
        {text_of(recipient.as_object(), "address"), text_of(recipient.as_object(), "detail")});
  }
  feedback.bounce_type = static_cast<BounceType>(object.at("bounce_type").as_int64());
  feedback.bounce_sub_type = text_of(object, "bounce_sub_type");
  feedback.detail = text_of(object, "detail");
  feedback.occurred_at = from_us(object.at("occurred_at_us").as_int64());
  return feedback;
}

}  // namespace countersign::outbox
