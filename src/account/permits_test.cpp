// Permits of a limit that nodes share, in virtual time, on every store.
#include "account/permits.hpp"

#include <gtest/gtest.h>

#include <map>

#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::account {
namespace {

using namespace std::chrono_literals;

constexpr auto kSlot = 60s / kPermitSlots;
constexpr store::Query kLockOld("permits_test.lock", "SELECT 1 FROM rate_permits FOR UPDATE");

class PermitsTest : public test::StoreTest {
 protected:
  PermitBlock take(std::int64_t wanted, const std::string& subject = "ada", std::int64_t unspent = 0,
                   std::int64_t unspent_slot = 0) {
    const PermitRequest request{"poll", subject, 10, 60s, wanted, unspent, unspent_slot};
    return db().write([&](store::Tx& tx) { return take_permits(tx, request, now_); });
  }

  UtcTime now_ = from_us(1'800'000'000'000'000);  // begins a slot
};
COUNTERSIGN_ON_EVERY_STORE(PermitsTest);
class PermitsOnPostgresTest : public PermitsTest {};
COUNTERSIGN_ON_POSTGRES(PermitsOnPostgresTest);

TEST_P(PermitsTest, NoMoreThanTheLimitAreOut) {
  EXPECT_EQ(take(4).granted, 4);
  const PermitBlock block = take(8);
  EXPECT_EQ(block.granted, 6) << "what is left";
  EXPECT_EQ(block.remaining, 0);
  EXPECT_EQ(take(1).granted, 0);
  EXPECT_EQ(take(1, "eve").granted, 1) << "somebody else's";
}

TEST_P(PermitsTest, TheyComeBackWhenTheirSlotHasLeftEveryWindow) {
  now_ += kSlot - 1us;
  EXPECT_EQ(take(10).granted, 10);
  now_ += 60s;
  const PermitBlock refused = take(1);
  EXPECT_EQ(refused.granted, 0) << "a window that begins with the spending has not ended";
  EXPECT_EQ(refused.next_at, now_ + 1us);
  now_ = refused.next_at;
  EXPECT_EQ(take(10).granted, 10);
}

TEST_P(PermitsTest, InNoWindowMoreAreSpentThanTheLimit) {
  std::map<UtcTime, std::int64_t> spent;  // at the last moment at which they may be
  for (int i = 0; i < 400; ++i) {
    now_ += 1700ms;
    const PermitBlock block = take(1 + i % 3);
    spent[block.until - 1us] += block.granted;
  }
  std::int64_t all = 0;
  for (auto begin = spent.begin(); begin != spent.end(); ++begin) {
    std::int64_t sum = 0;
    for (auto at = begin; at != spent.end() && at->first < begin->first + 60s; ++at) sum += at->second;
    EXPECT_LE(sum, 10);
    all += begin->second;
  }
  EXPECT_GE(all, 100) << "in eleven minutes";
}

TEST_P(PermitsOnPostgresTest, WhatIsForgottenWhileSomebodyAsksBeginsAnew) {
  EXPECT_EQ(take(10).granted, 10);
  now_ += 10min;
  const PermitRequest request{"poll", "ada", 10, 60s, 4, 0, 0};
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_EQ(tx.query(kLockOld, {}).size(), 1U); },
      [&](store::Tx& tx) { EXPECT_EQ(take_permits(tx, request, now_).granted, 4); },
      [&](store::Tx& tx) { EXPECT_EQ(forget_permits(tx, now_, 10), 1); });
  EXPECT_EQ(take(10).granted, 6);
}

TEST_P(PermitsTest, WhatWasNotSpentIsGivenBack) {
  const PermitBlock first = take(8);
  now_ += 2 * kSlot;
  const PermitBlock second = take(9, "ada", 7, first.slot);
  EXPECT_EQ(second.granted, 9);
  EXPECT_EQ(second.remaining, 0);
}

TEST_P(PermitsTest, ANodeWhoseClockIsBehindTakesFromTheSameWindow) {
  now_ += kSlot;
  EXPECT_EQ(take(6).granted, 6);
  now_ -= 1s;
  EXPECT_EQ(take(6).granted, 4);
  now_ += 1s;
  EXPECT_EQ(take(1).granted, 0);
}

TEST_P(PermitsTest, SubjectsThatHaveAllBackAreForgotten) {
  take(1);
  take(1, "eve");
  EXPECT_EQ(db().write([&](store::Tx& tx) { return forget_permits(tx, now_ + 60s, 10); }), 0);
  EXPECT_EQ(db().write([&](store::Tx& tx) { return forget_permits(tx, now_ + 66s, 10); }), 2);
}

}  // namespace
}  // namespace countersign::account
