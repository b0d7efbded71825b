// Whether the plain text and the HTML of a message say the same. Internal to the screen module.
#pragma once

#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

[[nodiscard]] std::vector<Finding> compare_alternatives(std::string_view text, std::string_view shown);

}  // namespace countersign::screen
