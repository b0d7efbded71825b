#include "provider/ses/smtp_fields.hpp"

#include <fmt/format.h>

#include "provider/tags.hpp"

namespace countersign::provider::ses {

std::string smtp_fields(const HandOver& message, std::string_view configuration_set) {
  std::string out;
  if (is_tag_value(configuration_set))
    out += fmt::format("X-SES-CONFIGURATION-SET: {}\r\n", configuration_set);
  // On two lines: two ids of the greatest length would not fit one (RFC 5322 §2.1.1).
  if (is_tag_value(message.message_id) && is_tag_value(message.submission)) {
    out += fmt::format("X-SES-MESSAGE-TAGS: {}={},\r\n {}={}\r\n", kMessageTag, message.message_id,
                       kSubmissionTag, message.submission);
  }
  return out;
}

}  // namespace countersign::provider::ses
