// The one place that says what an SMTP answer means: (where it came, its code) → (whom it concerns, what is
// known). Everything else only carries answers here (delivery.md §4).
#pragma once

#include "provider/transport.hpp"

namespace countersign::provider::smtp {

/// The code of "no usable answer came": connection cut, deadline over, or no SMTP.
inline constexpr int kNoAnswer = 0;

struct Ruling {
  Scope scope;
  Verdict verdict;  // `accepted` before the final dot means: go on
};

/// code is kNoAnswer or an SMTP reply code.
[[nodiscard]] Ruling rule(Phase phase, int code) noexcept;

}  // namespace countersign::provider::smtp
