// A stored message as the API reads it: the walk over its parts, bodies, attachments. libFuzzer's entry; the
// sanitizers and the assertions below are the judges.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/parse.hpp"

namespace {

using namespace countersign;

void expect_text(std::string_view text) {
  CS_ASSERT(is_utf8(text));
  CS_ASSERT(text.find('\0') == std::string_view::npos);
}

void expect_agreement(std::string_view raw, const mail::Message& message) {
  for (const auto& attachment : message.attachments) {
    expect_text(attachment.filename);
    expect_text(attachment.content_type);
    expect_text(attachment.content_id);
    const auto content = mail::attachment_content(raw, attachment.index);
    CS_ASSERT(content.has_value());
    CS_ASSERT(static_cast<std::int64_t>(content->size()) == attachment.size_bytes);
  }
  CS_ASSERT(!mail::attachment_content(raw, static_cast<std::int64_t>(message.attachments.size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  const mail::Message message = mail::parse(raw);
  expect_text(message.text);
  expect_text(message.html);
  expect_text(message.subject);
  if (message.from) expect_text(message.from->address);
  CS_ASSERT(message.text.size() <= 16 * 1024);
  expect_agreement(raw, message);

  const mail::Decomposition parts = mail::decompose(raw);
  expect_text(parts.text);
  expect_text(parts.html);
  for (const auto& [name, value] : parts.headers) expect_text(value);
  return 0;
}
