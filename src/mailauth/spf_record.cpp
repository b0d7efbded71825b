#include "mailauth/spf_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::size_t kVersionBytes = 6;  // v=spf1

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_character(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; }

struct KindRow {
  std::string_view name;
  MechanismKind kind;
  bool takes_domain;
  bool needs_domain;
  bool takes_prefix;
};
// §5: the whole set. ip4 and ip6 take a network instead of a domain.
constexpr std::array<KindRow, 8> kKinds = {{
    {"all", MechanismKind::all, false, false, false},
    {"include", MechanismKind::include, true, true, false},
    {"a", MechanismKind::a, true, false, true},
    {"mx", MechanismKind::mx, true, false, true},
    {"ptr", MechanismKind::ptr, true, false, false},
    {"ip4", MechanismKind::ip4, false, true, false},
    {"ip6", MechanismKind::ip6, false, true, false},
    {"exists", MechanismKind::exists, true, true, false},
}};

std::optional<unsigned> read_prefix(std::string_view digits, unsigned maximum) {
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  if (!std::ranges::all_of(digits, is_digit)) return std::nullopt;
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (value > maximum) return std::nullopt;
  return value;
}

/// The digits at the end after `mark`, taken off; nothing when the text does not end like that.
std::optional<std::string_view> take_prefix(std::string_view& text, std::string_view mark) {
  std::size_t begin = text.size();
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  if (begin == text.size() || !text.substr(0, begin).ends_with(mark)) return std::nullopt;
  const auto digits = text.substr(begin);
  text = text.substr(0, begin - mark.size());
  return digits;
}

/// `[ "/" 1*2DIGIT ] [ "//" 1*3DIGIT ]` at the end of `text`, taken off.
bool read_dual_prefix(std::string_view& text, Mechanism& mechanism) {
  if (const auto six = take_prefix(text, "//")) {
    const auto prefix = read_prefix(*six, 128);
    if (!prefix) return false;
    mechanism.prefix6 = *prefix;
  }
  if (const auto four = take_prefix(text, "/")) {
    const auto prefix = read_prefix(*four, 32);
    if (!prefix) return false;
    mechanism.prefix4 = *prefix;
  }
  return true;
}

/// Four numbers without leading zeros (§5.6).
bool is_ip4_network(std::string_view text) {
  int numbers = 0;
  while (true) {
    const auto dot = text.find('.');
    const auto number = text.substr(0, dot);
    const auto value = read_prefix(number, 255);
    if (!value || ++numbers > 4) return false;
    if (dot == std::string_view::npos) return numbers == 4;
    text.remove_prefix(dot + 1);
  }
}

bool read_network(std::string_view text, Mechanism& mechanism) {
  const bool four = mechanism.kind == MechanismKind::ip4;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto prefix = read_prefix(text.substr(slash + 1), four ? 32 : 128);
    if (!prefix) return false;
    (four ? mechanism.prefix4 : mechanism.prefix6) = *prefix;
    text = text.substr(0, slash);
  }
  boost::system::error_code wrong;
  const std::string address(text);
  if (four) {
    if (!is_ip4_network(text)) return false;
    mechanism.network = boost::asio::ip::make_address_v4(address, wrong);
  } else {
    if (text.contains('%')) return false;  // a zone is no part of a network
    mechanism.network = boost::asio::ip::make_address_v6(address, wrong);
  }
  return !wrong;
}

std::optional<SpfStatus> qualifier_of(char c) {
  switch (c) {
    case '+':
      return SpfStatus::pass;
    case '-':
      return SpfStatus::fail;
    case '~':
      return SpfStatus::softfail;
    case '?':
      return SpfStatus::neutral;
    default:
      return std::nullopt;
  }
}

std::optional<Mechanism> read_mechanism(std::string_view term) {
  Mechanism mechanism;
  mechanism.text = term;
  if (const auto qualifier = qualifier_of(term.front())) {
    mechanism.qualifier = *qualifier;
    term.remove_prefix(1);
  }
  const auto name_end = std::min(term.find_first_of(":/"), term.size());
  const auto name = ascii_lower(term.substr(0, name_end));
  const auto row = std::ranges::find(kKinds, name, &KindRow::name);
  if (row == kKinds.end()) return std::nullopt;
  mechanism.kind = row->kind;
  auto rest = term.substr(name_end);
  if (row->kind == MechanismKind::ip4 || row->kind == MechanismKind::ip6) {
    if (!rest.starts_with(':') || !read_network(rest.substr(1), mechanism)) return std::nullopt;
    return mechanism;
  }
  if (row->takes_prefix && !read_dual_prefix(rest, mechanism)) return std::nullopt;
  if (rest.empty()) {
    if (row->needs_domain) return std::nullopt;
    return mechanism;
  }
  if (!row->takes_domain || rest.front() != ':') return std::nullopt;
  mechanism.domain = parse_domain_spec(rest.substr(1));
  if (!mechanism.domain) return std::nullopt;
  return mechanism;
}

/// True when it is a modifier (`name "="`), whatever it holds.
bool is_modifier(std::string_view term) {
  if (!is_alpha(term.front())) return false;
  const auto end = std::ranges::find_if_not(term, is_name_character);
  return end != term.end() && *end == '=';
}

bool read_modifier(std::string_view term, SpfRecord& record) {
  const auto equals = term.find('=');
  const auto name = ascii_lower(term.substr(0, equals));
  const auto value = term.substr(equals + 1);
  // The known names are never read as unknown modifiers, although the grammar would let them (§6).
  if (name != "redirect" && name != "exp")
    return parse_macro_string(value, MacroUse::explanation).has_value();
  auto& place = name == "redirect" ? record.redirect : record.explanation;
  if (place) return false;  // §6: not more than once
  place = parse_domain_spec(value);
  return place.has_value();
}

bool bits_agree(std::span<const unsigned char> one, std::span<const unsigned char> other, unsigned prefix) {
  for (std::size_t i = 0; i < one.size() && prefix > 0; ++i) {
    const unsigned bits = std::min(prefix, 8U);
    const auto mask = static_cast<unsigned char>(0xFFU << (8 - bits));
    if ((one[i] & mask) != (other[i] & mask)) return false;
    prefix -= bits;
  }
  return true;
}

}  // namespace

bool is_spf_record(std::string_view text) {
  return ascii_lower(text.substr(0, kVersionBytes)) == "v=spf1" &&
         (text.size() == kVersionBytes || text[kVersionBytes] == ' ');
}

Result<SpfRecord, std::string> parse_spf_record(std::string_view text) {
  SpfRecord record;
  text.remove_prefix(kVersionBytes);
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return record;
    const auto term = text.substr(0, text.find(' '));
    text.remove_prefix(term.size());
    if (is_modifier(term)) {
      if (!read_modifier(term, record)) return unexpected(std::string(term));
      continue;
    }
    auto mechanism = read_mechanism(term);
    if (!mechanism) return unexpected(std::string(term));
    record.mechanisms.push_back(std::move(*mechanism));
  }
}

bool in_network(const boost::asio::ip::address& address, const boost::asio::ip::address& network,
                unsigned prefix4, unsigned prefix6) {
  if (address.is_v4() != network.is_v4()) return false;
  if (address.is_v4()) {
    const auto one = address.to_v4().to_bytes();
    const auto other = network.to_v4().to_bytes();
    return bits_agree(one, other, prefix4);
  }
  const auto one = address.to_v6().to_bytes();
  const auto other = network.to_v6().to_bytes();
  return bits_agree(one, other, prefix6);
}

}  // namespace countersign::mailauth
