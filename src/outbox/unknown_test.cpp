// Hand-overs whose answer was lost: how they are settled, by whom, and what a late truth still changes.
#include <gmock/gmock.h>

#include "outbox/feedback.hpp"
#include "outbox/outbox_fixture.hpp"
#include "outbox/resolve.hpp"
#include "support/overtaking.hpp"

namespace countersign::outbox {
namespace {

using mailbox::DeliveryStatus;
using testing::ElementsAre;
using testing::IsEmpty;

class UnknownTest : public OutboxTest {
 protected:
  UnknownTest() { add_account(1); }

  Claim handed_over() {
    const Claim claim = claim_one();
    EXPECT_TRUE(fence(claim));
    return claim;
  }
  /// A message whose only attempt is unknown.
  Claim lose(const std::vector<std::string>& to = {"one@elsewhere.example"},
             std::vector<RecipientAnswer> answers = {}) {
    id_ = queue(1, to);
    const Claim claim = handed_over();
    EXPECT_TRUE(record(claim, Verdict::unknown, std::move(answers)));
    now_ += std::chrono::seconds(1);
    return claim;
  }
  /// The same, as the rescuer finds it: its answer may still come.
  Claim lose_by_lease(const std::vector<std::string>& to) {
    id_ = queue(1, to);
    const Claim claim = handed_over();
    now_ += kLease + std::chrono::seconds(1);
    EXPECT_EQ(rescue().unknown, 1);
    return claim;
  }
  /// An event of the provider shows that it was taken.
  void prove(const Claim& claim) {
    Feedback sent;
    sent.source = "test";
    sent.event_id = fmt::format("{} of {}", id_.str(), claim.id.str());
    sent.kind = FeedbackKind::sent;
    sent.submission = claim.id;
    EXPECT_EQ(db().write([&](store::Tx& tx) { return apply_feedback(tx, sent, now_); }),
              FeedbackOutcome::applied);
  }
  static std::vector<RecipientAnswer> deferring(const std::string& address) {
    return {{address, Verdict::deferred, 452, "mailbox full"}};
  }
  bool resolve(const Claim& claim, Resolution resolution, const std::optional<UserId>& user = {}) {
    const ResolveCommand command{user, claim.id, resolution, "person: ann@example.com", "why"};
    return db().write([&](store::Tx& tx) { return outbox::resolve(tx, command, now_); }).has_value();
  }
  std::int64_t resend() {
    return db().write([&](store::Tx& tx) { return resend_by_policy(tx, now_, 10); });
  }
  void policy(bool resend, std::int64_t grace) {
    const UserId user = message(id_).user;
    EXPECT_TRUE(db().write(
        [&](store::Tx& tx) { return set_unknown_policy(tx, user, agent_of(1), {resend, grace}); }));
  }

  MessageId id_;
};
COUNTERSIGN_ON_EVERY_STORE(UnknownTest);
class UnknownOnPostgresTest : public UnknownTest {};
COUNTERSIGN_ON_POSTGRES(UnknownOnPostgresTest);

TEST_P(UnknownTest, IsAnnouncedAndJournaledWhenItHappens) {
  lose();
  EXPECT_THAT(events(id_), ElementsAre("email.unknown"));
  EXPECT_EQ(lifecycle(id_).back(), "submission.temporary_failure");
}

TEST_P(UnknownTest, OfThreeRecipientsOneUnknownMakesTheMessageUnknownNotSent) {
  id_ = queue(1, {"a@x.example", "b@x.example"});
  ASSERT_TRUE(record(handed_over(), Verdict::accepted, {{"b@x.example", Verdict::deferred, 451, "later"}}));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
  now_ += kRetryPauses[0];
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::unknown);
  EXPECT_EQ(message(id_).delivery_detail, "1 of 2 recipients (b@x.example): 451 as scripted");
}

TEST_P(UnknownOnPostgresTest, APolicyThatChangesWhileAnAttemptBecomesUnknownHolds) {
  id_ = queue(1);
  policy(true, 60);
  (void)handed_over();
  const UserId user = message(id_).user;
  now_ += kLease + std::chrono::seconds(1);
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_EQ(outbox::rescue(tx, {now_, now_, 100, "", {}}).unknown, 1); },
      [&](store::Tx& tx) { EXPECT_TRUE(set_unknown_policy(tx, user, agent_of(1), {false, 60})); });
  now_ += std::chrono::hours(1);
  EXPECT_EQ(resend(), 0);
  EXPECT_THAT(attempts(id_), ElementsAre("unknown/1"));
}

TEST_P(UnknownTest, APersonSaysItWasSent) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::sent));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_THAT(recipients(id_), ElementsAre("one@elsewhere.example accepted"));
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.sent"));
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, WhatWasDeferredBesideItGoesOnOnceItIsSettled) {
  const Claim claim =
      lose({"a@x.example", "b@x.example"}, {{"b@x.example", Verdict::deferred, 451, "later"}});
  ASSERT_TRUE(resolve(claim, Resolution::sent));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "queued/0"));
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("b@x.example"));
}

TEST_P(UnknownTest, SentAgainByAPersonIsOneMoreAttemptToEverybodyItConcerns) {
  const Claim claim =
      lose({"a@x.example", "b@x.example"}, {{"b@x.example", Verdict::deferred, 451, "later"}});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  EXPECT_THAT(attempts(id_), ElementsAre("superseded/1", "queued/0"));
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("a@x.example", "b@x.example"));
}

TEST_P(UnknownTest, GivenUpIsFailedAndAnnounced) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::give_up));
  EXPECT_THAT(attempts(id_), ElementsAre("superseded/1"));
  EXPECT_THAT(recipients(id_), ElementsAre("one@elsewhere.example cancelled"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::failed);
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.failed"));
}

TEST_P(UnknownTest, OneDecisionWinsAndAForeignOneFindsNothing) {
  const Claim claim = lose();
  EXPECT_FALSE(resolve(claim, Resolution::sent, UserId("somebody else")));
  ASSERT_TRUE(resolve(claim, Resolution::sent));
  EXPECT_FALSE(resolve(claim, Resolution::send_again));
  EXPECT_FALSE(resolve(claim, Resolution::give_up));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
}

TEST_P(UnknownTest, ALateAnswerBeatsALaterDecision) {
  const Claim claim = lose();
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_FALSE(resolve(claim, Resolution::send_again));
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, ALateAcceptanceTakesBackASecondAttemptThatWasNotMadeYet) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "cancelled/0"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, ALateAcceptanceCorrectsTheRefusalOfASecondAttempt) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  ASSERT_TRUE(record(handed_over(), Verdict::refused));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::failed);
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "refused/1"));
  EXPECT_THAT(recipients(id_), ElementsAre("one@elsewhere.example accepted"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.failed", "email.sent"));
}

TEST_P(UnknownTest, ASecondAttemptWhoseAnswerIsLostHasNothingToDecideOnceTheFirstWasAccepted) {
  for (const bool rescued : {false, true}) {
    const Claim claim = lose();
    ASSERT_TRUE(resolve(claim, Resolution::send_again));
    const Claim second = handed_over();
    ASSERT_TRUE(record(claim, Verdict::accepted));
    if (rescued) {
      now_ += std::chrono::hours(2);
      EXPECT_EQ(rescue().unknown, 0);
    } else {
      ASSERT_TRUE(record(second, Verdict::unknown));
    }
    EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "superseded/1")) << rescued;
    EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent) << rescued;
  }
}

TEST_P(UnknownTest, ASecondAttemptThatIsGivenBackDoesNotWaitForNobodyOnceTheFirstWasAccepted) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = handed_over();
  ASSERT_TRUE(record(claim, Verdict::accepted));
  ASSERT_TRUE(release(second));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "cancelled/1"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, ASecondAttemptIsNotRepeatedForNobodyOnceTheFirstWasAccepted) {
  repeat_window_ = kRepeatWindow;
  for (const bool rescued : {false, true}) {
    const Claim claim = lose();
    ASSERT_TRUE(resolve(claim, Resolution::send_again));
    const Claim second = handed_over();
    ASSERT_TRUE(record(claim, Verdict::accepted));
    if (rescued) {
      now_ += std::chrono::hours(2);
      EXPECT_EQ(rescue("scripted").requeued, 1);
    } else {
      ASSERT_TRUE(repeat(second));
    }
    EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "superseded/1")) << rescued;
    EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent) << rescued;
    EXPECT_THAT(claim_none(), IsEmpty()) << rescued;
  }
}

TEST_P(UnknownTest, ALateAcceptanceLeavesARepetitionItTakesBackOpenToItsOwn) {
  repeat_window_ = kRepeatWindow;
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = handed_over();
  ASSERT_TRUE(repeat(second));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "superseded/1"));
  EXPECT_THAT(claim_none(), IsEmpty());
  ASSERT_TRUE(record(second, Verdict::accepted)) << "a second copy, which is written down";
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "accepted/1"));
}

TEST_P(UnknownTest, ALateAcceptanceKeepsAClaimedSecondAttemptFromPassingItsFence) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = claim_one();
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_FALSE(fence(second));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "cancelled/1"));
}

TEST_P(UnknownTest, ALateAcceptanceLeavesTheSecondAttemptTheRecipientsTheFirstHadDeferred) {
  const Claim claim =
      lose({"a@x.example", "b@x.example"}, {{"b@x.example", Verdict::deferred, 451, "later"}});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = claim_one();
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_FALSE(fence(second)) << "it would serve a@x.example again";
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example queued"));
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("b@x.example"));
}

TEST_P(UnknownTest, ALateAcceptanceBehindASecondCopyIsWrittenDown) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  ASSERT_TRUE(record(handed_over(), Verdict::accepted));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "accepted/1"));
  EXPECT_EQ(std::ranges::count(lifecycle(id_), "submission.upstream_accepted"), 2);
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.sent"))
      << "the message was sent once more, not anew";
}

TEST_P(UnknownTest, ALateAcceptanceSettlesASecondAttemptThatIsUnknownToo) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "superseded/1"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
}

// --- evidence of the whole, and then the answer, which turned some away -----------------------------------

TEST_P(UnknownTest, WhomTheAnswerHadDeferredGoesOnWithTheAttemptThatEvidenceHadDropped) {
  const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  prove(claim);
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "cancelled/0"));
  ASSERT_TRUE(record(claim, Verdict::accepted, deferring("b@x.example")));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "queued/0"));
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example queued"));
  EXPECT_THAT(OutboxTest::claim(), IsEmpty()) << "it waits as after any deferral";
  now_ += kRetryPauses[0];
  const Claim second = claim_one();
  EXPECT_THAT(work(second)->recipients, ElementsAre("b@x.example"));
  ASSERT_TRUE(fence(second));
  ASSERT_TRUE(record(second, Verdict::accepted));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
}

TEST_P(UnknownTest, WhomTheAnswerHadDeferredGoesOnBehindAttemptsThatAreOver) {
  const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = handed_over();
  prove(claim);
  ASSERT_TRUE(record(second, Verdict::deferred));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "deferred/1"));
  ASSERT_TRUE(record(claim, Verdict::accepted, deferring("b@x.example")));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "deferred/1", "queued/0"));
  now_ += kRetryPauses[1];
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("b@x.example"));
}

TEST_P(UnknownTest, WhomTheAnswerHadDeferredIsServedByTheAttemptUnderWay) {
  const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = handed_over();
  prove(claim);
  ASSERT_TRUE(record(claim, Verdict::accepted, deferring("b@x.example")));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "handover/1"));
  ASSERT_TRUE(record(second, Verdict::accepted));
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example accepted"));
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, WhomTheAnswerHadDeferredHasTheCopyOfAnAttemptThatWasAccepted) {
  for (const bool by_evidence : {false, true}) {
    const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
    ASSERT_TRUE(resolve(claim, Resolution::send_again));
    const Claim second = handed_over();
    prove(claim);
    if (by_evidence) {
      prove(second);
    } else {
      ASSERT_TRUE(record(second, Verdict::accepted));
    }
    (void)record(claim, Verdict::accepted, deferring("b@x.example"));
    EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "accepted/1")) << by_evidence;
    EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example accepted")) << by_evidence;
    EXPECT_THAT(claim_none(), IsEmpty()) << "no third copy";
  }
}

TEST_P(UnknownTest, WhomTheAnswerHadDeferredIsUnknownAgainWhereALaterAttemptMayHaveBeenTaken) {
  const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  const Claim second = handed_over();
  prove(claim);
  ASSERT_TRUE(record(second, Verdict::unknown));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "superseded/1"));
  ASSERT_TRUE(record(claim, Verdict::accepted, deferring("b@x.example")));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "unknown/1"));
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example unknown"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::unknown);
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.sent", "email.unknown"));
  ASSERT_TRUE(resolve(second, Resolution::send_again));
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("b@x.example"));
}

TEST_P(UnknownTest, WhomTheAnswerHadDeferredIsNotTriedAgainOnceSomebodyHadGivenUp) {
  const Claim claim = lose_by_lease({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::give_up));
  prove(claim);
  ASSERT_TRUE(record(claim, Verdict::accepted, deferring("b@x.example")));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example cancelled"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::failed);
}

TEST_P(UnknownTest, ALateAcceptanceCorrectsWhatWasGivenUp) {
  const Claim claim = lose();
  ASSERT_TRUE(resolve(claim, Resolution::give_up));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.failed", "email.sent"));
}

TEST_P(UnknownTest, AnAgentWhosePolicyIsToResendDoesSoAfterTheGrace) {
  lose();
  policy(true, 60);
  now_ += std::chrono::seconds(58);
  EXPECT_EQ(resend(), 0);
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(resend(), 1);
  EXPECT_EQ(resend(), 0);
  EXPECT_THAT(attempts(id_), ElementsAre("superseded/1", "queued/0"));
}

TEST_P(UnknownTest, APolicySetBeforehandAppliesToWhatBecomesUnknownLater) {
  lose();
  policy(true, 60);
  const Claim second = lose();
  now_ += std::chrono::seconds(60);
  EXPECT_EQ(resend(), 2);
  EXPECT_FALSE(resolve(second, Resolution::sent));
}

TEST_P(UnknownTest, APolicyTakenBackLeavesItToAPerson) {
  lose();
  policy(true, 60);
  policy(false, 60);
  now_ += std::chrono::hours(100);
  EXPECT_EQ(resend(), 0);
}

TEST_P(UnknownTest, APolicyStopsResendingAfterSixAttempts) {
  id_ = queue(1);
  policy(true, 60);
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_TRUE(record(handed_over(), Verdict::unknown)) << attempt;
    now_ += std::chrono::seconds(60);
    EXPECT_EQ(resend(), attempt < 6 ? 1 : 0) << attempt;
  }
  EXPECT_EQ(attempts(id_).back(), "unknown/1");
  policy(true, 30);
  EXPECT_EQ(resend(), 0) << "also when the policy is set once more";
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::unknown);
}

TEST_P(UnknownTest, APolicysResendGoesOnTowardsTheOutageHorizonWithoutTheGrace) {
  id_ = queue(1);
  policy(true, 7 * 24 * 3600);
  now_ += kOutageHorizon - std::chrono::hours(1);
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  now_ += std::chrono::hours(7 * 24);
  ASSERT_EQ(resend(), 1);
  now_ += std::chrono::minutes(59);
  ASSERT_TRUE(release(claim_one()));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sending);
  now_ += std::chrono::minutes(1);
  ASSERT_TRUE(release(claim_one()));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::failed);
}

TEST_P(UnknownTest, ASecondLostHandOverOfTheSameAttemptIsToldOfToo) {
  const Claim claim = lose_by_lease({"one@elsewhere.example"});
  ASSERT_TRUE(release(claim, "421 closing")) << "not taken after all";
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  EXPECT_THAT(attempts(id_), ElementsAre("unknown/2"));
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.unknown"));
}

TEST_P(UnknownTest, EvidenceInsideTheGraceKeepsThePolicyFromResending) {
  const Claim claim = lose();
  policy(true, 60);
  ASSERT_TRUE(record(claim, Verdict::accepted));
  now_ += std::chrono::hours(1);
  EXPECT_EQ(resend(), 0);
  EXPECT_THAT(claim_none(), IsEmpty());
}

// --- providers that recognise a repetition ---------------------------------------------------------------

TEST_P(UnknownTest, AKeyedHandOverIsRepeatedInsideItsWindow) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(repeat(claim));
  EXPECT_THAT(attempts(id_), ElementsAre("queued/1"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::sending);
  const Claim again = handed_over();
  EXPECT_EQ(again.epoch, 2);
  ASSERT_TRUE(record(again, Verdict::accepted));
  EXPECT_THAT(events(id_), ElementsAre("email.sent"));
}

TEST_P(UnknownTest, AnAnswerToTheFirstHandOverSettlesOneThatWaitsToBeRepeated) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(repeat(claim));
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(UnknownTest, ARepetitionAndALaterAttemptKeepTheKey) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  const Claim first = claim_one();
  EXPECT_EQ(work(first)->key, id_.str());
  ASSERT_TRUE(fence(first));
  ASSERT_TRUE(repeat(first));
  now_ += repeat_pause_after(1);
  const Claim again = claim_one();
  EXPECT_EQ(work(again)->key, id_.str());
  ASSERT_TRUE(fence(again));
  ASSERT_TRUE(record(again, Verdict::accepted));
  id_ = queue(1);
  ASSERT_TRUE(record(handed_over(), Verdict::deferred));
  now_ += std::chrono::hours(1);
  EXPECT_EQ(work(claim_one())->key, id_.str()) << "a provider that turned it away knows nothing under it";
}

TEST_P(UnknownTest, WhatIsSentAgainHasAKeyAndAWindowOfItsOwn) {
  repeat_window_ = kRepeatWindow;
  const Claim lost = lose({"a@x.example"});
  now_ += kRepeatWindow - std::chrono::hours(1);
  ASSERT_TRUE(resolve(lost, Resolution::send_again));
  const Claim second = claim_one();
  EXPECT_EQ(work(second)->key, id_.str() + ".1");
  ASSERT_TRUE(fence(second));
  ASSERT_TRUE(repeat(second));
  now_ += std::chrono::hours(2);
  const Claim repeated = claim_one();
  EXPECT_EQ(work(repeated)->key, id_.str() + ".1") << "behind the first window, inside its own";
  ASSERT_TRUE(fence(repeated));
  ASSERT_TRUE(record(repeated, Verdict::unknown));
  ASSERT_TRUE(resolve(repeated, Resolution::send_again));
  EXPECT_EQ(work(claim_one())->key, id_.str() + ".2");
}

TEST_P(UnknownTest, BehindItsWindowAKeyedHandOverIsUnknownInsteadOfRepeated) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  ASSERT_TRUE(repeat(handed_over()));
  now_ += kRepeatWindow;
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_THAT(attempts(id_), ElementsAre("unknown/2"));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::unknown);
}

TEST_P(UnknownTest, AnotherProviderDoesNotRecogniseWhatThisOneMayHave) {
  id_ = queue(1);
  ASSERT_TRUE(repeat(handed_over()));
  EXPECT_THAT(claim(), IsEmpty()) << "the provider asked now recognises nothing";
  EXPECT_THAT(attempts(id_), ElementsAre("unknown/2"));
}

TEST_P(UnknownTest, ARepetitionThatIsTurnedAwaySaysNothingOfTheHandOverBefore) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  ASSERT_TRUE(repeat(handed_over()));
  const Claim again = handed_over();
  EXPECT_TRUE(again.repetition);
  EXPECT_FALSE(record(again, Verdict::refused));
  EXPECT_FALSE(record(again, Verdict::deferred));
  EXPECT_THAT(attempts(id_), ElementsAre("handover/2"));
  ASSERT_TRUE(record(again, Verdict::unknown));
  EXPECT_EQ(message(id_).delivery_status, DeliveryStatus::unknown);
}

TEST_P(UnknownTest, ARepetitionThatIsGivenBackIsStillARepetition) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  ASSERT_TRUE(repeat(handed_over()));
  ASSERT_TRUE(release(handed_over()));
  EXPECT_TRUE(claim_one().repetition);
}

TEST_P(UnknownTest, ALateAcceptanceServesNobodyWhomTheSameAnswerTurnedAway) {
  const Claim claim = lose({"a@x.example", "b@x.example"});
  ASSERT_TRUE(resolve(claim, Resolution::send_again));
  ASSERT_TRUE(record(claim, Verdict::accepted, {{"b@x.example", Verdict::refused, 550, "no such user"}}));
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example queued"));
  EXPECT_THAT(work(claim_one())->recipients, ElementsAre("b@x.example"));
}

TEST_P(UnknownTest, NeitherTheMessageNorItsAgentLeavesTheTrashBeforeItIsSettled) {
  const Claim claim = lose();
  const UserId user = message(id_).user;
  db().write([&](store::Tx& tx) {
    EXPECT_TRUE(mailbox::trash(tx, agent_of(1), id_, now_));
    EXPECT_TRUE(account::trash_agent(tx, user, agent_of(1), now_));
    return std::monostate{};
  });
  now_ += std::chrono::hours(31 * 24);
  const auto purged = [&] {
    return db().write([&](store::Tx& tx) {
      return mailbox::purge_trash(tx, now_, 10) + mailbox::purge_trashed_agents(tx, now_, 10);
    });
  };
  EXPECT_EQ(purged(), 0);
  ASSERT_TRUE(resolve(claim, Resolution::give_up));
  EXPECT_EQ(purged(), 2) << "the message and its agent";
}

TEST_P(UnknownTest, WhatMayHaveBeenTakenIsUnknownNotCancelledWhenItsMessageIsTrashed) {
  repeat_window_ = kRepeatWindow;
  id_ = queue(1);
  ASSERT_TRUE(repeat(handed_over()));
  (void)db().write([&](store::Tx& tx) { return mailbox::trash(tx, agent_of(1), id_, now_); });
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_THAT(attempts(id_), ElementsAre("unknown/2"));
}

}  // namespace
}  // namespace countersign::outbox
