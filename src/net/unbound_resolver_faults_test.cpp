// libunbound against a name server that is slow, broken or lies: what nobody could tell is failed, in time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include "net/unbound_resolver.hpp"
#include "support/broken_dns_server.hpp"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A question that only ends by this costs it; one that is answered must not come near it.
constexpr auto kShort = 250ms;
constexpr auto kAmple = 300s;

class UnboundFaultsTest : public testing::Test {
 protected:
  void resolve_with(std::chrono::milliseconds timeout, std::size_t cache_bytes = 1U << 20U) {
    UnboundOptions options;
    options.servers = {server_.address()};
    options.timeout = timeout;
    options.cache_bytes_max = cache_bytes;
    resolver_.emplace(strand_, std::move(options));
  }
  template <class Answer>
  Answer wait_for(asio::awaitable<Answer> asking) {
    auto future = asio::co_spawn(strand_, std::move(asking), asio::use_future);
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one();
    return future.get();
  }
  DnsAnswer<std::string> txt(const std::string& first) {
    return wait_for(resolver_->txt(first + ".zone.example"));
  }
  DnsAnswer<asio::ip::address> a(const std::string& first) {
    return wait_for(resolver_->a(first + ".zone.example"));
  }

  asio::io_context io_;
  asio::strand<asio::io_context::executor_type> strand_ = asio::make_strand(io_);
  test::BrokenDnsServer server_;
  std::optional<UnboundResolver> resolver_;
};

TEST_F(UnboundFaultsTest, AnswersAreReadAndKept) {
  resolve_with(kAmple);
  EXPECT_THAT(txt("good").records, testing::ElementsAre("v=spf1 -all"));
  const int asked = server_.questions();
  EXPECT_EQ(txt("GOOD").status, DnsStatus::found);
  EXPECT_EQ(server_.questions(), asked);
}

TEST_F(UnboundFaultsTest, NoSuchNameAndNoDataAreAnswers) {
  resolve_with(kAmple);
  EXPECT_EQ(txt("nxdomain").status, DnsStatus::no_such_name);
  EXPECT_EQ(txt("nodata").status, DnsStatus::no_data);
}

TEST_F(UnboundFaultsTest, SilenceIsFailedWhenItsTimeIsOver) {
  resolve_with(kShort);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(txt("silent").status, DnsStatus::failed);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kShort);
}

TEST_F(UnboundFaultsTest, ManyQuestionsThatNobodyAnswersEndTogether) {
  constexpr auto kEach = 3s;
  resolve_with(kEach);
  std::vector<std::future<DnsAnswer<std::string>>> all;
  for (int i = 0; i < 20; ++i) {
    auto asking = resolver_->txt("silent-" + std::to_string(i) + ".zone.example");
    all.push_back(asio::co_spawn(strand_, std::move(asking), asio::use_future));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (auto& future : all) {
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one();
    EXPECT_EQ(future.get().status, DnsStatus::failed);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20 * kEach);
}

class UnboundFailureTest : public UnboundFaultsTest, public testing::WithParamInterface<const char*> {};

TEST_P(UnboundFailureTest, IsFailedAndNeitherAnAnswerNorANo) {
  resolve_with(2 * kShort);
  const auto begin = std::chrono::steady_clock::now();
  do {  // on a busy machine the time may be over before the server was asked
    const auto answer = txt(GetParam());
    EXPECT_EQ(answer.status, DnsStatus::failed);
    EXPECT_TRUE(answer.records.empty());
  } while (server_.questions() == 0 && std::chrono::steady_clock::now() - begin < kAmple);
  EXPECT_GE(server_.questions(), 1);
}

INSTANTIATE_TEST_SUITE_P(Faults, UnboundFailureTest,
                         testing::Values("servfail", "refused", "formerr", "cut", "garbage", "short",
                                         "wrongid", "wrongname", "ring", "endless"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(UnboundFaultsTest, WhatDoesNotFitIsAskedForOverTcp) {
  resolve_with(kAmple);
  EXPECT_THAT(txt("truncated").records, testing::ElementsAre("v=spf1 -all"));
}

TEST_F(UnboundFaultsTest, AHugeRecordArrivesWhole) {
  resolve_with(kAmple);
  const auto answer = txt("huge");
  ASSERT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(answer.records.front(), std::string(30'000, 't'));
}

TEST_F(UnboundFaultsTest, OfManyRecordsTheFirst256AreTaken) {
  resolve_with(kAmple);
  EXPECT_EQ(a("many").records.size(), 256U);
}

TEST_F(UnboundFaultsTest, TheCacheHasAnEnd) {
  constexpr int kNames = 300;
  const auto asked_again = [&] {
    for (int i = 0; i < kNames; ++i) {
      EXPECT_EQ(txt("long-" + std::to_string(i)).status, DnsStatus::found);
    }
    const int before = server_.questions();
    EXPECT_EQ(txt("long-0").status, DnsStatus::found);
    return server_.questions() - before;
  };
  resolve_with(kAmple, std::size_t{4} << 20U);
  EXPECT_EQ(asked_again(), 0);
  resolve_with(kAmple, std::size_t{64} << 10U);  // 300 answers of 900 octets do not fit
  EXPECT_EQ(asked_again(), 1);
}

}  // namespace
}  // namespace countersign::net
