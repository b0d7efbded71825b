// When to try again (contract/behaviour.md §10).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace countersign::outbox {

/// Pauses after the first, second, … attempt that was deferred: 30 s, 2 min, 10 min, 1 h, 4 h; six attempts
/// in all.
inline constexpr std::array<std::chrono::seconds, 5> kRetryPauses{
    std::chrono::seconds(30), std::chrono::seconds(120), std::chrono::seconds(600),
    std::chrono::seconds(3600), std::chrono::seconds(14'400)};
inline constexpr std::int64_t kAttemptsMax = static_cast<std::int64_t>(kRetryPauses.size()) + 1;

/// How long an unreachable provider is waited for, from the moment the message became due.
inline constexpr std::chrono::hours kOutageHorizon{72};
/// The longest pause between two looks at an unreachable provider.
inline constexpr std::chrono::minutes kOutagePauseMax{5};

/// The pause before a hand-over whose answer was lost is repeated, towards a provider that recognises
/// repeats: 2 s after the first, doubled with each, up to kOutagePauseMax.
[[nodiscard]] constexpr std::chrono::seconds repeat_pause_after(std::int64_t epoch) {
  constexpr std::int64_t kDoublingsMax = 8;
  const std::int64_t doublings = epoch < 1 ? 0 : epoch > kDoublingsMax ? kDoublingsMax : epoch - 1;
  const std::chrono::seconds pause{std::int64_t{2} << doublings};
  return pause < kOutagePauseMax ? pause : std::chrono::seconds(kOutagePauseMax);
}

/// The pause after attempt number `attempt` (from 1), or nothing when that was the last.
[[nodiscard]] constexpr std::optional<std::chrono::seconds> pause_after(std::int64_t attempt) {
  if (attempt < 1 || attempt > static_cast<std::int64_t>(kRetryPauses.size())) return std::nullopt;
  return kRetryPauses[static_cast<std::size_t>(attempt - 1)];
}

}  // namespace countersign::outbox
