// Waiting, as a value that is handed over: real time in production, virtual time in the simulator.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

namespace countersign::net {

/// One deadline and at most one wait for it at a time. Used on the executor it was made for.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Sets the deadline; a wait under way completes.
  virtual void expires_after(std::chrono::steady_clock::duration time) = 0;
  /// A wait under way completes; without one nothing happens.
  virtual void cancel() = 0;
  /// Completes at the deadline, or earlier by cancel() or expires_after(). Does not throw.
  [[nodiscard]] virtual boost::asio::awaitable<void> wait() = 0;
};

/// Where timers and steady time come from.
class Timers {
 public:
  virtual ~Timers() = default;
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Timer> make(const boost::asio::any_io_executor& executor) = 0;
};

/// Real time. Has no state; thread-safe.
[[nodiscard]] Timers& steady_timers();

}  // namespace countersign::net
