// Work that repeats: at once, then after every pause, until stopped.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace countersign::daemon {

/// One repeating task. A fault of the surroundings is logged and the next round tries again.
class Periodic {
 public:
  using Work = std::function<boost::asio::awaitable<void>()>;

  Periodic(boost::asio::any_io_executor executor, std::string name, std::chrono::milliseconds pause,
           Work work);
  ~Periodic();
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  /// Completes after stop(), when the round under way is over. Runs once.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Thread-safe.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace countersign::daemon
