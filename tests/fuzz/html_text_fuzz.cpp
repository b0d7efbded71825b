// HTML mail read as text. libFuzzer's entry; the sanitizers and the assertions below are the judges.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/html_text.hpp"
#include "mail/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const std::string html = mail::repair_utf8({reinterpret_cast<const char*>(data), size});
  const std::string text = mail::html_to_text(html, html.size() + 16);
  CS_ASSERT(is_utf8(text));
  constexpr std::size_t kShort = 100;
  constexpr std::size_t kLastPiece = 64 * 1024;  // what is begun is finished
  CS_ASSERT(mail::html_to_text(html, kShort).size() <= kShort + kLastPiece);
  return 0;
}
