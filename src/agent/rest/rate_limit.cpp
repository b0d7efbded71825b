#include "agent/rest/rate_limit.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::agent::rest {
namespace {

std::int64_t seconds_up(std::int64_t us) { return std::max<std::int64_t>(1, (us + 999'999) / 1'000'000); }

}  // namespace

RateLimiter::RateLimiter(RateLimit limit) : limit_(limit) {
  CS_ASSERT(limit.limit > 0 && limit.window.count() > 0 && limit.keys_max > 0);
}

RateLimiter::Entry& RateLimiter::entry_of(std::string_view key) {
  if (const auto found = index_.find(key); found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= limit_.keys_max) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front(Entry{.key = std::string(key), .taken_us = {}});
  index_.emplace(entries_.front().key, entries_.begin());
  return entries_.front();
}

RateDecision RateLimiter::take(std::string_view key, UtcTime now) {
  const std::lock_guard lock(mutex_);
  std::vector<std::int64_t>& taken = entry_of(key).taken_us;
  const std::int64_t window = limit_.window.count();
  const std::int64_t at = taken.empty() ? to_us(now) : std::max(to_us(now), taken.back());
  taken.erase(taken.begin(), std::upper_bound(taken.begin(), taken.end(), at - window));

  RateDecision decision{.allowed = std::ssize(taken) < limit_.limit, .limit = limit_.limit};
  if (decision.allowed) {
    taken.push_back(at);
  } else {
    decision.retry_after_seconds = seconds_up(taken.front() + window - at);
  }
  decision.remaining = limit_.limit - std::ssize(taken);
  decision.reset_seconds = seconds_up(taken.back() + window - at);
  return decision;
}

std::size_t RateLimiter::keys() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void add_rate_headers(net::Headers& headers, const RateDecision& decision) {
  headers.set("RateLimit-Limit", std::to_string(decision.limit));
  headers.set("RateLimit-Remaining", std::to_string(decision.remaining));
  headers.set("RateLimit-Reset", std::to_string(decision.reset_seconds));
}

}  // namespace countersign::agent::rest
