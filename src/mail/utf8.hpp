// UTF-8 for mail: stepping through code points, repairing bytes from outside, cutting without splitting a
// code point.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::mail {

inline constexpr char32_t kReplacement = 0xfffd;

/// One step through text: the code point and how many bytes it took.
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
  bool valid = false;  // false: `value` is U+FFFD and `bytes` the maximal ill-formed part (Unicode §3.9)
};

/// The code point at `position`, which must lie inside `text`.
[[nodiscard]] CodePoint code_point_at(std::string_view text, std::size_t position) noexcept;

/// Appends `value` as UTF-8; a surrogate or a number beyond U+10FFFF becomes U+FFFD.
void append_utf8(std::string& out, char32_t value);

/// The text with ill-formed parts and NUL replaced by U+FFFD.
[[nodiscard]] std::string repair_utf8(std::string_view bytes);

/// The longest prefix of at most `bytes_max` bytes that does not split a code point.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) noexcept;

[[nodiscard]] bool is_ascii(std::string_view text) noexcept;

/// C0 and C1 controls, DEL, and the Unicode line and paragraph separators: nothing of these belongs in a
/// header field, and each of them starts a new line for some reader.
[[nodiscard]] constexpr bool is_control(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

/// Characters without a glyph that can make an address or a file name look like another one: controls, blanks
/// outside ASCII, joiners, direction marks, byte order mark, specials.
[[nodiscard]] constexpr bool is_invisible(char32_t c) noexcept {
  return is_control(c) || c == 0xa0 || c == 0xad || c == 0x1680 || c == 0x180e ||
         (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) ||
         c == 0x3000 || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff);
}

/// One line of header text: repaired, every control replaced by a space.
[[nodiscard]] std::string header_text(std::string_view bytes);

}  // namespace countersign::mail
