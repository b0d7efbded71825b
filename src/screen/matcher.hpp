// Finds the words of all ideas in one pass over folded text (Aho-Corasick). Internal to the screen module.
#pragma once

#include <cstdint>
#include <vector>

#include "screen/fold.hpp"
#include "screen/terms.hpp"

namespace countersign::screen {

struct Hit {
  Idea idea = Idea::ignore;
  std::uint32_t begin = 0;  // in the folded text
  std::uint32_t end = 0;
};

/// In the order of their ends. Linear in the text; a repeated idea is reported each time.
[[nodiscard]] std::vector<Hit> find_ideas(const Folded& folded);

}  // namespace countersign::screen
