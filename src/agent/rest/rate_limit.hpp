// Sliding-window rate limits (contract §8), in the memory of this process, over a bounded number of keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
  std::int64_t reset_seconds;        // until the whole allowance is back
  std::int64_t retry_after_seconds;  // ≥ 1 when refused, else 0
};

/// Counts exactly: at most `limit` allowed requests of one key lie in any window, refused ones do not count.
/// Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(RateLimit limit);
  /// Asks for one more at `now` and counts it when it is allowed. A `now` before the latest one of the key is
  /// taken as that one.
  [[nodiscard]] RateDecision take(std::string_view key, UtcTime now);
  [[nodiscard]] std::size_t keys() const;

 private:
  struct Entry {
    std::string key;
    std::vector<std::int64_t> taken_us;  // ascending, at most `limit`
  };
  using Entries = std::list<Entry>;  // most recently used first

  Entry& entry_of(std::string_view key);

  const RateLimit limit_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> index_;  // views into entries_
};

/// Sets RateLimit-Limit, -Remaining and -Reset.
void add_rate_headers(net::Headers& headers, const RateDecision& decision);

}  // namespace countersign::agent::rest
