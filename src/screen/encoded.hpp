// Text inside text: what base64, hexadecimal digits, percent signs, character references, escapes and bits
// decode to. Internal to the screen module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::screen {

struct Payload {
  std::string_view kind;  // "base64"
  std::string text;       // decoded, valid UTF-8, mostly letters
  std::size_t at = 0;     // in what was searched
};

/// What may still be decoded out of one message.
struct DecodeBudget {
  std::size_t bytes = 256 * 1024;  // of readable text
  std::size_t payloads = 1000;
  bool exceeded = false;  // there was more
};

/// What the stretches of a text decode to that decode to readable text, as far as the budget goes. The others
/// cost nothing of it. Linear.
[[nodiscard]] std::vector<Payload> find_payloads(std::string_view text, DecodeBudget& budget);

[[nodiscard]] std::string rot13(std::string_view text);
/// Code points from last to first.
[[nodiscard]] std::string backwards(std::string_view text);

}  // namespace countersign::screen
