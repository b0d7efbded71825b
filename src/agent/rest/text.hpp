// Checks on text that came from outside.
#pragma once

#include <cstddef>
#include <string_view>

namespace countersign::agent::rest {

/// Valid UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF; RFC 3629) without U+0000, which no
/// member, parameter or header of this API may hold: PostgreSQL cannot store it and SQLite cuts at it.
[[nodiscard]] bool is_clean_utf8(std::string_view text) noexcept;

/// Code points of valid UTF-8.
[[nodiscard]] std::size_t code_points(std::string_view text) noexcept;

}  // namespace countersign::agent::rest
