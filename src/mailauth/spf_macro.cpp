#include "mailauth/spf_macro.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::size_t kPartsMax = 128;  // §7.3 asks for at least that many
constexpr std::size_t kDomainBytesMax = 253;
constexpr std::string_view kDelimiters = ".-+,/_=";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_digit(c) || is_alpha(c); }

/// `letter transformers delimiters` between `%{` and `}`.
std::optional<MacroPiece> parse_macro(std::string_view inside, MacroUse use) {
  if (inside.empty()) return std::nullopt;
  MacroPiece piece;
  piece.letter = ascii_lower(inside.substr(0, 1)).front();
  piece.url_encoded = piece.letter != inside.front();
  const std::string_view letters = use == MacroUse::term ? "slodiphv" : "slodiphvcrt";
  if (!letters.contains(piece.letter)) return std::nullopt;
  inside.remove_prefix(1);
  if (!inside.empty() && is_digit(inside.front())) {
    while (!inside.empty() && is_digit(inside.front())) {
      piece.parts = std::min(kPartsMax, piece.parts * 10 + static_cast<std::size_t>(inside.front() - '0'));
      inside.remove_prefix(1);
    }
    if (piece.parts == 0) return std::nullopt;
  }
  if (!inside.empty() && (inside.front() == 'r' || inside.front() == 'R')) {
    piece.reversed = true;
    inside.remove_prefix(1);
  }
  if (inside.find_first_not_of(kDelimiters) != std::string_view::npos) return std::nullopt;
  piece.delimiters = inside;
  return piece;
}

void add_literal(MacroString& pieces, std::string_view text) {
  if (pieces.empty() || pieces.back().letter != 0) pieces.emplace_back();
  pieces.back().text += text;
}

/// `*alphanum ALPHA *alphanum` or `1*alphanum "-" *( alphanum / "-" ) alphanum`.
bool is_top_label(std::string_view label) {
  if (label.empty() || !is_alphanumeric(label.front()) || !is_alphanumeric(label.back())) return false;
  if (!std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; })) return false;
  return !std::ranges::all_of(label, is_digit);
}

std::vector<std::string_view> split(std::string_view text, std::string_view delimiters) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find_first_of(delimiters);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The dotted form of i: nibbles for IPv6.
std::string dotted(const boost::asio::ip::address& client) {
  if (client.is_v4()) return client.to_string();
  std::string text;
  for (const unsigned byte : client.to_v6().to_bytes()) {
    text += fmt::format("{:X}.{:X}.", byte >> 4, byte & 0xF);
  }
  text.pop_back();
  return text;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's':
      return values.sender;
    case 'l':
      return values.local_part;
    case 'o':
      return values.sender_domain;
    case 'd':
      return values.domain;
    case 'i':
      return dotted(values.client);
    case 'p':
      return values.validated;
    case 'h':
      return values.helo;
    case 'v':
      return values.client.is_v4() ? "in-addr" : "ip6";
    case 'c':
      return values.client.to_string();
    case 'r':
      return values.receiver;
    default:
      return std::to_string(values.time_s);  // t
  }
}

std::string transformed(const MacroPiece& piece, const std::string& value) {
  if (piece.parts == 0 && !piece.reversed && piece.delimiters.empty()) return value;
  auto parts = split(value, piece.delimiters.empty() ? "." : piece.delimiters);
  if (piece.reversed) std::ranges::reverse(parts);
  const std::size_t kept = piece.parts == 0 ? parts.size() : std::min(piece.parts, parts.size());
  return fmt::format("{}", fmt::join(parts.end() - static_cast<std::ptrdiff_t>(kept), parts.end(), "."));
}

/// Everything but the unreserved characters of RFC 3986 §2.3.
std::string url_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::optional<MacroString> parse_macro_string(std::string_view text, MacroUse use) {
  MacroString pieces;
  while (!text.empty()) {
    if (text.front() != '%') {
      const char c = text.front();
      if ((c < '!' || c > '~') && !(c == ' ' && use == MacroUse::explanation)) return std::nullopt;
      add_literal(pieces, text.substr(0, 1));
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2) return std::nullopt;
    const char kind = text[1];
    if (kind == '{') {
      const auto end = text.find('}');
      if (end == std::string_view::npos) return std::nullopt;
      auto piece = parse_macro(text.substr(2, end - 2), use);
      if (!piece) return std::nullopt;
      pieces.push_back(std::move(*piece));
      text.remove_prefix(end + 1);
      continue;
    }
    if (kind != '%' && kind != '_' && kind != '-') return std::nullopt;
    add_literal(pieces, kind == '%' ? "%" : kind == '_' ? " " : "%20");
    text.remove_prefix(2);
  }
  return pieces;
}

std::optional<MacroString> parse_domain_spec(std::string_view text) {
  auto pieces = parse_macro_string(text, MacroUse::term);
  if (!pieces || pieces->empty()) return std::nullopt;
  // domain-end = ( "." toplabel [ "." ] ) / macro-expand
  if (pieces->back().letter != 0 || text.ends_with("%%") || text.ends_with("%_") || text.ends_with("%-")) {
    return pieces;
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || !is_top_label(text.substr(dot + 1))) return std::nullopt;
  return pieces;
}

bool uses(const MacroString& text, char letter) {
  return std::ranges::any_of(text, [letter](const MacroPiece& piece) { return piece.letter == letter; });
}

std::string expand(const MacroString& text, const MacroValues& values) {
  std::string expanded;
  for (const auto& piece : text) {
    if (piece.letter == 0) {
      expanded += piece.text;
      continue;
    }
    const auto value = transformed(piece, value_of(piece.letter, values));
    expanded += piece.url_encoded ? url_encoded(value) : value;
  }
  return expanded;
}

std::string expand_domain(const MacroString& text, const MacroValues& values) {
  std::string domain = expand(text, values);
  if (domain.ends_with('.')) domain.pop_back();
  while (domain.size() > kDomainBytesMax) {
    const auto dot = domain.find('.');
    if (dot == std::string::npos) break;
    domain.erase(0, dot + 1);
  }
  return domain;
}

}  // namespace countersign::mailauth
