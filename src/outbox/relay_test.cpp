// The breaker that all nodes share.
#include "outbox/relay.hpp"

#include <gmock/gmock.h>

#include "outbox/outbox_fixture.hpp"

namespace countersign::outbox {
namespace {

using namespace std::chrono_literals;
using mailbox::DeliveryStatus;
using testing::ElementsAre;
using testing::IsEmpty;

class RelayTest : public OutboxTest {
 protected:
  bool trip(bool probe = false) {
    const RelayFault fault{"auth", 535, "wrong password", probe, 1000ms};
    return db().write([&](store::Tx& tx) { return trip_relay(tx, "smtp", fault, now_); });
  }
  Permission ask() {
    return db().write([&](store::Tx& tx) { return ask_relay(tx, "smtp", now_, now_ + kLease); });
  }
  bool close(UtcTime asked_at = UtcTime::max()) {
    return db().write([&](store::Tx& tx) { return close_relay(tx, "smtp", asked_at); });
  }
  std::optional<Relay> relay() {
    return db().read([&](store::ReadTx& tx) { return look_at_relay(tx, "smtp"); });
  }
  std::int64_t end_overdue() {
    return db().write([&](store::Tx& tx) { return outbox::end_overdue(tx, "smtp", now_, 100); });
  }
};
COUNTERSIGN_ON_EVERY_STORE(RelayTest);

TEST_P(RelayTest, AProviderNobodyComplainedAboutMayBeUsed) {
  EXPECT_FALSE(relay());
  EXPECT_EQ(ask(), Permission::many);
}

TEST_P(RelayTest, TheFirstFaultIsTheAlarmAndTheOthersOfTheSameOutageAreNot) {
  EXPECT_TRUE(trip());
  EXPECT_FALSE(trip());
  EXPECT_FALSE(trip());
  EXPECT_EQ(relay()->failures, 1);
  EXPECT_EQ(relay()->text, "wrong password");
  EXPECT_EQ(ask(), Permission::none);
}

TEST_P(RelayTest, AnAnswerToWhatWasAskedBeforeTheOutageDoesNotEndIt) {
  const UtcTime before = now_;
  now_ += 1s;
  trip();
  EXPECT_FALSE(close(before));
  EXPECT_FALSE(close(now_));
  EXPECT_TRUE(relay()->open);
  EXPECT_TRUE(close(now_ + Duration(1)));
  EXPECT_FALSE(relay()->open);
}

TEST_P(RelayTest, OneOfSeveralNodesAsksWhenItIsTime) {
  trip();
  now_ += 1s;
  EXPECT_EQ(ask(), Permission::probe);
  EXPECT_EQ(ask(), Permission::none);
}

TEST_P(RelayTest, PausesGrowWithEachFailedProbeUpToTheLongest) {
  trip();
  Duration pause = 1s;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(relay()->probe_at - now_, std::min(pause, Duration(kOutagePauseMax))) << i;
    now_ = relay()->probe_at;
    ASSERT_EQ(ask(), Permission::probe);
    EXPECT_FALSE(trip(true));
    pause = std::min(pause * 2, Duration(kOutagePauseMax));
  }
}

TEST_P(RelayTest, ANodeThatDiedWhileAskingIsFollowedByAnother) {
  trip();
  now_ += 1s;
  ASSERT_EQ(ask(), Permission::probe);
  now_ += kLease;
  EXPECT_EQ(ask(), Permission::probe);
}

TEST_P(RelayTest, AProbeThatWasNotNeededIsGivenBack) {
  trip();
  now_ += 1s;
  ASSERT_EQ(ask(), Permission::probe);
  (void)db().write([&](store::Tx& tx) {
    return_probe(tx, "smtp", now_);
    return std::monostate{};
  });
  EXPECT_EQ(ask(), Permission::probe);
}

TEST_P(RelayTest, AnAnswerClosesItOnceAndTheNextOutageIsANewAlarm) {
  trip();
  EXPECT_TRUE(close());
  EXPECT_FALSE(close());
  EXPECT_EQ(ask(), Permission::many);
  EXPECT_TRUE(trip());
  EXPECT_EQ(relay()->probe_at - now_, Duration(1s));
}

TEST_P(RelayTest, AClockThatWasSetBackDoesNotKeepItClosedToProbes) {
  trip();
  now_ -= 24h;
  EXPECT_EQ(ask(), Permission::probe);
}

TEST_P(RelayTest, EverythingThatHasWaitedForTheHorizonEndsWithoutItsTurnToAsk) {
  add_account(1);
  std::vector<MessageId> old;
  for (int i = 0; i < 3; ++i) old.push_back(queue(1));
  now_ += 2h;
  const MessageId young = queue(1);
  trip();
  now_ += kOutageHorizon - 1h;
  EXPECT_EQ(end_overdue(), 3);
  for (const MessageId& id : old) {
    EXPECT_THAT(attempts(id), ElementsAre("cancelled/0"));
    EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
    EXPECT_EQ(lifecycle(id).back(), "submission.local_retries_exhausted");
    EXPECT_THAT(events(id), ElementsAre("email.failed"));
  }
  EXPECT_THAT(attempts(young), ElementsAre("queued/0"));
}

TEST_P(RelayTest, WhatIsOverdueBecauseWeWereAwayIsStillTriedWhenTheProviderIsThere) {
  add_account(1);
  const MessageId id = queue(1);
  now_ += kOutageHorizon * 2;
  EXPECT_EQ(end_overdue(), 0);
  EXPECT_EQ(claim_one().message, id);
}

TEST_P(RelayTest, APutBackAttemptIsNotedOnceHoweverLongTheOutage) {
  add_account(1);
  const MessageId id = queue(1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(release(claim_one()));
  EXPECT_EQ(std::ranges::count(lifecycle(id), "submission.temporary_failure"), 1);
}

}  // namespace
}  // namespace countersign::outbox
