// Whatever comes from the network about mail we sent: reports by mail, SNS envelopes, SES events. libFuzzer's
// entry; the sanitizers and the assertions below are the judges.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/dsn.hpp"
#include "provider/feedback/bounce.hpp"
#include "provider/feedback/ses_event.hpp"
#include "provider/feedback/sns.hpp"

namespace {

using namespace countersign;

void expect_presentable(const outbox::Feedback& feedback) {
  for (const auto& recipient : feedback.recipients) {
    CS_ASSERT(is_utf8(recipient.address) && is_utf8(recipient.detail));
    CS_ASSERT(recipient.detail.size() <= 2048);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const provider::feedback::ReturnPaths paths("a secret of the deployment, 32 bytes or more");
  static const std::string path =
      paths.make("bounces@bounce.example.com", MessageId("msg_0123456789abcdef0123456789abcdef"));
  if (const auto bounce = provider::feedback::read_bounce(bytes, {path}, paths, UtcTime())) {
    for (const auto& feedback : bounce->feedback) expect_presentable(feedback);
  }
  static_cast<void>(paths.message_of(bytes));
  if (const auto envelope = provider::feedback::parse_sns(bytes)) {
    static_cast<void>(provider::feedback::signed_text(*envelope));
    static_cast<void>(provider::feedback::parse_web_url(envelope->signing_cert_url));
  }
  if (const auto event = provider::feedback::read_ses_event(bytes, "id", UtcTime())) {
    if (const auto* feedback = std::get_if<outbox::Feedback>(&*event)) expect_presentable(*feedback);
  }
  return 0;
}
