// Numbers that belong to people: payment cards, bank accounts, social security. Internal to the screen
// module.
#pragma once

#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

/// As find_disclosures. Numbers that issuers publish for tests do not count.
[[nodiscard]] std::vector<Finding> find_disclosed_numbers(std::string_view text);

}  // namespace countersign::screen
