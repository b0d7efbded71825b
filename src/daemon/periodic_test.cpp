#include "daemon/periodic.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "store/error.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

TEST(Periodic, BeginsWithARoundSoThatFrequentRestartsDoNotStarveIt) {
  int rounds = 0;
  for (int start = 1; start <= 3; ++start) {
    asio::io_context io;
    Periodic task(io.get_executor(), "daily", std::chrono::hours(24), [&]() -> asio::awaitable<void> {
      ++rounds;
      task.stop();  // the process ends long before the next round
      co_return;
    });
    asio::co_spawn(io, task.run(), asio::detached);
    io.run();
    EXPECT_EQ(rounds, start);
  }
}

TEST(Periodic, ARoundThatFailsIsFollowedByTheNext) {
  int rounds = 0;
  asio::io_context io;
  Periodic task(io.get_executor(), "often", std::chrono::milliseconds(1), [&]() -> asio::awaitable<void> {
    if (++rounds == 1) throw store::Unavailable("the store is away");
    if (rounds == 2) throw std::logic_error("a bug");
    task.stop();
    co_return;
  });
  asio::co_spawn(io, task.run(), asio::detached);
  io.run();
  EXPECT_EQ(rounds, 3);
}

TEST(Periodic, StoppedWhileItPausesItEndsAtOnce) {
  int rounds = 0;
  asio::io_context io;
  Periodic task(io.get_executor(), "daily", std::chrono::hours(24), [&]() -> asio::awaitable<void> {
    ++rounds;
    co_return;
  });
  bool ended = false;
  asio::co_spawn(io, task.run(), [&](const std::exception_ptr&) { ended = true; });
  while (rounds == 0) io.run_one();
  task.stop();
  io.run();
  EXPECT_TRUE(ended);
  EXPECT_EQ(rounds, 1);
}

}  // namespace
}  // namespace countersign::daemon
