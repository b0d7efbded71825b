// Header blocks, their fields and the addresses in them. libFuzzer's entry; the sanitizers and the assertions
// below are the judges.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/attachment_header.hpp"
#include "mail/decode.hpp"
#include "mail/entity.hpp"

namespace {

using namespace countersign;

constexpr std::size_t kMailboxesMax = 20;

void expect_one_line(std::string_view text) {
  CS_ASSERT(is_utf8(text));
  CS_ASSERT(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
}

// One field of a header: every line end begins a fold (RFC 5322 §2.2.3).
void expect_one_field(std::string_view text) {
  CS_ASSERT(is_utf8(text));
  for (std::size_t at = 0; at < text.size(); ++at) {
    CS_ASSERT(text[at] != '\0');
    if (text[at] != '\r' && text[at] != '\n') continue;
    CS_ASSERT(text.substr(at).starts_with("\r\n "));
    ++at;
  }
}

void read_address(std::string_view text) {
  if (const auto mailbox = mail::parse_mailbox(text)) {
    expect_one_line(mailbox->address);
    expect_one_line(mailbox->display_name);
    CS_ASSERT(!mail::domain_of(mailbox->address).empty());
    expect_one_field(mail::to_header(*mailbox));
    expect_one_line(mail::bare_address(text));
  }
  const auto list = mail::decode_addresses(mail::unfold(text), kMailboxesMax);
  CS_ASSERT(list.mailboxes.size() <= kMailboxesMax);
  for (const auto& mailbox : list.mailboxes) {
    expect_one_line(mailbox.address);
    expect_one_line(mailbox.display_name);
  }
}

void read_value(std::string_view bytes) {
  const std::string value = mail::unfold(bytes);
  expect_one_line(mail::decode_header(value));
  expect_one_line(mail::decode_media_type(value).filename);
  expect_one_line(mail::decode_disposition(value).filename);
  for (const std::string& id : mail::message_ids(value)) expect_one_line(id);
  // These two take what came as JSON.
  if (is_utf8(bytes)) {
    expect_one_field(mail::safe_content_type(bytes));
    expect_one_line(mail::safe_filename(bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_address(bytes);
  read_value(bytes);
  const mail::Entity entity = mail::read_entity(bytes);
  for (const auto& field : entity.fields) {
    read_address(field.value);
    read_value(field.value);
  }
  return 0;
}
