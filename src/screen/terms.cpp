#include "screen/terms.hpp"

#include "screen/vocabulary/vocabulary.hpp"

namespace countersign::screen {

std::vector<Terms> all_terms() {
  std::vector<Terms> all;
  for (const auto list : {vocabulary::english(), vocabulary::germanic(), vocabulary::romance(),
                          vocabulary::east_asian(), vocabulary::slavic_and_arabic()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

}  // namespace countersign::screen
