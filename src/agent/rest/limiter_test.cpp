// Limits of nodes that share a store, and of one that does not.
#include "agent/rest/limiter.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <vector>

#include "support/stores.hpp"

namespace countersign::agent::rest {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr UtcTime kStart = from_us(1'800'000'000'000'000);

class LimiterTest : public test::StoreTest {
 protected:
  // What so many requests at once are answered, by nodes in turn.
  std::vector<RateDecision> ask(const std::vector<Limiter*>& nodes, int count, UtcTime now) {
    asio::io_context io;
    std::vector<std::future<RateDecision>> asked;
    for (int i = 0; i < count; ++i) {
      Limiter& node = *nodes[static_cast<std::size_t>(i) % nodes.size()];
      asked.push_back(asio::co_spawn(io, node.take("ada", now), asio::use_future));
    }
    io.run();
    std::vector<RateDecision> answers;
    for (auto& one : asked) answers.push_back(one.get());
    return answers;
  }
  static std::int64_t allowed(const std::vector<RateDecision>& answers) {
    return std::ranges::count_if(answers, [](const RateDecision& one) { return one.allowed; });
  }
};
COUNTERSIGN_ON_EVERY_STORE(LimiterTest);

TEST_P(LimiterTest, NodesTogetherAllowTheLimitOnce) {
  Limiter one("poll", {30, 60s}, &db());
  Limiter two("poll", {30, 60s}, &db());
  EXPECT_EQ(allowed(ask({&one, &two}, 20, kStart)), 20);
  EXPECT_EQ(allowed(ask({&one, &two}, 40, kStart + 1s)), 10);
  const std::vector<RateDecision> refused = ask({&one, &two}, 2, kStart + 2s);
  for (const RateDecision& answer : refused) {
    EXPECT_FALSE(answer.allowed);
    EXPECT_EQ(answer.limit, 30);
    EXPECT_EQ(answer.remaining, 0);
    EXPECT_EQ(answer.retry_after_seconds, 63)
        << "the window and a slot of five seconds, less the two that are over";
    EXPECT_EQ(answer.reset_seconds, 63);
  }
  EXPECT_EQ(allowed(ask({&one, &two}, 60, kStart + 65s)), 30);
}

TEST_P(LimiterTest, OneNodeHasTheWholeLimitAndCountsDown) {
  Limiter node("send", {20, 60s}, &db());
  for (int i = 19; i >= 0; --i) {
    const RateDecision answer = ask({&node}, 1, kStart).front();
    EXPECT_TRUE(answer.allowed);
    EXPECT_EQ(answer.remaining, i);
  }
  EXPECT_FALSE(ask({&node}, 1, kStart).front().allowed);
}

TEST_P(LimiterTest, ANodeThatIsStartedAgainAndAgainDoesNotUseTheLimitUp) {
  for (int start = 0; start < 30; ++start) {
    Limiter node("send", {100, 60s}, &db());
    EXPECT_EQ(allowed(ask({&node}, 1, kStart)), 1);
    EXPECT_EQ(allowed(ask({&node}, 1, kStart)), 1);
  }
}

TEST_P(LimiterTest, ARequestThatBeganBeforeTheAnswerOfAnotherIsNotRefusedForIt) {
  Limiter node("send", {100, 60s}, &db());
  EXPECT_EQ(allowed(ask({&node}, 1, kStart + 1ms)), 1);
  EXPECT_EQ(allowed(ask({&node}, 1, kStart)), 1);
}

TEST_P(LimiterTest, LimitsOfOtherNamesAndAProcessAloneCountForThemselves) {
  Limiter poll("poll", {1, 60s}, &db());
  Limiter send("send", {1, 60s}, &db());
  Limiter alone("poll", {1, 60s}, nullptr);
  for (Limiter* limiter : {&poll, &send, &alone}) EXPECT_EQ(allowed(ask({limiter}, 3, kStart)), 1);
}

TEST_P(LimiterTest, AStoreThatIsAwayIsNoRefusal) {
  Limiter node("poll", {10, 60s}, &db());
  db().stop();
  EXPECT_THROW((void)ask({&node}, 1, kStart), EnvironmentError);
}

}  // namespace
}  // namespace countersign::agent::rest
