// What providers tell later: correlation, proof of acceptance, recipients that only move up, suppressions.
#include "outbox/feedback.hpp"

#include <gmock/gmock.h>

#include "outbox/outbox_fixture.hpp"
#include "outbox/resolve.hpp"

namespace countersign::outbox {
namespace {

using mailbox::DeliveryStatus;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr store::Query kSuppressed("test.suppressed",
                                   "SELECT address || ' ' || source FROM account_suppressions ORDER BY 1");
constexpr store::Query kAccountEvents("test.account_events",
                                      "SELECT type FROM events WHERE message_id IS NULL ORDER BY position");
constexpr store::Query kWaiting("test.waiting", "SELECT event_id FROM feedback WHERE waiting = 1");

class FeedbackTest : public OutboxTest {
 protected:
  FeedbackTest() { add_account(1); }

  Claim handed_over() {
    const Claim claim = claim_one();
    EXPECT_TRUE(fence(claim));
    return claim;
  }
  /// A message the provider has accepted under the id "provider-1".
  Claim accepted(const std::vector<std::string>& to = {"one@elsewhere.example"}) {
    id_ = queue(1, to);
    const Claim claim = handed_over();
    EXPECT_TRUE(record(claim, Verdict::accepted));
    now_ += std::chrono::seconds(1);
    return claim;
  }
  Feedback about(FeedbackKind kind, const std::vector<std::string>& addresses = {"one@elsewhere.example"}) {
    Feedback feedback;
    feedback.source = "test";
    feedback.event_id = fmt::format("event-{}", ++events_);
    feedback.kind = kind;
    feedback.provider_message_id = "provider-1";
    for (const std::string& address : addresses)
      feedback.recipients.push_back({address, "250 or 550, as it is"});
    feedback.occurred_at = now_;
    return feedback;
  }
  FeedbackOutcome apply(const Feedback& feedback) {
    return db().write([&](store::Tx& tx) { return apply_feedback(tx, feedback, now_); });
  }
  DeliveryStatus status() { return message(id_).delivery_status.value(); }
  std::vector<std::string> texts(const store::Query& query) {
    return db().read([&](store::ReadTx& tx) {
      std::vector<std::string> out;
      for (const store::Row row : tx.query(query)) out.push_back(row.text(0));
      return out;
    });
  }

  MessageId id_;
  int events_ = 0;
};
COUNTERSIGN_ON_EVERY_STORE(FeedbackTest);

TEST_P(FeedbackTest, ADeliveryIsToldOnce) {
  accepted();
  const Feedback delivery = about(FeedbackKind::delivered, {"ONE@elsewhere.example"});
  EXPECT_EQ(apply(delivery), FeedbackOutcome::applied);
  EXPECT_EQ(status(), DeliveryStatus::delivered);
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.delivered"));
  EXPECT_EQ(lifecycle(id_).back(), "delivery.recipient_server_accepted");
  EXPECT_EQ(apply(delivery), FeedbackOutcome::repeated);
  EXPECT_EQ(apply(about(FeedbackKind::delivered)), FeedbackOutcome::ignored);
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.delivered"));
}

TEST_P(FeedbackTest, AMessageIsDeliveredOnlyWhenEveryRecipientHasIt) {
  accepted({"a@x.example", "b@x.example", "c@x.example"});
  apply(about(FeedbackKind::delivered, {"a@x.example"}));
  EXPECT_EQ(status(), DeliveryStatus::sent);
  EXPECT_EQ(message(id_).delivery_detail, "delivered to 1 of 3 recipients");
  apply(about(FeedbackKind::delayed, {"b@x.example"}));
  EXPECT_EQ(status(), DeliveryStatus::deferred);
  apply(about(FeedbackKind::delivered, {"b@x.example"}));
  EXPECT_EQ(status(), DeliveryStatus::sent);
  apply(about(FeedbackKind::delivered, {"c@x.example"}));
  EXPECT_EQ(status(), DeliveryStatus::delivered);
  EXPECT_EQ(message(id_).delivery_detail, "");
}

TEST_P(FeedbackTest, ARecipientOnlyMovesUpInWhateverOrderTheNewsComes) {
  accepted();
  EXPECT_EQ(apply(about(FeedbackKind::complained)), FeedbackOutcome::applied);
  EXPECT_EQ(apply(about(FeedbackKind::delivered)), FeedbackOutcome::ignored);
  EXPECT_EQ(apply(about(FeedbackKind::delayed)), FeedbackOutcome::ignored);
  EXPECT_EQ(status(), DeliveryStatus::complained);
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.complained"));
}

TEST_P(FeedbackTest, APermanentBounceSuppressesTheAddressForTheAccountOnce) {
  accepted();
  Feedback bounce = about(FeedbackKind::bounced);
  bounce.bounce_type = BounceType::permanent;
  bounce.bounce_sub_type = "General";
  EXPECT_EQ(apply(bounce), FeedbackOutcome::applied);
  EXPECT_EQ(status(), DeliveryStatus::bounced);
  EXPECT_THAT(texts(kSuppressed), ElementsAre("one@elsewhere.example bounce"));
  EXPECT_THAT(lifecycle(id_), Contains("delivery.permanent_bounce"));
  EXPECT_EQ(lifecycle(id_).back(), "suppression.hard_bounce_applied");
  EXPECT_EQ(apply(about(FeedbackKind::complained)), FeedbackOutcome::applied);
  EXPECT_THAT(texts(kSuppressed), ElementsAre("one@elsewhere.example bounce"));
  EXPECT_THAT(texts(kAccountEvents), ElementsAre("domain.suppression_added"));
}

TEST_P(FeedbackTest, APermanentBounceBehindATransientOneIsToldOf) {
  accepted();
  Feedback bounce = about(FeedbackKind::bounced);
  bounce.bounce_type = BounceType::transient;
  EXPECT_EQ(apply(bounce), FeedbackOutcome::applied);
  for (int i = 0; i < 2; ++i) {
    bounce = about(FeedbackKind::bounced);
    bounce.bounce_type = BounceType::permanent;
    EXPECT_EQ(apply(bounce), i == 0 ? FeedbackOutcome::applied : FeedbackOutcome::ignored);
    EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.bounced", "email.bounced"));
  }
  EXPECT_EQ(status(), DeliveryStatus::bounced);
  EXPECT_THAT(texts(kSuppressed), ElementsAre("one@elsewhere.example bounce"));
}

TEST_P(FeedbackTest, ATransientBounceSuppressesNothing) {
  accepted();
  Feedback bounce = about(FeedbackKind::bounced);
  bounce.bounce_type = BounceType::transient;
  EXPECT_EQ(apply(bounce), FeedbackOutcome::applied);
  EXPECT_EQ(status(), DeliveryStatus::bounced);
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.bounced"));
  EXPECT_EQ(lifecycle(id_).back(), "delivery.transient_bounce");
  EXPECT_THAT(texts(kSuppressed), IsEmpty());
}

TEST_P(FeedbackTest, ARejectFailsTheMessageWithoutSuppressingAnybody) {
  accepted();
  Feedback reject = about(FeedbackKind::rejected, {});
  reject.detail = "Bad content";
  EXPECT_EQ(apply(reject), FeedbackOutcome::applied);
  EXPECT_EQ(status(), DeliveryStatus::failed);
  EXPECT_EQ(message(id_).delivery_detail, "Bad content");
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.failed"));
  EXPECT_EQ(lifecycle(id_).back(), "submission.provider_rejected");
  EXPECT_THAT(texts(kSuppressed), IsEmpty());
}

TEST_P(FeedbackTest, WhomTheMessageWasNotSentToIsNotTouched) {
  accepted();
  EXPECT_EQ(apply(about(FeedbackKind::complained, {"stranger@elsewhere.example"})), FeedbackOutcome::ignored);
  EXPECT_EQ(status(), DeliveryStatus::sent);
  EXPECT_THAT(texts(kSuppressed), IsEmpty());
}

// --- evidence ---------------------------------------------------------------------------------------------

TEST_P(FeedbackTest, AnEventWithOurIdSettlesWhatWasUnknown) {
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::unknown));
  Feedback sent = about(FeedbackKind::sent, {});
  sent.submission = claim.id;
  EXPECT_EQ(apply(sent), FeedbackOutcome::applied);
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_EQ(status(), DeliveryStatus::sent);
  EXPECT_EQ(message(id_).provider_message_id, "provider-1");
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.sent"));
  EXPECT_FALSE(record(claim, Verdict::accepted)) << "nothing new";
}

TEST_P(FeedbackTest, ADeliveryProvesTheAcceptanceItSaysNothingOf) {
  id_ = queue(1, {"a@x.example", "b@x.example"});
  ASSERT_TRUE(record(handed_over(), Verdict::unknown));
  Feedback delivery = about(FeedbackKind::delivered, {"a@x.example"});
  delivery.message = id_;
  delivery.provider_message_id.clear();
  EXPECT_EQ(apply(delivery), FeedbackOutcome::applied);
  EXPECT_THAT(recipients(id_), ElementsAre("a@x.example accepted", "b@x.example accepted"));
  EXPECT_EQ(message(id_).delivery_detail, "delivered to 1 of 2 recipients");
}

TEST_P(FeedbackTest, AnEventThatOvertakesTheReplySettlesTheHandOver) {
  id_ = queue(1);
  const Claim claim = handed_over();
  Feedback delivery = about(FeedbackKind::delivered);
  delivery.submission = claim.id;
  EXPECT_EQ(apply(delivery), FeedbackOutcome::applied);
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1"));
  EXPECT_EQ(status(), DeliveryStatus::delivered);
  EXPECT_FALSE(record(claim, Verdict::accepted));
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.delivered"));
}

TEST_P(FeedbackTest, AReplyBehindTheEventStillTellsWhoWasTurnedAway) {
  id_ = queue(1, {"a@x.example", "full@x.example", "gone@x.example"});
  const Claim claim = handed_over();
  Feedback sent = about(FeedbackKind::delivered, {"a@x.example"});
  sent.submission = claim.id;
  ASSERT_EQ(apply(sent), FeedbackOutcome::applied);
  ASSERT_TRUE(record(claim, Verdict::accepted,
                     {{"gone@x.example", Verdict::refused, 550, "no such user"},
                      {"full@x.example", Verdict::deferred, 452, "mailbox full"}}));
  EXPECT_THAT(recipients(id_),
              ElementsAre("a@x.example accepted", "full@x.example queued", "gone@x.example refused"));
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "queued/0"));
  EXPECT_EQ(status(), DeliveryStatus::failed);
  EXPECT_FALSE(record(claim, Verdict::accepted, {{"a@x.example", Verdict::refused, 550, "no"}}))
      << "an answer counts once";
}

TEST_P(FeedbackTest, AnEventThatNamesAnUnknownProviderIdWaitsForTheAcceptanceThatBringsIt) {
  id_ = queue(1);
  const Claim claim = handed_over();
  Feedback bounce = about(FeedbackKind::bounced);
  bounce.bounce_type = BounceType::permanent;
  EXPECT_EQ(apply(bounce), FeedbackOutcome::kept);
  EXPECT_EQ(apply(bounce), FeedbackOutcome::repeated);
  EXPECT_THAT(texts(kWaiting), ElementsAre(bounce.event_id));
  Answer answer;
  answer.verdict = Verdict::accepted;
  answer.provider = "scripted";
  answer.provider_message_id = "provider-1";
  answer.feedback_expected = true;
  ASSERT_TRUE(record(claim, answer));
  EXPECT_EQ(status(), DeliveryStatus::bounced);
  EXPECT_THAT(events(id_), ElementsAre("email.sent", "email.bounced"));
  EXPECT_THAT(texts(kWaiting), IsEmpty());
  EXPECT_THAT(texts(kSuppressed), ElementsAre("one@elsewhere.example bounce"));
}

TEST_P(FeedbackTest, WhatWasOverlookedBecauseNobodyExpectedItIsAppliedByTheNextSweep) {
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_EQ(apply(about(FeedbackKind::delivered)), FeedbackOutcome::kept);
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_EQ(status(), DeliveryStatus::sent);
  const auto sweep = [&] {
    return db().write([&](store::Tx& tx) { return settle_waiting_feedback(tx, now_, 10); });
  };
  EXPECT_EQ(sweep(), 1);
  EXPECT_EQ(status(), DeliveryStatus::delivered);
  EXPECT_EQ(sweep(), 0);
}

TEST_P(FeedbackTest, WhatNobodyClaimsWithinTwoDaysWaitsNoMore) {
  id_ = queue(1);
  const Claim claim = handed_over();
  const Feedback foreign = about(FeedbackKind::delivered);
  ASSERT_EQ(apply(foreign), FeedbackOutcome::kept);
  const auto sweep = [&] {
    return db().write([&](store::Tx& tx) { return settle_waiting_feedback(tx, now_, 10); });
  };
  now_ += std::chrono::hours(48) - Duration(1);
  EXPECT_EQ(sweep(), 0);
  EXPECT_THAT(texts(kWaiting), ElementsAre(foreign.event_id));
  now_ += Duration(1);
  EXPECT_EQ(sweep(), 0);
  EXPECT_THAT(texts(kWaiting), IsEmpty());
  ASSERT_TRUE(record(claim, Verdict::accepted));
  EXPECT_EQ(sweep(), 0);
  EXPECT_EQ(status(), DeliveryStatus::sent);
  EXPECT_EQ(apply(foreign), FeedbackOutcome::repeated) << "it is still remembered";
}

TEST_P(FeedbackTest, WhatWaitedForAnAcceptanceIsNotUndoneByTheEventThatProvesIt) {
  id_ = queue(1, {"a@x.example", "b@x.example"});
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::unknown));
  ASSERT_EQ(apply(about(FeedbackKind::bounced, {"a@x.example"})), FeedbackOutcome::kept);
  Feedback delivery = about(FeedbackKind::delivered, {"b@x.example"});
  delivery.submission = claim.id;
  EXPECT_EQ(apply(delivery), FeedbackOutcome::applied);
  EXPECT_EQ(status(), DeliveryStatus::bounced);
  EXPECT_THAT(message(id_).delivery_detail, testing::StartsWith("1 of 2 recipients (a@x.example)"));
  EXPECT_THAT(events(id_), ElementsAre("email.unknown", "email.sent", "email.delivered", "email.bounced"));
  EXPECT_THAT(texts(kWaiting), IsEmpty());
}

TEST_P(FeedbackTest, ARecipientWhoseComplaintWaitedDoesNotMoveDownWithTheEventThatProvesTheAcceptance) {
  for (const FeedbackKind kind : {FeedbackKind::delivered, FeedbackKind::rejected, FeedbackKind::sent}) {
    const std::string address = fmt::format("{}@elsewhere.example", name_of(kind));  // it is suppressed then
    id_ = queue(1, {address});
    const Claim claim = handed_over();
    ASSERT_TRUE(record(claim, Verdict::unknown));
    Feedback complaint = about(FeedbackKind::complained, {address});
    complaint.provider_message_id = id_.str();
    ASSERT_EQ(apply(complaint), FeedbackOutcome::kept);
    Feedback proof = about(kind, {address});
    proof.provider_message_id = id_.str();
    proof.submission = claim.id;
    EXPECT_EQ(apply(proof), FeedbackOutcome::applied);
    EXPECT_EQ(status(), DeliveryStatus::complained) << name_of(kind);
    EXPECT_THAT(texts(kWaiting), IsEmpty());
  }
}

TEST_P(FeedbackTest, WhatWasNeverHandedOverIsProvedByNobody) {
  id_ = queue(1);
  const Claim claim = claim_one();
  Feedback delivery = about(FeedbackKind::delivered);
  delivery.submission = claim.id;
  EXPECT_EQ(apply(delivery), FeedbackOutcome::ignored);
  EXPECT_THAT(attempts(id_), ElementsAre("claimed/1"));
}

TEST_P(FeedbackTest, ADefiniteRefusalIsNotOverruledByAnEvent) {
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::refused));
  Feedback delivery = about(FeedbackKind::delivered);
  delivery.submission = claim.id;
  EXPECT_EQ(apply(delivery), FeedbackOutcome::ignored);
  EXPECT_THAT(attempts(id_), ElementsAre("refused/1"));
  EXPECT_EQ(status(), DeliveryStatus::failed);
}

TEST_P(FeedbackTest, EvidenceTakesBackTheSecondAttemptSomebodyHadAskedFor) {
  id_ = queue(1);
  const Claim claim = handed_over();
  ASSERT_TRUE(record(claim, Verdict::unknown));
  const ResolveCommand again{{}, claim.id, Resolution::send_again, "person: ann", ""};
  ASSERT_TRUE(db().write([&](store::Tx& tx) { return resolve(tx, again, now_); }).has_value());
  Feedback delivery = about(FeedbackKind::delivered);
  delivery.submission = claim.id;
  EXPECT_EQ(apply(delivery), FeedbackOutcome::applied);
  EXPECT_THAT(attempts(id_), ElementsAre("accepted/1", "cancelled/0"));
  EXPECT_THAT(claim_none(), IsEmpty());
}

TEST_P(FeedbackTest, AnEventOfSomethingElseIsIgnoredAndOneWithoutAnyIdToo) {
  Feedback stranger = about(FeedbackKind::delivered);
  stranger.provider_message_id.clear();
  stranger.message = MessageId("msg_of_somebody_else");
  EXPECT_EQ(apply(stranger), FeedbackOutcome::ignored);
}

TEST_P(FeedbackTest, OldEventsAreForgotten) {
  accepted();
  apply(about(FeedbackKind::delivered));
  const auto forget = [&](UtcTime cutoff) {
    return db().write([&](store::Tx& tx) { return forget_feedback(tx, cutoff, 10); });
  };
  EXPECT_EQ(forget(now_), 0);
  EXPECT_EQ(forget(now_ + Duration(1)), 1);
}

}  // namespace
}  // namespace countersign::outbox
