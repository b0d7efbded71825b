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

/// Decodes at most `budget` bytes, which it lowers; stretches that do not decode to readable text are left
/// out. Linear.
[[nodiscard]] std::vector<Payload> find_payloads(std::string_view text, std::size_t& budget);

[[nodiscard]] std::string rot13(std::string_view text);
/// Code points from last to first.
[[nodiscard]] std::string backwards(std::string_view text);

}  // namespace countersign::screen
