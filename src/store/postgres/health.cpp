#include "store/postgres/health.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace countersign::store::postgres {
namespace {

constexpr std::chrono::seconds kGrace{2};
constexpr std::chrono::milliseconds kFirstPause{25};
constexpr std::chrono::milliseconds kLongestPause{500};

}  // namespace

void Health::wait_for_turn(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  while (down_) {
    const TimePoint now = std::chrono::steady_clock::now();
    if (now >= next_attempt_) {
      next_attempt_ = now + pause_;
      return;
    }
    const TimePoint patience = std::min(deadline, down_since_ + kGrace);
    if (now >= patience) throw Unavailable(reason_);
    changed_.wait_until(lock, std::min(next_attempt_, patience));
  }
}

void Health::succeeded() {
  const std::lock_guard lock(mutex_);
  if (!down_) return;
  down_ = false;
  changed_.notify_all();
  log::info("store.server_up");
}

void Health::failed(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = std::chrono::steady_clock::now();
  if (!down_) {
    down_ = true;
    down_since_ = now;
    pause_ = kFirstPause;
    log::error("store.server_down", {{"error", reason}});
  } else {
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  next_attempt_ = now + pause_;
  reason_ = reason;
}

}  // namespace countersign::store::postgres
