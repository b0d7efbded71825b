// The one place that says what a provider's answer means: (where it came, its code) → (whom it concerns, what
// is known). Everything else only carries answers here (delivery.md §4).
#pragma once

#include <cstdint>
#include <string_view>

#include "provider/transport.hpp"

namespace countersign::provider {

/// The code of "no usable answer came": connection cut, deadline over, or no SMTP and no HTTP.
inline constexpr int kNoAnswer = 0;

struct Ruling {
  Scope scope;
  Verdict verdict;  // `accepted` before the final dot means: go on
};

/// code is kNoAnswer, an SMTP reply code or, in the phase `request`, an HTTP status.
[[nodiscard]] Ruling rule(Phase phase, int code) noexcept;

/// Providers over HTTP that give their faults names.
enum class Service : std::uint8_t { ses, resend };

/// The ruling for an answer to a request: by the provider's own name for the fault where that says more than
/// the status, else as rule(Phase::request, status).
/// error_name: as the provider writes it ("MessageRejected", "validation_error"), or empty.
[[nodiscard]] Ruling rule(Service service, int status, std::string_view error_name) noexcept;

}  // namespace countersign::provider
