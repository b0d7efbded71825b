#include "screen/punycode.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kLabelMax = 63;  // RFC 1035 §2.3.4

// Parameters of RFC 3492 §5.
constexpr std::uint32_t kBase = 36;
constexpr std::uint32_t kTMin = 1;
constexpr std::uint32_t kTMax = 26;
constexpr std::uint32_t kSkew = 38;
constexpr std::uint32_t kDamp = 700;

std::uint32_t digit_of(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 26;
  return kBase;
}

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > (kBase - kTMin) * kTMax / 2; k += kBase) delta /= kBase - kTMin;
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

std::optional<std::u32string> decode(std::string_view text) {
  std::u32string out;
  if (const auto dash = text.rfind('-'); dash != std::string_view::npos) {
    for (const char c : text.substr(0, dash)) out.push_back(static_cast<char32_t>(c));
    text.remove_prefix(dash + 1);
  }
  std::uint64_t n = 128;
  std::uint64_t i = 0;
  std::uint32_t bias = 72;
  while (!text.empty()) {
    const std::uint64_t before = i;
    std::uint64_t weight = 1;
    for (std::uint32_t k = kBase;; k += kBase) {
      if (text.empty()) return std::nullopt;
      const std::uint32_t digit = digit_of(text.front());
      text.remove_prefix(1);
      if (digit >= kBase) return std::nullopt;
      i += digit * weight;
      if (i > 0x7fffffff) return std::nullopt;
      const std::uint32_t t = std::clamp<std::uint32_t>(k > bias ? k - bias : 0, kTMin, kTMax);
      if (digit < t) break;
      weight *= kBase - t;
      if (weight > 0x7fffffff) return std::nullopt;
    }
    const std::uint64_t points = out.size() + 1;
    bias = adapt(static_cast<std::uint32_t>(i - before), static_cast<std::uint32_t>(points), before == 0);
    n += i / points;
    i %= points;
    if (n > 0x10ffff) return std::nullopt;
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(i), static_cast<char32_t>(n));
    ++i;
  }
  return out;
}

}  // namespace

std::string to_unicode(std::string_view host) {
  std::string out;
  while (!host.empty()) {
    const std::size_t end = std::min(host.find('.'), host.size());
    const std::string label = ascii_lower(host.substr(0, end));
    std::optional<std::u32string> decoded;
    if (label.starts_with("xn--") && label.size() <= kLabelMax)
      decoded = decode(std::string_view(label).substr(4));
    if (decoded) {
      for (const char32_t c : *decoded) mail::append_utf8(out, c);
    } else {
      out += label;
    }
    if (end < host.size()) out.push_back('.');
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return out;
}

}  // namespace countersign::screen
