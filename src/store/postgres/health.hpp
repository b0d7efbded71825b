// Whether the server answers, as all workers of one store know it together.
//
// While it is down one worker at a time tries to connect, with growing pauses. Jobs wait for it during a
// short grace only and then fail at once, so that an API says 503 instead of piling requests up. The first
// that fails is the alarm: a connection that was slow once, or a server that was started anew, harmed nobody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "store/job_queue.hpp"

namespace countersign::store::postgres {

/// What is waited for a server that is away. Both go with the store's deadline: on a machine with too much to
/// do everything takes longer, and whoever waits longer for the answers waits longer for the server, too.
struct Patience {
  /// A fifth and a half of it: two seconds and five of the usual ten. Not less, because a server on a busy
  /// machine may take that long; and with a bound, because requests pile up meanwhile.
  [[nodiscard]] static Patience within(std::chrono::milliseconds deadline);

  /// From the first failure until jobs fail at once.
  std::chrono::milliseconds grace;
  /// One attempt to connect. A server that does not even refuse is as good as down.
  std::chrono::milliseconds connect;
};

class Health {
 public:
  using Now = std::function<TimePoint()>;
  explicit Health(Patience patience, Now now = &std::chrono::steady_clock::now)
      : patience_(patience), now_(std::move(now)) {}

  /// How long an attempt to connect may take.
  [[nodiscard]] std::chrono::milliseconds connect_max() const noexcept { return patience_.connect; }

  /// Returns when the caller may try to connect now, for connect_max(). Throws Unavailable with the last
  /// failure's text when the grace or `deadline` is over first; of an outage, the first that happens to is an
  /// error in the log.
  void wait_for_turn(TimePoint deadline);
  void succeeded();
  void failed(const std::string& reason);

 private:
  void alarm();  // under the mutex

  const Patience patience_;
  const Now now_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool down_ = false;
  bool alarmed_ = false;
  TimePoint down_since_;
  TimePoint next_attempt_;
  std::chrono::milliseconds pause_{};
  std::string reason_;
};

}  // namespace countersign::store::postgres
