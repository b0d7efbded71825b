#include "provider/feedback/ses_event.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "net/http_message.hpp"
#include "provider/feedback/json_members.hpp"
#include "provider/smtp/response.hpp"
#include "provider/tags.hpp"
#include "provider/transport.hpp"

namespace countersign::provider::feedback {
namespace {

namespace json = boost::json;
using outbox::BounceType;
using outbox::Feedback;
using outbox::FeedbackKind;
using outbox::FeedbackRecipient;

constexpr std::size_t kRecipientsMax = 100;  // twice what a message may have
constexpr std::size_t kHeadersMax = 1000;
constexpr std::size_t kWordBytesMax = 256;        // types, ids, times
constexpr std::size_t kAddressBytesMax = 1024;    // with a display name
constexpr std::size_t kTextBytesMax = 64 * 1024;  // before it is cut

std::string word(const json::object& object, std::string_view name) {
  const auto text = text_member(object, name, kWordBytesMax);
  return text ? smtp::presentable(*text, kWordBytesMax) : std::string();
}

std::string text(const json::object& object, std::string_view name) {
  const auto found = text_member(object, name, kTextBytesMax);
  return found ? std::string(trim(smtp::presentable(*found, kReplyTextBytesMax))) : std::string();
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 32) return false;
  return std::ranges::all_of(text.substr(prefix.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The first value of a tag; SES gives every tag as a list.
std::string tag(const json::object& mail, std::string_view name) {
  const json::object* tags = object_member(mail, "tags");
  const json::array* values = tags != nullptr ? array_member(*tags, name) : nullptr;
  if (values == nullptr || values->empty() || !values->front().is_string()) return {};
  return std::string(values->front().get_string());
}

// Only there when the identity is set to include the original headers.
std::string header(const json::object& mail, std::string_view name) {
  const json::array* headers = array_member(mail, "headers");
  if (headers == nullptr) return {};
  for (std::size_t i = 0; i < std::min(headers->size(), kHeadersMax); ++i) {
    const json::object* field = (*headers)[i].if_object();
    if (field == nullptr || !net::equal_ignoring_case(word(*field, "name"), name)) continue;
    return std::string(trim(word(*field, "value")));
  }
  return {};
}

void correlate(const json::object& mail, Feedback& feedback) {
  const std::string submission = tag(mail, kSubmissionTag);
  std::string message = tag(mail, kMessageTag);
  if (!is_id(message, "msg_")) message = header(mail, "X-E2A-Message-ID");
  if (is_id(submission, "sub_")) feedback.submission = SubmissionId(submission);
  if (is_id(message, "msg_")) feedback.message = MessageId(message);
  feedback.provider_message_id = word(mail, "messageId");
}

// An entry of a list of recipients: an address, or an object with one.
void add_recipient(const json::value& entry, std::string_view detail, std::vector<FeedbackRecipient>& out) {
  if (const json::string* address = entry.if_string()) {
    if (address->size() <= kAddressBytesMax)
      out.push_back({mail::bare_address(*address), std::string(detail)});
  } else if (const json::object* object = entry.if_object()) {
    const auto given = text_member(*object, "emailAddress", kAddressBytesMax);
    std::string own = text(*object, "diagnosticCode");
    if (own.empty()) own = word(*object, "status");
    if (own.empty()) own = detail;
    if (given) out.push_back({mail::bare_address(*given), std::move(own)});
  }
}

std::vector<FeedbackRecipient> recipients(const json::object& details, std::string_view list,
                                          std::string_view detail) {
  std::vector<FeedbackRecipient> out;
  const json::array* entries = array_member(details, list);
  if (entries == nullptr) return out;
  for (std::size_t i = 0; i < std::min(entries->size(), kRecipientsMax); ++i) {
    add_recipient((*entries)[i], detail, out);
  }
  std::erase_if(out, [](const FeedbackRecipient& recipient) {
    return smtp::presentable(recipient.address, kAddressBytesMax) != recipient.address ||
           recipient.address.find('@') == std::string::npos;
  });
  return out;
}

// Which member holds the details of an event, and which list in it the recipients.
struct Shape {
  std::string_view type;
  FeedbackKind kind;
  std::string_view details;
  std::string_view recipients;  // empty: it is about the whole message
};
constexpr std::array<Shape, 7> kShapes{{
    {"Send", FeedbackKind::sent, "send", ""},
    {"Delivery", FeedbackKind::delivered, "delivery", "recipients"},
    {"DeliveryDelay", FeedbackKind::delayed, "deliveryDelay", "delayedRecipients"},
    {"Bounce", FeedbackKind::bounced, "bounce", "bouncedRecipients"},
    {"Complaint", FeedbackKind::complained, "complaint", "complainedRecipients"},
    {"Reject", FeedbackKind::rejected, "reject", ""},
    {"Rendering Failure", FeedbackKind::rendering_failed, "failure", ""},
}};

BounceType bounce_type(std::string_view type) {
  if (type == "Permanent") return BounceType::permanent;
  return type == "Transient" ? BounceType::transient : BounceType::undetermined;
}

// What all recipients share, as text.
std::string shared_detail(FeedbackKind kind, const json::object& details) {
  switch (kind) {
    case FeedbackKind::sent:
    case FeedbackKind::bounced:
      return {};
    case FeedbackKind::delivered:
      return text(details, "smtpResponse");
    case FeedbackKind::delayed:
      return word(details, "delayType");
    case FeedbackKind::complained: {
      std::string type = word(details, "complaintFeedbackType");
      return type.empty() ? word(details, "complaintSubType") : type;
    }
    case FeedbackKind::rejected:
      return text(details, "reason");
    case FeedbackKind::rendering_failed:
      return text(details, "errorMessage");
  }
  return {};
}

}  // namespace

Result<SesEvent, std::string> read_ses_event(std::string_view message, std::string_view event_id,
                                             UtcTime published) {
  // SES's own words when a topic is set up; the only message that is no JSON.
  if (message.starts_with("Successfully validated SNS topic")) return NothingToDo{"test_message"};
  const auto object = parse_object(message);
  if (!object) return unexpected(std::string("the message is no JSON object"));
  std::string type = word(*object, "eventType");
  if (type.empty()) type = word(*object, "notificationType");
  if (type.empty()) return unexpected(std::string("neither eventType nor notificationType is given"));
  if (type == "AmazonSnsSubscriptionSucceeded") return NothingToDo{"test_message"};
  const auto shape = std::ranges::find(kShapes, type, &Shape::type);
  if (shape == kShapes.end()) return NothingToDo{"other_event"};
  const json::object* mail = object_member(*object, "mail");
  const json::object* details = object_member(*object, shape->details);
  if (mail == nullptr || details == nullptr) {
    return unexpected(fmt::format("{} lacks its mail or its {}", shape->type, shape->details));
  }
  if (shape->kind == FeedbackKind::complained && word(*details, "complaintFeedbackType") == "not-spam") {
    return NothingToDo{"not_spam"};
  }

  // Mail to a reviewer (notify/review_mail.hpp) is no message of the outbox. Nobody asks what became of it,
  // and an event that names no message would wait for one.
  if (is_id(tag(*mail, kMessageTag), "rmail_")) return NothingToDo{"review_mail"};

  Feedback feedback;
  feedback.source = "ses";
  feedback.event_id = event_id;
  feedback.kind = shape->kind;
  correlate(*mail, feedback);
  feedback.detail = shared_detail(shape->kind, *details);
  if (!shape->recipients.empty()) {
    feedback.recipients = recipients(*details, shape->recipients, feedback.detail);
    // Without a name in it the outbox would take it for all recipients.
    if (feedback.recipients.empty()) return unexpected(fmt::format("{} names no recipient", shape->type));
  }
  if (shape->kind == FeedbackKind::bounced) {
    feedback.bounce_type = bounce_type(word(*details, "bounceType"));
    feedback.bounce_sub_type = word(*details, "bounceSubType");
  }
  auto occurred = parse_rfc3339(word(*details, "timestamp"));
  if (!occurred && shape->kind == FeedbackKind::sent) occurred = parse_rfc3339(word(*mail, "timestamp"));
  feedback.occurred_at = occurred.value_or(published);
  return SesEvent(std::move(feedback));
}

}  // namespace countersign::provider::feedback
