// SPF macros: RFC 7208 §7. Reading and expanding; asks nothing of the network.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::mailauth {

/// Literal text, or a macro with its transformers.
struct MacroPiece {
  std::string text;          // literal; used when letter is 0
  char letter = 0;           // lower case
  bool url_encoded = false;  // the letter was upper case (§7.3)
  std::size_t parts = 0;     // right-hand parts to keep, 0 for all
  bool reversed = false;
  std::string delimiters;  // "" means "."
};
using MacroString = std::vector<MacroPiece>;

enum class MacroUse : std::uint8_t {
  term,         // in a record: no c, r, t (§7.2)
  explanation,  // the text that exp= leads to: those too, and spaces
};

/// Nothing for a syntax error (§7.1), bytes outside ASCII among them.
[[nodiscard]] std::optional<MacroString> parse_macro_string(std::string_view text, MacroUse use);
/// The same for a domain-spec: it ends in a macro or a top label (§7.1).
[[nodiscard]] std::optional<MacroString> parse_domain_spec(std::string_view text);

[[nodiscard]] bool uses(const MacroString& text, char letter);

/// What the letters stand for (§7.2).
struct MacroValues {
  std::string sender;                 // s; never without local part
  std::string local_part;             // l
  std::string sender_domain;          // o
  std::string domain;                 // d
  boost::asio::ip::address client;    // i, c, v; IPv4 in IPv6 form counts as IPv6 here
  std::string validated = "unknown";  // p
  std::string helo;                   // h
  std::string receiver = "unknown";   // r
  std::int64_t time_s = 0;            // t
};

[[nodiscard]] std::string expand(const MacroString& text, const MacroValues& values);
/// Expanded for a question: without a final dot, shortened from the left to 253 octets (§7.3).
[[nodiscard]] std::string expand_domain(const MacroString& text, const MacroValues& values);

}  // namespace countersign::mailauth
