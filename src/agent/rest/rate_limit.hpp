// Sliding-window rate limits (contract §8), in the memory of this process, over a bounded number of keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.hpp"
#include "net/http_message.hpp"

namespace countersign::agent::rest {

struct RateLimit {
  std::int64_t limit;  // > 0
  Duration window;
  std::size_t keys_max = 100'000;  // the least recently seen key is forgotten beyond it
};

struct RateDecision {
  bool allowed;
  std::int64_t limit;
  std::int64_t remaining;
  std::int64_t reset_seconds;        // until the whole allowance is back, at least 1
  std::int64_t retry_after_seconds;  // ≥ 1 when refused, else 0
};

/// Counts per key over the window before now: the present slice of one window plus the share of the slice
/// before it that still lies inside the window. Constant memory per key. Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(RateLimit limit) : limit_(limit) {}
  /// Asks for one more at `now` and counts it when it is allowed. `now` may step backward; it is then taken
  /// as the latest time seen for the key.
  [[nodiscard]] RateDecision take(std::string_view key, UtcTime now);
  [[nodiscard]] std::size_t keys() const;

 private:
  struct Window {
    std::string key;
    std::int64_t slice = 0;  // index of the present slice
    std::int64_t current = 0;
    std::int64_t previous = 0;
  };
  using Windows = std::list<Window>;  // most recently used first

  Window& window_of(std::string_view key);

  const RateLimit limit_;
  mutable std::mutex mutex_;
  Windows windows_;
  std::unordered_map<std::string_view, Windows::iterator> index_;  // views into windows_
};

/// Sets RateLimit-Limit, -Remaining and -Reset.
void add_rate_headers(net::Headers& headers, const RateDecision& decision);

}  // namespace countersign::agent::rest
