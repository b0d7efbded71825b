#include "store/postgres/health.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace countersign::store::postgres {
namespace {

constexpr std::chrono::seconds kGraceMin{2};
constexpr std::chrono::minutes kGraceMax{2};
constexpr std::chrono::seconds kConnectMin{5};
constexpr std::chrono::minutes kConnectMax{5};
constexpr std::chrono::milliseconds kFirstPause{25};
constexpr std::chrono::milliseconds kLongestPause{500};

}  // namespace

Patience Patience::within(std::chrono::milliseconds deadline) {
  using std::chrono::milliseconds;
  return {.grace = std::clamp<milliseconds>(deadline / 5, kGraceMin, kGraceMax),
          .connect = std::clamp<milliseconds>(deadline / 2, kConnectMin, kConnectMax)};
}

void Health::wait_for_turn(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  while (down_) {
    const TimePoint now = now_();
    if (now >= next_attempt_) {
      next_attempt_ = now + patience_.connect;  // nobody else before it has ended
      return;
    }
    const TimePoint patience = std::min(deadline, down_since_ + patience_.grace);
    if (now >= patience) {
      alarm();
      throw Unavailable(reason_);
    }
    changed_.wait_until(lock, std::min(next_attempt_, patience));
  }
}

void Health::succeeded() {
  const std::lock_guard lock(mutex_);
  if (!down_) return;
  down_ = false;
  alarmed_ = false;
  changed_.notify_all();
  log::info("store.server_up");
}

void Health::failed(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = now_();
  if (!down_) {
    down_ = true;
    down_since_ = now;
    pause_ = kFirstPause;
    log::warn("store.server_away", {{"error", reason}});
  } else {
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  next_attempt_ = now + pause_;
  reason_ = reason;
  changed_.notify_all();
}

void Health::alarm() {
  if (std::exchange(alarmed_, true)) return;
  log::error("store.server_down", {{"error", reason_}});
}

}  // namespace countersign::store::postgres
