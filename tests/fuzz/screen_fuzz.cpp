// Screening of any content, as text, as HTML and as a whole message. libFuzzer's entry; the sanitizers and
// the assertions below are the judges.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "screen/screen.hpp"

namespace {

using namespace countersign;

constexpr std::size_t kExcerptMax = 203;

void expect_sound(const screen::Report& report) {
  CS_ASSERT(report.score >= 0 && report.score <= 1);
  CS_ASSERT(report.findings.size() <= screen::kFindingsMax);
  CS_ASSERT(std::ranges::is_sorted(report.findings, std::greater{}, &screen::Finding::score));
  for (const screen::Finding& one : report.findings) {
    CS_ASSERT(one.score >= 0 && one.score <= 1);
    CS_ASSERT(is_utf8(one.excerpt) && one.excerpt.size() <= kExcerptMax);
    CS_ASSERT(is_utf8(one.summary) && !one.summary.empty());
  }
}

}  // namespace

// The automaton of all terms is made at the first use, which is no input's fault.
extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  expect_sound(screen::screen({.subject = "x"}));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  expect_sound(
      screen::screen({.subject = bytes, .from_display = bytes, .from_address = bytes, .text = bytes}));
  expect_sound(screen::screen({.from_address = "a@b.example", .html = bytes}));
  expect_sound(screen::screen_message(bytes, "b.example"));
  return 0;
}
