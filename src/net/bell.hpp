// What a loop of work rests on between its rounds. On one executor, that of the loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

#include "net/timers.hpp"

namespace countersign::net {

class Bell {
 public:
  Bell(Timers& timers, const boost::asio::any_io_executor& executor) : timer_(timers.make(executor)) {}

  /// There may be something to do.
  void ring() {
    rung_ = true;
    timer_->cancel();
  }
  /// A round begins: it looks after whatever has rung until now.
  void answer() { rung_ = false; }
  /// Completes when it rings, at once when it has rung since answer(); or when `time` is over. One rest at a
  /// time.
  [[nodiscard]] boost::asio::awaitable<void> rest(std::chrono::steady_clock::duration time) {
    if (rung_) co_return;
    timer_->expires_after(time);
    co_await timer_->wait();
  }

 private:
  std::unique_ptr<Timer> timer_;
  bool rung_ = false;
};

}  // namespace countersign::net
