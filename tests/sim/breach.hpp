// What a schedule can be found guilty of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::sim {

enum class Breach : std::uint8_t {
  duplicate,  // somebody got something twice
  loss,       // something accepted came to no end, or is nowhere
  split,      // two parts of the truth contradict each other
  invariant,  // the invariant checker's finding
};
[[nodiscard]] std::string_view name_of(Breach breach);

struct Violation {
  Breach breach;
  std::string what;
};

}  // namespace countersign::sim
