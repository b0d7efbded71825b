// The encodings of RFC 2045 and RFC 2047, written straight into the message under construction. Internal to
// the mail module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::mail {

/// Longest encoded-word (RFC 2047 §2).
inline constexpr std::size_t kEncodedWordMax = 75;

/// Base64 in lines of 76 digits (RFC 2045 §6.8), the last one without a line end.
void append_base64_lines(std::string& out, std::string_view bytes);

/// Quoted-printable with lines of at most 76 characters (RFC 2045 §6.7). `text` has CRLF line ends; any other
/// CR or LF is encoded. The form never holds `=_`, which boundaries rely on.
void append_quoted_printable(std::string& out, std::string_view text);

/// One encoded-word for the beginning of `text` (valid UTF-8, not empty) that takes at most `room` octets (at
/// least 24), and how much of the text it took. Only letters, digits and `!*+-/` stand for themselves, so the
/// word may stand in a phrase as well (RFC 2047 §5).
struct EncodedWord {
  std::string word;
  std::size_t consumed = 0;
};
[[nodiscard]] EncodedWord next_encoded_word(std::string_view text, std::size_t room);

/// Reads encoded-words in UTF-8, US-ASCII and ISO-8859-1 and leaves everything else as it stands (RFC 2047).
/// Blanks between adjacent encoded-words disappear. The result may be ill-formed UTF-8 and may hold controls.
[[nodiscard]] std::string decode_encoded_words(std::string_view text);

}  // namespace countersign::mail
