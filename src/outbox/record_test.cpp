// Answers: what they mean for the attempt, for each recipient, for the message, and for those who watch.
#include <gmock/gmock.h>

#include "outbox/outbox_fixture.hpp"

namespace countersign::outbox {
namespace {

using mailbox::DeliveryStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecordTest : public OutboxTest {
 protected:
  RecordTest() { add_account(1); }

  Claim handed_over() {
    const Claim claim = claim_one();
    EXPECT_TRUE(fence(claim));
    return claim;
  }
};
COUNTERSIGN_ON_EVERY_STORE(RecordTest);

TEST_P(RecordTest, AnAcceptanceSendsTheMessageAndSaysSoOnce) {
  const MessageId id = queue(1);
  const Claim claim = handed_over();
  EXPECT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id), ElementsAre("accepted/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example accepted"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_EQ(message(id).provider_message_id, "provider-1");
  EXPECT_THAT(events(id), ElementsAre("email.sent"));
  EXPECT_EQ(lifecycle(id).back(), "submission.upstream_accepted");
  EXPECT_FALSE(record(claim, Verdict::accepted));
  EXPECT_FALSE(record(claim, Verdict::refused));
  EXPECT_THAT(events(id), ElementsAre("email.sent"));
}

TEST_P(RecordTest, OfAnswersThatShareATransactionEachCountsForItsOwnAttempt) {
  const MessageId lost = queue(1);
  const Claim paused = claim_one();
  now_ += kLease + std::chrono::seconds(1);
  ASSERT_EQ(rescue().requeued, 1);
  const Claim next = claim_one();
  const MessageId good = queue(1);
  const Claim other = claim_one();
  const std::vector<Claim> claims{paused, other, next, other};
  const FenceCommand command{std::string(kWorker), "scripted", now_, now_ + kLease};
  const auto fenced = db().write([&](store::Tx& tx) { return outbox::fence(tx, claims, command); });
  EXPECT_THAT(fenced, ElementsAre(false, true, true, false))
      << "the lost lease, and the second request for one";
  EXPECT_THAT(attempts(lost), ElementsAre("handover/2"));

  const Answer accepted{
      .verdict = Verdict::accepted, .phase = "final_dot", .code = 250, .provider = "scripted"};
  const Answer refused{
      .verdict = Verdict::refused, .phase = "final_dot", .code = 550, .provider = "scripted"};
  const std::vector<Answered> answers{
      {paused, refused}, {next, accepted}, {other, refused}, {other, accepted}};
  const auto recorded = db().write([&](store::Tx& tx) { return outbox::record(tx, answers, now_); });
  EXPECT_THAT(recorded, ElementsAre(false, true, true, false)) << "the stale answer, and the second one";
  EXPECT_EQ(message(lost).delivery_status, DeliveryStatus::sent);
  EXPECT_EQ(message(good).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(events(lost), ElementsAre("email.sent"));
  EXPECT_THAT(events(good), ElementsAre("email.failed"));
}

TEST_P(RecordTest, AnAcceptanceWithoutAPassedFenceIsNotBelieved) {
  const MessageId id = queue(1);
  EXPECT_FALSE(record(claim_one(), Verdict::accepted));
  EXPECT_THAT(attempts(id), ElementsAre("claimed/1"));
}

TEST_P(RecordTest, ARefusalFailsTheMessageEvenBeforeTheFence) {
  const MessageId id = queue(1);
  EXPECT_TRUE(record(claim_one(), Verdict::refused));
  EXPECT_THAT(attempts(id), ElementsAre("refused/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example refused"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_EQ(message(id).delivery_detail, "550 as scripted");
  EXPECT_THAT(events(id), ElementsAre("email.failed"));
  EXPECT_EQ(lifecycle(id).back(), "submission.provider_rejected");
}

TEST_P(RecordTest, ADeferredMessageIsTriedSixTimesWithTheContractsPauses) {
  const MessageId id = queue(1);
  using namespace std::chrono_literals;
  const std::vector<std::chrono::seconds> pauses{30s, 2min, 10min, 1h, 4h};
  for (const std::chrono::seconds pause : pauses) {
    ASSERT_TRUE(record(handed_over(), Verdict::deferred));
    EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sending);
    now_ += pause - std::chrono::microseconds(1);
    EXPECT_THAT(claim(), IsEmpty());
    now_ += std::chrono::microseconds(1);
  }
  const Claim last = handed_over();
  EXPECT_EQ(last.attempt, 6);
  ASSERT_TRUE(record(last, Verdict::deferred));
  now_ += std::chrono::hours(24);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example refused"));
  EXPECT_THAT(events(id), ElementsAre("email.failed"));
  EXPECT_EQ(lifecycle(id).back(), "submission.local_retries_exhausted");
}

TEST_P(RecordTest, TheEndOfTryingIsToldOfBesideARefusalInTheSameAnswer) {
  const MessageId id = queue(1, {"full@x.example", "gone@x.example"});
  for (const std::chrono::seconds pause : kRetryPauses) {
    ASSERT_TRUE(record(handed_over(), Verdict::deferred));
    now_ += pause;
  }
  const Claim last = handed_over();
  ASSERT_TRUE(record(last, Verdict::deferred, {{"gone@x.example", Verdict::refused, 550, "no such user"}}));
  EXPECT_THAT(events(id), ElementsAre("email.failed", "email.failed"));
  EXPECT_EQ(lifecycle(id).back(), "submission.local_retries_exhausted");
  EXPECT_FALSE(record(last, Verdict::deferred, {{"gone@x.example", Verdict::refused, 550, "no such user"}}));
  EXPECT_THAT(events(id), ElementsAre("email.failed", "email.failed")) << "an answer counts once";
}

TEST_P(RecordTest, ARefusedRecipientFailsAloneAndTheDeferredOneIsTriedAgain) {
  const MessageId id = queue(1, {"good@x.example", "gone@x.example", "full@x.example"});
  const Claim first = handed_over();
  ASSERT_TRUE(record(first, Verdict::accepted,
                     {{"gone@x.example", Verdict::refused, 550, "no such user"},
                      {"full@x.example", Verdict::deferred, 452, "mailbox full"}}));
  EXPECT_THAT(attempts(id), ElementsAre("accepted/1", "queued/0"));
  EXPECT_THAT(recipients(id),
              ElementsAre("full@x.example queued", "gone@x.example refused", "good@x.example accepted"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::failed);
  EXPECT_EQ(message(id).delivery_detail, "1 of 3 recipients (gone@x.example): 550 no such user");
  EXPECT_THAT(events(id), ElementsAre("email.sent", "email.failed"));

  now_ += kRetryPauses[0];
  const Claim second = claim_one();
  EXPECT_EQ(second.attempt, 2);
  EXPECT_THAT(work(second)->recipients, ElementsAre("full@x.example"));
  ASSERT_TRUE(fence(second));
  ASSERT_TRUE(record(second, Verdict::accepted));
  EXPECT_THAT(recipients(id),
              ElementsAre("full@x.example accepted", "gone@x.example refused", "good@x.example accepted"));
  EXPECT_THAT(attempts(id), ElementsAre("accepted/1", "accepted/1"));
}

TEST_P(RecordTest, ALostAnswerIsUnknownAndNothingIsTriedAgain) {
  const MessageId id = queue(1);
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  EXPECT_THAT(attempts(id), ElementsAre("unknown/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example unknown"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::unknown);
  now_ += std::chrono::hours(100);
  EXPECT_EQ(rescue().requeued, 0);
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_P(RecordTest, ALostAnswerKeepsWhatWasDefiniteAboutSingleRecipients) {
  const MessageId id = queue(1, {"good@x.example", "gone@x.example", "full@x.example"});
  ASSERT_TRUE(record(handed_over(), Verdict::unknown,
                     {{"gone@x.example", Verdict::refused, 550, "no such user"},
                      {"full@x.example", Verdict::deferred, 452, "mailbox full"}}));
  EXPECT_THAT(attempts(id), ElementsAre("unknown/1"));
  EXPECT_THAT(recipients(id),
              ElementsAre("full@x.example queued", "gone@x.example refused", "good@x.example unknown"));
}

TEST_P(RecordTest, ALateAcceptanceDoesNotTakeInWhomTheAttemptHadDeferred) {
  const MessageId id = queue(1, {"good@x.example", "full@x.example"});
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::unknown, {{"full@x.example", Verdict::deferred, 452, "mailbox full"}}));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(recipients(id), ElementsAre("full@x.example queued", "good@x.example accepted"));
  EXPECT_THAT(attempts(id), ElementsAre("accepted/1", "queued/0"));
}

TEST_P(RecordTest, AHandOverWhoseWorkerDiedBecomesUnknown) {
  const MessageId id = queue(1);
  handed_over();
  now_ += kLease + std::chrono::seconds(1);
  EXPECT_EQ(rescue().unknown, 1);
  EXPECT_THAT(attempts(id), ElementsAre("unknown/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example unknown"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::unknown);
}

TEST_P(RecordTest, AHandOverToAProviderThatKnowsRepeatsIsTriedAgain) {
  const MessageId id = queue(1);
  handed_over();
  now_ += kLease + std::chrono::seconds(1);
  const Rescued rescued = rescue("scripted");
  EXPECT_EQ(rescued.requeued, 1);
  EXPECT_EQ(rescued.unknown, 0);
  EXPECT_THAT(attempts(id), ElementsAre("queued/1"));
  repeat_window_ = kRepeatWindow;
  EXPECT_EQ(claim_one().epoch, 2);
}

TEST_P(RecordTest, ALateAcceptanceSettlesWhatWasUnknown) {
  const MessageId id = queue(1);
  const Claim claim = handed_over();
  now_ += kLease + std::chrono::seconds(1);
  ASSERT_EQ(rescue().unknown, 1);
  EXPECT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id), ElementsAre("accepted/1"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example accepted"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(events(id), ElementsAre("email.unknown", "email.sent"));
}

TEST_P(RecordTest, ALateDeferralOfWhatWasUnknownIsTriedAgain) {
  const MessageId id = queue(1);
  const Claim claim = handed_over();
  now_ += kLease + std::chrono::seconds(1);
  ASSERT_EQ(rescue().unknown, 1);
  EXPECT_TRUE(record(claim, Verdict::deferred));
  EXPECT_THAT(attempts(id), ElementsAre("deferred/1", "queued/0"));
  EXPECT_THAT(recipients(id), ElementsAre("one@elsewhere.example queued"));
  EXPECT_EQ(message(id).delivery_status, DeliveryStatus::sending);
  now_ += kRetryPauses[0];
  const Claim next = claim_one();
  EXPECT_THAT(work(next)->recipients, ElementsAre("one@elsewhere.example"));
}

TEST_P(RecordTest, AnAnswerForAMessageThatIsGoneIsNotNeeded) {
  const MessageId id = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::accepted));
  (void)db().write([&](store::Tx& tx) { return mailbox::trash(tx, agent_of(1), id, now_); });
  (void)db().write([&](store::Tx& tx) { return mailbox::purge(tx, agent_of(1), id); });
  EXPECT_FALSE(record(claim, Verdict::accepted));
}

}  // namespace
}  // namespace countersign::outbox
