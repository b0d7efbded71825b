// Rate limits in virtual time, and cursors under tampering.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/rest/cursor.hpp"
#include "agent/rest/rate_limit.hpp"
#include "base/crypto.hpp"

namespace countersign::agent::rest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr UtcTime kStart = from_us(1'800'000'000'000'000);

TEST(RateLimiter, AllowsTheLimitInAnyWindow) {
  RateLimiter limiter({3, seconds(60)});
  EXPECT_TRUE(limiter.take("k", kStart).allowed);
  EXPECT_TRUE(limiter.take("k", kStart + seconds(30)).allowed);
  EXPECT_TRUE(limiter.take("k", kStart + seconds(59)).allowed);
  EXPECT_FALSE(limiter.take("k", kStart + seconds(59)).allowed);
  EXPECT_FALSE(limiter.take("k", kStart + milliseconds(59'999)).allowed);
  EXPECT_TRUE(limiter.take("k", kStart + seconds(60)).allowed) << "the first one has left the window";
  EXPECT_FALSE(limiter.take("k", kStart + seconds(89)).allowed);
  EXPECT_TRUE(limiter.take("k", kStart + seconds(90)).allowed);
}

TEST(RateLimiter, SaysWhenToComeBackAndKeepsItsWord) {
  RateLimiter limiter({2, seconds(60)});
  const RateDecision first = limiter.take("k", kStart);
  EXPECT_EQ(first.remaining, 1);
  EXPECT_EQ(first.reset_seconds, 60);
  static_cast<void>(limiter.take("k", kStart + milliseconds(500)));
  const UtcTime later = kStart + milliseconds(1'200);
  const RateDecision refused = limiter.take("k", later);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.retry_after_seconds, 59) << "58.8 s, rounded up";
  EXPECT_EQ(refused.reset_seconds, 60);
  EXPECT_TRUE(limiter.take("k", later + seconds(refused.retry_after_seconds)).allowed);
}

TEST(RateLimiter, RefusedRequestsDoNotCount) {
  RateLimiter limiter({1, seconds(10)});
  static_cast<void>(limiter.take("k", kStart));
  for (int i = 1; i < 10; ++i) EXPECT_FALSE(limiter.take("k", kStart + seconds(i)).allowed);
  EXPECT_TRUE(limiter.take("k", kStart + seconds(10)).allowed);
}

TEST(RateLimiter, AClockThatStepsBackGivesNothingAway) {
  RateLimiter limiter({1, seconds(10)});
  static_cast<void>(limiter.take("k", kStart));
  const RateDecision refused = limiter.take("k", kStart - seconds(100));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after_seconds, 10);
}

TEST(RateLimiter, ForgetsTheLeastRecentlySeenKeyWhenThereAreTooMany) {
  RateLimiter limiter({.limit = 1, .window = seconds(10), .keys_max = 2});
  static_cast<void>(limiter.take("a", kStart));
  static_cast<void>(limiter.take("b", kStart));
  EXPECT_FALSE(limiter.take("a", kStart).allowed);
  static_cast<void>(limiter.take("c", kStart));  // b is forgotten
  EXPECT_EQ(limiter.keys(), 2U);
  EXPECT_FALSE(limiter.take("a", kStart).allowed);
  EXPECT_TRUE(limiter.take("b", kStart).allowed);
}

TEST(RateLimiter, IsExactUnderManyThreads) {
  RateLimiter limiter({1000, seconds(60)});
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) allowed += limiter.take("k", kStart).allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 1000);
}

TEST(Cursors, ReturnTheKeyTheyWereMadeOf) {
  const Cursors cursors("secret");
  for (const CursorKey& key :
       {CursorKey{0, ""}, CursorKey{1'800'000'000'123'456, "msg_\"\xc3\xa9"}, CursorKey{-1, "x"}}) {
    EXPECT_EQ(cursors.decode(cursors.encode(key, "messages|a@b"), "messages|a@b"), key);
  }
}

TEST(Cursors, AreBoundToTheirFiltersAndTheirSecret) {
  const Cursors cursors("secret");
  const std::string cursor = cursors.encode({1, "x"}, "messages|a@b|unread");
  EXPECT_FALSE(cursors.decode(cursor, "messages|a@b|all"));
  EXPECT_FALSE(cursors.decode(cursor, ""));
  EXPECT_FALSE(Cursors("other").decode(cursor, "messages|a@b|unread"));
  EXPECT_EQ(cursor.find("a@b"), std::string::npos);
}

TEST(Cursors, AnyChangedCharacterIsRefused) {
  const Cursors cursors("secret");
  const std::string cursor = cursors.encode({1'800'000'000'123'456, "msg_1"}, "f");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    for (const char other : {'A', 'B', '.', '=', '%', '\0', '\xff'}) {
      if (cursor[i] == other) continue;
      std::string changed = cursor;
      changed[i] = other;
      EXPECT_FALSE(cursors.decode(changed, "f")) << i;
    }
    EXPECT_FALSE(cursors.decode(cursor.substr(0, i), "f")) << i;
  }
  for (const std::string& bogus : {std::string(), std::string("."), std::string("bogus"), cursor + "A",
                                   cursor + ".", "." + cursor, std::string(100'000, 'A')}) {
    EXPECT_FALSE(cursors.decode(bogus, "f"));
  }
}

TEST(Cursors, AForeignFormUnderTheRightSecretIsRefused) {
  const Cursors cursors("secret");
  for (const char* content :
       {"", "{", "[]", "{}", R"({"t":"1","i":"x","f":"y"})", R"({"t":1,"i":2,"f":"y"})"}) {
    const std::string first = base64url_encode(content);
    const Sha256 mac = hmac_sha256("secret", first);
    const std::string_view bytes(reinterpret_cast<const char*>(mac.data()), mac.size());
    EXPECT_FALSE(cursors.decode(first + "." + base64url_encode(bytes), "f")) << content;
  }
}

}  // namespace
}  // namespace countersign::agent::rest
