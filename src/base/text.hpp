// Small text helpers: lists kept as JSON arrays in text columns, code points, ASCII case, HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign {

/// `["a","b"]`, the form in which tables keep lists of strings.
[[nodiscard]] std::string to_json_list(const std::vector<std::string>& items);
/// The reverse. A text that is not a JSON array of strings is a bug (only to_json_list writes these columns).
[[nodiscard]] std::vector<std::string> from_json_list(std::string_view text);

/// The items with one blank between two, the form in which tables keep lists of words, and the reverse. An
/// item that is empty or holds a blank is a bug.
[[nodiscard]] std::string join_blanks(const std::vector<std::string>& items);
[[nodiscard]] std::vector<std::string> split_blanks(std::string_view text);

[[nodiscard]] std::string ascii_lower(std::string_view text);
/// Without leading and trailing space, tab, CR and LF.
[[nodiscard]] std::string_view trim(std::string_view text);
/// Number of Unicode code points of valid UTF-8.
[[nodiscard]] std::size_t code_points(std::string_view utf8) noexcept;
/// `text` as HTML content or the value of a quoted attribute: `& < > " '` as character references, all else
/// as it is (WHATWG HTML §13.3). Line ends and controls are the caller's business.
[[nodiscard]] std::string escape_html(std::string_view text);
/// Valid UTF-8 by RFC 3629 (no surrogates, no overlong forms, nothing above U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace countersign
