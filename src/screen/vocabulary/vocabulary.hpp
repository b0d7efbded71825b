// The words of each language, or family of languages, that has a list of its own.
#pragma once

#include <span>

#include "screen/terms.hpp"

// In natural spelling; they are folded like the text they are looked for in.
namespace countersign::screen::vocabulary {

[[nodiscard]] std::span<const Terms> english();
[[nodiscard]] std::span<const Terms> germanic();
[[nodiscard]] std::span<const Terms> romance();
[[nodiscard]] std::span<const Terms> east_asian();
[[nodiscard]] std::span<const Terms> slavic_and_arabic();

}  // namespace countersign::screen::vocabulary
