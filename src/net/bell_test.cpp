#include "net/bell.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class BellTest : public testing::Test {
 protected:
  static asio::awaitable<void> rest_then(Bell& bell, std::chrono::steady_clock::duration time, int& ended) {
    co_await bell.rest(time);
    ++ended;
  }
  void rest(std::chrono::steady_clock::duration time) {
    asio::co_spawn(io_, rest_then(bell_, time, ended_), asio::detached);
    io_.poll();
    io_.restart();
  }

  asio::io_context io_;
  Bell bell_{steady_timers(), io_.get_executor()};
  int ended_ = 0;
};

TEST_F(BellTest, ARestEndsWhenItRings) {
  rest(1h);
  EXPECT_EQ(ended_, 0);
  bell_.ring();
  io_.poll();
  EXPECT_EQ(ended_, 1);
}

TEST_F(BellTest, ARestEndsWhenItsTimeIsOver) {
  asio::co_spawn(io_, rest_then(bell_, 1ms, ended_), asio::detached);
  io_.run();
  EXPECT_EQ(ended_, 1);
}

TEST_F(BellTest, WhatRangDuringTheRoundIsNotMissed) {
  bell_.answer();
  bell_.ring();
  rest(1h);
  EXPECT_EQ(ended_, 1);
}

TEST_F(BellTest, ARoundLooksAfterWhatRangBefore) {
  bell_.ring();
  bell_.answer();
  rest(1h);
  EXPECT_EQ(ended_, 0);
  bell_.ring();
  io_.poll();
  EXPECT_EQ(ended_, 1);
}

}  // namespace
}  // namespace countersign::net
