// Reading the text out of HTML mail. Internal to the mail module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::mail {

/// What a reader sees of `html` (UTF-8): tags, comments, scripts and styles left out, blocks on lines of
/// their own, list items as `- `, block quotes with `> `, character references resolved. A tokenizer, no
/// tree: time is linear in the input whatever its nesting. At most about `bytes_max` bytes come back.
[[nodiscard]] std::string html_to_text(std::string_view html, std::size_t bytes_max);

}  // namespace countersign::mail
