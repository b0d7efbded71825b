#include "mailauth/dkim_tags.hpp"

#include <algorithm>
#include <limits>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// With "-", which RFC 6376 §3.2 does not have in names and key records in use do.
bool is_tag_name(std::string_view name) {
  if (name.empty() || !is_letter(name.front())) return false;
  return std::ranges::all_of(name,
                             [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; });
}

// VALCHAR and FWS of RFC 6376 §3.2, and what RFC 8616 adds to them.
bool is_tag_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet > 0x20 ? octet != 0x7f : c == ' ' || c == '\t' || c == '\r' || c == '\n';
  });
}

}  // namespace

Result<TagList, std::string> TagList::parse(std::string_view text) {
  if (text.size() > kTagListBytesMax) return unexpected(std::string("the tag list is too long"));
  TagList list;
  while (true) {
    const std::size_t semicolon = text.find(';');
    const std::string_view spec = text.substr(0, semicolon);
    const bool last = semicolon == std::string_view::npos;
    if (last && trim(spec).empty() && !list.tags_.empty()) return list;  // after the final ";"
    const std::size_t equals = spec.find('=');
    if (equals == std::string_view::npos) return unexpected(std::string("not a list of tag=value"));
    const std::string_view name = trim(spec.substr(0, equals));
    const std::string_view span = spec.substr(equals + 1);
    if (!is_tag_name(name)) return unexpected(std::string("a tag has no proper name"));
    if (!is_tag_value(span))
      return unexpected("the value of tag " + std::string(name.substr(0, 16)) + "= is malformed");
    if (list.tag(name) != nullptr) {
      return unexpected("tag " + std::string(name.substr(0, 16)) + "= stands there twice");
    }
    if (list.tags_.size() == kTagsMax) return unexpected(std::string("too many tags"));
    list.tags_.push_back({name, span});
    if (last) return list;
    text.remove_prefix(semicolon + 1);
  }
}

const TagList::Tag* TagList::tag(std::string_view name) const {
  const auto found = std::ranges::find(tags_, name, &Tag::name);
  return found == tags_.end() ? nullptr : &*found;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  const Tag* const found = tag(name);
  if (found == nullptr) return std::nullopt;
  return trim(found->span);
}

std::optional<std::string_view> TagList::span(std::string_view name) const {
  const Tag* const found = tag(name);
  if (found == nullptr) return std::nullopt;
  return found->span;
}

bool TagList::begins_with(std::string_view name) const {
  return !tags_.empty() && tags_.front().name == name;
}

std::vector<std::string_view> split_colons(std::string_view value) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t colon = value.find(':');
    parts.push_back(trim(value.substr(0, colon)));
    if (colon == std::string_view::npos) return parts;
    value.remove_prefix(colon + 1);
  }
}

std::optional<std::string> decode_tag_base64(std::string_view value) {
  std::string digits;
  digits.reserve(value.size() + 3);
  for (const char c : value) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') digits += c;
  }
  if (digits.empty()) return std::nullopt;
  if (digits.back() != '=') digits.append((4 - digits.size() % 4) % 4, '=');
  return base64_decode(digits);
}

std::optional<std::uint64_t> decode_tag_number(std::string_view value, std::size_t digits_max) {
  if (value.empty() || value.size() > digits_max || !std::ranges::all_of(value, is_digit))
    return std::nullopt;
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (kMax - digit) / 10) return kMax;
    number = number * 10 + digit;
  }
  return number;
}

std::optional<std::string> decode_tag_domain(std::string_view value, std::size_t labels_min) {
  constexpr std::size_t kLabelMax = 63;
  constexpr std::size_t kNameMax = 253;
  if (value.size() > kNameMax) return std::nullopt;
  std::size_t labels = 0;
  std::size_t length = 0;
  for (const char c : value) {
    if (c == '.') {
      if (length == 0) return std::nullopt;
      ++labels;
      length = 0;
    } else {
      if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_') return std::nullopt;
      if (++length > kLabelMax) return std::nullopt;
    }
  }
  if (length == 0 || labels + 1 < labels_min) return std::nullopt;
  return ascii_lower(value);
}

}  // namespace countersign::mailauth
