// Characters that nobody sees and a program reads: tag characters, variation selectors, runs of zero width,
// and marks that turn the direction. Internal to the screen module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

struct Invisible {
  std::vector<Finding> findings;
  std::vector<std::string> decoded;  // what the hidden characters spell, one text of a kind
};

[[nodiscard]] Invisible find_invisible(std::string_view text);

}  // namespace countersign::screen
