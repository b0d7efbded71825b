// Ways out for data: URLs with a place to fill in, and secrets that stand in the text. Internal to the screen
// module.
#pragma once

#include <string_view>
#include <vector>

#include "screen/html_walk.hpp"
#include "screen/screen.hpp"

namespace countersign::screen {

/// Links and Markdown images whose URL has a placeholder in its query, such as `?q={conversation}`.
[[nodiscard]] std::vector<Finding> find_placeholders(std::string_view text, const std::vector<Link>& links);
struct AccessToken {
  std::string_view name;  // "a GitHub token"
  std::string_view token;
};
/// What has the form that those who issue keys give them; at most 100.
[[nodiscard]] std::vector<AccessToken> access_tokens(std::string_view text);
/// Private keys and access tokens by their form, in received mail.
[[nodiscard]] std::vector<Finding> find_secrets(std::string_view text);

}  // namespace countersign::screen
