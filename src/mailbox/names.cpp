// Names of the mailbox's states, as tables and the wire spell them.
#include "base/assert.hpp"
#include "mailbox/message.hpp"

namespace countersign::mailbox {

std::string_view name_of(Automatic automatic) {
  switch (automatic) {
    case Automatic::no:
      return "";
    case Automatic::bounce:
      return "bounce";
    case Automatic::auto_reply:
      return "auto";
    case Automatic::list:
      return "list";
  }
  CS_ASSERT(false);
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::received:
      return "received";
    case Kind::send:
      return "send";
    case Kind::reply:
      return "reply";
    case Kind::forward:
      return "forward";
    case Kind::test:
      return "test";
  }
  CS_ASSERT(false);
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::smtp:
      return "smtp";
    case Method::loopback:
      return "loopback";
  }
  CS_ASSERT(false);
}

std::string_view name_of(ReviewStatus status) {
  switch (status) {
    case ReviewStatus::pending_review:
      return "pending_review";
    case ReviewStatus::review_approved:
      return "review_approved";
    case ReviewStatus::review_rejected:
      return "review_rejected";
    case ReviewStatus::review_expired_approved:
      return "review_expired_approved";
    case ReviewStatus::review_expired_rejected:
      return "review_expired_rejected";
  }
  CS_ASSERT(false);
}

std::string_view name_of(DeliveryStatus status) {
  switch (status) {
    case DeliveryStatus::accepted:
      return "accepted";
    case DeliveryStatus::sending:
      return "sending";
    case DeliveryStatus::sent:
      return "sent";
    case DeliveryStatus::deferred:
      return "deferred";
    case DeliveryStatus::delivered:
      return "delivered";
    case DeliveryStatus::failed:
      return "failed";
    case DeliveryStatus::bounced:
      return "bounced";
    case DeliveryStatus::complained:
      return "complained";
    case DeliveryStatus::unknown:
      return "unknown";
  }
  CS_ASSERT(false);
}

std::vector<std::string> Draft::recipients() const {
  std::vector<std::string> all;
  all.reserve(to.size() + cc.size() + bcc.size());
  for (const auto* list : {&to, &cc, &bcc}) all.insert(all.end(), list->begin(), list->end());
  return all;
}

std::int64_t Draft::bytes() const {
  std::size_t total = subject.size() + text.size() + html.size();
  for (const DraftAttachment& attachment : attachments) total += attachment.content.size();
  return static_cast<std::int64_t>(total);
}

}  // namespace countersign::mailbox
