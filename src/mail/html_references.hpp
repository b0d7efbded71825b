// Character references of HTML: `&amp;`, `&#38;`, `&#x26;`. Internal to the mail and screen modules.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::mail {

struct HtmlReference {
  char32_t value = 0;     // U+FFFD for what is no character
  std::size_t bytes = 0;  // how long it stands in the text
};

/// Where a reference stands. In an attribute, `&copy=` and `&copy1` are parts of a URL (WHATWG HTML
/// §13.2.5.73).
enum class ReferencePlace : unsigned char { text, attribute };

/// The reference that `text`, which begins with `&`, begins with: by a number, or by a name that HTML 4 or
/// this table knows. Nothing for other names, which stay as they are. Linear in the reference.
[[nodiscard]] std::optional<HtmlReference> reference_at(std::string_view text, ReferencePlace place);

/// The value of an attribute with its character references resolved.
[[nodiscard]] std::string resolve_references(std::string_view text);

}  // namespace countersign::mail
