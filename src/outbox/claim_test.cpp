// Taking attempts, giving them back, and what stops them before they are handed over.
#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "outbox/outbox_fixture.hpp"
#include "support/overtaking.hpp"
#include "support/planning.hpp"

namespace countersign::outbox {
namespace {

using mailbox::DeliveryStatus;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr store::Query kAnalyze("test.analyze", "ANALYZE");
constexpr store::Query kLockAttempt("claim_test.lock", "SELECT id FROM submissions WHERE id = $1 FOR UPDATE");

class ClaimTest : public OutboxTest {};
COUNTERSIGN_ON_EVERY_STORE(ClaimTest);
class ClaimOnPostgresTest : public ClaimTest {};
COUNTERSIGN_ON_POSTGRES(ClaimOnPostgresTest);

std::map<std::string, int> per_account(const std::vector<Claim>& claims) {
  std::map<std::string, int> counts;
  for (const Claim& claim : claims) ++counts[claim.user.str()];
  return counts;
}

TEST_P(ClaimTest, TakesWhatIsDueOnceWithAnEpoch) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  EXPECT_EQ(claim.message, id);
  EXPECT_EQ(claim.epoch, 1);
  EXPECT_EQ(claim.attempt, 1);
  EXPECT_THAT(attempts(id), ElementsAre("claimed/1"));
  EXPECT_THAT(this->claim(), IsEmpty());
}

TEST_P(ClaimTest, LeavesWhatIsNotDueYet) {
  add_account(1);
  const MessageId id = queue(1);
  now_ -= Duration(1);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::accepted);
}

TEST_P(ClaimTest, WhetherAnythingIsDueIsTheSameAsWhetherAClaimWouldFindIt) {
  const auto due = [this] {
    return db().read([now = now_](store::ReadTx& tx) { return is_anything_due(tx, now); });
  };
  EXPECT_FALSE(due());
  for (const int account : {1, 2}) add_account(account);
  queue(2);
  EXPECT_TRUE(due());
  now_ -= Duration(1);
  EXPECT_FALSE(due());
  now_ += Duration(1);
  EXPECT_THAT(claim(), SizeIs(1));
  EXPECT_FALSE(due());
}

TEST_P(ClaimTest, GivesEveryAccountItsTurnHoweverLongAnothersQueueIs) {
  for (const int account : {1, 2, 3}) add_account(account);
  for (int i = 0; i < 40; ++i) queue(1);
  queue(2);
  queue(3);
  const auto counts = per_account(claim(12));
  ASSERT_THAT(counts, SizeIs(3));
  for (const auto& [user, count] : counts) {
    EXPECT_EQ(count, user == fmt::format("{:032x}", 1) ? 4 : 1);
  }
}

TEST_P(ClaimTest, GoesOnWithTheAccountAfterTheOneServedLast) {
  const UserId first = add_account(1);
  const UserId second = add_account(2);
  queue(1);
  queue(2);
  EXPECT_EQ(claim(1, first).front().user, second);
  EXPECT_EQ(claim(1, second).front().user, first);
}

TEST_P(ClaimTest, ReachesAnAccountBehindManyThatOnlyWaitForTheirNextAttempt) {
  for (int account = 1; account <= 100; ++account) {
    add_account(account);
    queue(account);
  }
  for (int i = 0; i < 4; ++i) {
    for (const Claim& claim : claim(100)) {
      ASSERT_TRUE(fence(claim));
      ASSERT_TRUE(record(claim, Verdict::deferred));
    }
  }
  add_account(101);
  const MessageId id = queue(101);
  EXPECT_EQ(claim_one().message, id);
}

TEST_P(ClaimTest, TakesTheLongestOverdueOfAnAccountFirst) {
  add_account(1);
  const MessageId first = queue(1);
  now_ += std::chrono::seconds(1);
  queue(1);
  EXPECT_EQ(claim(1).front().message, first);
}

TEST_P(ClaimTest, CancelsWhatWasTrashedMeanwhile) {
  add_account(1);
  const MessageId id = queue(1);
  (void)db().write([&](store::Tx& tx) { return mailbox::trash(tx, agent_of(1), id, now_); });
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_THAT(attempts(id), ElementsAre("cancelled/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example cancelled"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(events(id), ElementsAre("email.failed"));
  EXPECT_EQ(lifecycle(id).back(), "submission.cancelled");
}

TEST_P(ClaimTest, CancelsWhatItsAgentLeftBehindInTheTrash) {
  const UserId user = add_account(1);
  const MessageId id = queue(1);
  (void)db().write([&](store::Tx& tx) { return account::trash_agent(tx, user, agent_of(1), now_); });
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_THAT(attempts(id), ElementsAre("cancelled/1"));
}

TEST_P(ClaimTest, CancelsWhatGoesToARecipientSuppressedSince) {
  add_account(1);
  const MessageId id = queue(1, {"one@elsewhere.example", "two@elsewhere.example"});
  const MessageId other = queue(1, {"three@elsewhere.example"});
  (void)db().write([&](store::Tx& tx) {
    return account::suppress_for_agent(tx, agent_of(1), "two@elsewhere.example", "manual", "", now_);
  });
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(claim_one().message, other);
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(message(id).delivery_detail, StartsWith("recipient_suppressed:"));
  EXPECT_THAT(recipients(id),
              ElementsAre("one@elsewhere.example cancelled", "two@elsewhere.example cancelled"));
  const auto codes = lifecycle(id);
  ASSERT_GE(codes.size(), 2U);
  EXPECT_EQ(codes[codes.size() - 2], "suppression.recipient_blocked");
  EXPECT_EQ(codes.back(), "submission.cancelled");
  EXPECT_THAT(events(id), ElementsAre("email.failed"));
}

TEST_P(ClaimTest, LoadsTheComposedBytesAndTheRecipientsStillToServe) {
  add_account(1);
  queue(1, {"one@elsewhere.example", "two@elsewhere.example"});
  const Claim claim = claim_one();
  const auto loaded = work(claim);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->envelope_from, "bounces@bounce.agents.example");
  EXPECT_THAT(loaded->recipients, ElementsAre("one@elsewhere.example", "two@elsewhere.example"));
  EXPECT_THAT(loaded->raw, StartsWith("Subject: Quarterly figures\r\n"));
  Claim stale = claim;
  ++stale.epoch;
  EXPECT_FALSE(work(stale).has_value());
}

TEST_P(ClaimTest, TheFenceIsPassedOnceByTheHolderOfTheLeaseInItsEpoch) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  Claim stale = claim;
  --stale.epoch;
  EXPECT_FALSE(fence(stale));
  EXPECT_FALSE(fence(claim, "worker-2"));
  EXPECT_TRUE(fence(claim));
  EXPECT_THAT(attempts(id), ElementsAre("handover/1"));
  EXPECT_FALSE(fence(claim));
}

TEST_P(ClaimTest, AWorkerWhoseLeaseWasRescuedCannotPassTheFence) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim paused = claim_one();
  now_ += kLease + std::chrono::seconds(1);
  EXPECT_EQ(rescue().requeued, 1);
  EXPECT_FALSE(fence(paused));
  const Claim next = claim_one();
  EXPECT_EQ(next.epoch, 2);
  EXPECT_FALSE(fence(paused));
  EXPECT_FALSE(record(paused, Verdict::refused));
  EXPECT_FALSE(release(paused));
  EXPECT_TRUE(fence(next));
  EXPECT_THAT(attempts(id), ElementsAre("handover/2"));
}

TEST_P(ClaimOnPostgresTest, AFenceThatIsCommittedWhileTheRescuerWaitsForItIsSeenByIt) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim paused = claim_one();
  const FenceCommand command{std::string(kWorker), "scripted", now_, now_ + kLease};
  now_ += kLease + std::chrono::seconds(1);
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(outbox::fence(tx, paused, command)); },
      [&](store::Tx& tx) { EXPECT_EQ(outbox::rescue(tx, {now_, now_, 100, "", {}}).requeued, 0); });
  EXPECT_THAT(attempts(id), ElementsAre("handover/1"));
  EXPECT_EQ(rescue().unknown, 1);
  EXPECT_TRUE(release(paused)) << "its worker knows better";
  EXPECT_THAT(attempts(id), ElementsAre("queued/1"));
}

TEST_P(ClaimOnPostgresTest, ARenewalLocksInTheOrderOfARecord) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  ASSERT_TRUE(fence(claim));
  std::atomic<int> runs = 0;  // more after a deadlock
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(mailbox::lock_for_worker(tx, id).has_value()); },
      [&](store::Tx& tx) {
        ++runs;
        EXPECT_EQ(outbox::renew(tx, std::span(&claim, 1), kWorker, now_ + 2 * kLease), 1);
      },
      [&](store::Tx& tx) {
        ++runs;
        EXPECT_EQ(tx.query(kLockAttempt, {claim.id.str()}).size(), 1U);
      });
  EXPECT_EQ(runs, 2);
}

TEST_P(ClaimTest, ARenewedLeaseIsNotRescued) {
  add_account(1);
  queue(1);
  const Claim claim = claim_one();
  now_ += kLease - std::chrono::seconds(1);
  EXPECT_TRUE(renew(claim));
  now_ += std::chrono::seconds(2);
  EXPECT_EQ(rescue().requeued, 0);
  EXPECT_TRUE(fence(claim));
}

TEST_P(ClaimTest, AHandOverThatOutlastsItsFirstRenewalIsSending) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::accepted);
  EXPECT_TRUE(renew(claim));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sending);
}

TEST_P(ClaimTest, WhoLostItsLeaseSaysNothingOfTheMessage) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  now_ += kLease + std::chrono::seconds(1);
  ASSERT_EQ(rescue().requeued, 1);
  const DeliveryStatus before = *message(id).delivery_status;
  EXPECT_FALSE(renew(claim));
  EXPECT_EQ(message(id).delivery_status, before);
}

TEST_P(ClaimTest, LookingForWorkDoesNotGoThroughTheQueue) {
  for (int account = 1; account <= 2; ++account) {
    add_account(account);
    for (int i = 0; i < 40; ++i) queue(account);
  }
  db().write([](store::Tx& tx) { return tx.execute(kAnalyze); });
  const std::vector<std::string> plan = db().read([now = now_](store::ReadTx& tx) {
    test::PlanningTx planning(tx);
    EXPECT_TRUE(is_anything_due(planning, now));
    return planning.plan();
  });
  EXPECT_THAT(plan, Contains(HasSubstr("submissions_due")));
  EXPECT_THAT(plan, Each(Not(AnyOf(HasSubstr("Seq Scan"), HasSubstr("Hash"), HasSubstr("Bitmap"),
                                   StartsWith("SCAN submissions")))));
}

TEST_P(ClaimTest, AReleasedAttemptCountsNoAttempt) {
  add_account(1);
  const MessageId id = queue(1);
  for (int i = 1; i <= 10; ++i) {
    const Claim claim = claim_one();
    EXPECT_EQ(claim.attempt, 1);
    EXPECT_EQ(claim.epoch, i);
    EXPECT_TRUE(release(claim));
  }
  EXPECT_THAT(attempts(id), ElementsAre("queued/10"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sending);
  EXPECT_THAT(events(id), IsEmpty());
}

TEST_P(ClaimTest, AReleaseAfterTheFenceIsSafeBecauseTheAnswerWasDefinite) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  ASSERT_TRUE(fence(claim));
  EXPECT_TRUE(release(claim, "421 closing"));
  EXPECT_THAT(attempts(id), ElementsAre("queued/1"));
}

TEST_P(ClaimTest, ALateReleaseSettlesWhatTheRescuerHadCalledUnknown) {
  add_account(1);
  const MessageId id = queue(1);
  const Claim claim = claim_one();
  ASSERT_TRUE(fence(claim));
  now_ += kLease + std::chrono::seconds(1);
  ASSERT_EQ(rescue().unknown, 1);
  EXPECT_TRUE(release(claim, "421 closing"));
  EXPECT_THAT(attempts(id), ElementsAre("queued/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example queued"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sending);
}

TEST_P(ClaimTest, AnOutageIsWaitedOutFor72HoursFromTheMomentTheMessageWasDue) {
  add_account(1);
  const MessageId id = queue(1);
  now_ += kOutageHorizon - std::chrono::seconds(1);
  EXPECT_TRUE(release(claim_one()));
  EXPECT_THAT(attempts(id), ElementsAre("queued/1"));
  now_ += std::chrono::seconds(1);
  EXPECT_TRUE(release(claim_one()));
  EXPECT_THAT(attempts(id), ElementsAre("cancelled/2"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example refused"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(events(id), ElementsAre("email.failed"));
  EXPECT_EQ(lifecycle(id).back(), "submission.local_retries_exhausted");
}

TEST_P(ClaimTest, InProgressIsTrueFromClaimToAnswer) {
  add_account(1);
  const MessageId id = queue(1);
  const auto in_progress = [&] {
    return db().read([&](store::ReadTx& tx) { return outbox::in_progress(tx, id); });
  };
  EXPECT_FALSE(in_progress());
  const Claim claim = claim_one();
  EXPECT_TRUE(in_progress());
  ASSERT_TRUE(fence(claim));
  EXPECT_TRUE(in_progress());
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_FALSE(in_progress());
}

}  // namespace
}  // namespace countersign::outbox
