#include "net/timers.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> wait_then(Timer& timer, bool& done) {
  co_await timer.wait();
  done = true;
}

class SteadyTimersTest : public testing::Test {
 protected:
  void wait() { asio::co_spawn(io_, wait_then(*timer_, done_), asio::detached); }

  asio::io_context io_;
  std::unique_ptr<Timer> timer_ = steady_timers().make(io_.get_executor());
  bool done_ = false;
};

TEST_F(SteadyTimersTest, AWaitEndsAtItsDeadlineAndNotBefore) {
  const auto begun = steady_timers().now();
  timer_->expires_after(5ms);
  wait();
  io_.run();
  EXPECT_TRUE(done_);
  EXPECT_GE(steady_timers().now() - begun, 5ms);
}

TEST_F(SteadyTimersTest, CancellingEndsAWaitEarly) {
  timer_->expires_after(1h);
  wait();
  io_.poll();
  EXPECT_FALSE(done_);
  timer_->cancel();
  io_.run();
  EXPECT_TRUE(done_);
}

TEST_F(SteadyTimersTest, ANewDeadlineEndsTheWaitForTheOldOne) {
  timer_->expires_after(1h);
  wait();
  io_.poll();
  timer_->expires_after(2h);
  io_.run();
  EXPECT_TRUE(done_);
}

}  // namespace
}  // namespace countersign::net
