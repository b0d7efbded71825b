// Whether the server answers, as all workers of one store know it together.
//
// While it is down one worker at a time tries to connect, with growing pauses. Jobs wait for it during a
// short grace only and then fail at once, so that an API says 503 instead of piling requests up.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "store/job_queue.hpp"

namespace countersign::store::postgres {

class Health {
 public:
  /// Returns when the caller may try to connect now. Throws Unavailable with the last failure's text when
  /// the grace or `deadline` is over first.
  void wait_for_turn(TimePoint deadline);
  void succeeded();
  void failed(const std::string& reason);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool down_ = false;
  TimePoint down_since_;
  TimePoint next_attempt_;
  std::chrono::milliseconds pause_{};
  std::string reason_;
};

}  // namespace countersign::store::postgres
