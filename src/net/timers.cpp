#include "net/timers.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

class SteadyTimer final : public Timer {
 public:
  explicit SteadyTimer(const asio::any_io_executor& executor) : timer_(executor) {}

  void expires_after(steady_clock::duration time) override { timer_.expires_after(time); }
  void cancel() override { timer_.cancel(); }
  asio::awaitable<void> wait() override {
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  asio::steady_timer timer_;
};

class SteadyTimers final : public Timers {
 public:
  [[nodiscard]] steady_clock::time_point now() const override { return steady_clock::now(); }
  std::unique_ptr<Timer> make(const asio::any_io_executor& executor) override {
    return std::make_unique<SteadyTimer>(executor);
  }
};

}  // namespace

Timers& steady_timers() {
  static SteadyTimers instance;
  return instance;
}

}  // namespace countersign::net
