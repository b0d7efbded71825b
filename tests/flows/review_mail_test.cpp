// Mail to reviewers on every store: queued with the hold, sent at least once, and what the clock may do about
// a hold of which no mail has left.
#include "notify/review_mail.hpp"

#include <gmock/gmock.h>

#include "flows/review_mail_fixture.hpp"
#include "support/overtaking.hpp"

namespace countersign::test {
namespace {

using mailbox::ReviewStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
constexpr std::chrono::days kWeek{7};

COUNTERSIGN_ON_EVERY_STORE(ReviewMailTest);
class ReviewMailOnPostgresTest : public ReviewMailTest {};
COUNTERSIGN_ON_POSTGRES(ReviewMailOnPostgresTest);

TEST_P(ReviewMailTest, AHoldIsMailedToTheOwnerOnce) {
  const MessageId id = hold();
  EXPECT_EQ(state(id), "waiting");
  const std::vector<ReviewMail> mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_THAT(mails[0].recipients, ElementsAre("owner@example.com"));
  EXPECT_EQ(mails[0].holds[0].message.id, id);
  EXPECT_THAT(claim(), IsEmpty());
  ASSERT_TRUE(begin(mails[0]));
  EXPECT_EQ(record(mails[0], Outcome::accepted), "sent");
  EXPECT_EQ(state(id), "mailed sent");
  office_.pass(kWeek - 1h);
  EXPECT_THAT(claim(), IsEmpty());
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AHoldThatIsRolledBackLeavesNoNotification) {
  const MessageId id = office_.next_id();
  struct Failed {};
  EXPECT_THROW((void)db().write([&](store::Tx& tx) -> std::monostate {
    const auto agent = account::find_live_agent(tx, kAuthor, kSharedDomain);
    (void)hold::submit(tx, *agent, {}, {id, mailbox::Kind::send, "conv_1", draft_to({"a@b.example"})},
                       office_.send_step(), office_.now());
    throw Failed{};
  }),
               Failed);
  office_.pass(1s);
  EXPECT_THAT(claim(), IsEmpty());
}

// The window of delivery.md §6: a reviewer's notification is lost and the draft then auto-approved unseen.
TEST_P(ReviewMailTest, AReviewersNotificationThatIsLostKeepsTheClockFromApprovingUnseen) {
  hold_for(1h);
  const MessageId id = hold();
  office_.pass(1h);
  const UtcTime before = deadline(id);
  EXPECT_TRUE(refused_unseen(id).wait);
  const auto until = postpone(id);
  ASSERT_TRUE(until);
  EXPECT_EQ(*until, office_.now() + 30min);
  EXPECT_GT(deadline(id), before);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
  EXPECT_THAT(office_.events(id), ElementsAre("email.review_requested", "email.review_requested"));
  EXPECT_THAT(office_.lifecycle(id),
              ElementsAre("acceptance.outbound_api", "review.hold_created", "review.hold_created"));
  // While it waits, a person may decide; and once a mail has left, the clock.
  office_.pass(1s);
  EXPECT_EQ(send(), 1U);
  office_.pass(30min);
  EXPECT_TRUE(office_.expire_approve(id));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_expired_approved);
  office_.expect_sound();
}

TEST_P(ReviewMailTest, WhatCanNeverBeMailedIsRejectedByTheClockWithItsReason) {
  const MessageId id = hold();
  EXPECT_EQ(send(Outcome::refused), 1U);
  EXPECT_EQ(state(id), "mailed failed");
  office_.pass(kWeek);
  const approve::Unseen unseen = refused_unseen(id);
  EXPECT_FALSE(unseen.wait);
  EXPECT_EQ(unseen.reason, "reviewer_not_notified: the relay said so");
  EXPECT_FALSE(postpone(id));
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AWorkerThatNeverComesDoesNotHoldAMessageForever) {
  hold_for(40h);
  const MessageId id = hold();
  const UtcTime began = office_.now();
  office_.pass(40h);
  int extensions = 0;
  while (refused_unseen(id).wait) {
    const auto until = postpone(id, {notify::OnUnseen::reject, 10h});
    ASSERT_TRUE(until);
    ++extensions;
    office_.pass(*until - office_.now());
  }
  EXPECT_EQ(extensions, 4);  // past 72 hours, 10 at a time
  EXPECT_THAT(refused_unseen(id).reason, HasSubstr("72 hours"));
  EXPECT_LT(office_.now(), began + notify::kHorizon + 10h);
}

TEST_P(ReviewMailTest, AMailThatLeavesLateLeavesTimeToReact) {
  hold_for(600s);
  const MessageId id = hold();
  office_.pass(590s);
  const auto mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_EQ(deadline(id), office_.now() + 300s);
  EXPECT_EQ(*mails[0].holds[0].message.approval_expires_at, deadline(id));
}

TEST_P(ReviewMailTest, AMailThatWaitsForOthersUntilHalfOfTheTimeIsOverIsNotLate) {
  hold_for(60s);
  hold();
  ASSERT_EQ(send(), 1U);
  const MessageId id = hold();
  const UtcTime before = deadline(id);
  EXPECT_EQ(send(), 0U) << "put off, because of the mail before it";
  office_.pass(before - 30s - office_.now() + 1s);  // a poll interval after it is due
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(deadline(id), before);
  EXPECT_THAT(office_.events(id), ElementsAre("email.review_requested"));
  office_.expect_sound();
}

TEST_P(ReviewMailTest, WhereTheClockRejectsNothingIsPutOff) {
  office_.hold_all(kAuthor, account::OnExpiry::reject);
  const MessageId id = hold();
  office_.pass(kWeek);
  EXPECT_TRUE(office_.expire_reject(id));
  EXPECT_EQ(office_.message(id).rejection_reason, "ttl_expired");
}

TEST_P(ReviewMailTest, APolicyMayDoWithoutAMailAndThatIsKept) {
  notify::Settings settings;
  settings.on_unseen = notify::OnUnseen::approve;
  settle_agent(settings);
  const MessageId id = hold();
  office_.pass(kWeek);
  EXPECT_TRUE(office_.expire_approve(id));
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(id), "cancelled");
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AnAccountThatIsMutedGetsNoMailAndNothingIsApprovedUnseen) {
  notify::Settings settings;
  settings.mute = true;
  settle(settings);
  const MessageId id = hold();
  EXPECT_EQ(state(id), "muted");
  EXPECT_THAT(claim(), IsEmpty());
  office_.pass(kWeek);
  EXPECT_EQ(refused_unseen(id).reason, "reviewer_not_notified: mail to reviewers is turned off");
}

// docs/review.md, "What the clock may do": whoever says something first is followed.
TEST_P(ReviewMailTest, TheClockApprovesUnseenWhereThePolicyNearestToTheAgentSaysSo) {
  using notify::OnUnseen;
  constexpr OnUnseen approve = OnUnseen::approve;
  constexpr OnUnseen reject = OnUnseen::reject;
  struct Case {
    std::optional<OnUnseen> agent;
    std::optional<OnUnseen> account;
    bool agent_wants_no_mail;  // suppress_notifications, beside on_expiry: approve
    OnUnseen deployment;
    OnUnseen expected;
  };
  for (const Case& one :
       {Case{{}, {}, false, reject, reject}, Case{{}, {}, false, approve, approve},
        Case{{}, {}, true, reject, approve}, Case{{}, reject, true, reject, reject},
        Case{{}, reject, false, approve, reject}, Case{{}, approve, false, reject, approve},
        Case{reject, {}, true, approve, reject}, Case{reject, approve, true, approve, reject},
        Case{approve, reject, false, reject, approve}}) {
    notify::Settings settings;
    settings.on_unseen = one.account;
    settle(settings);
    settings.on_unseen = one.agent;
    settings.mute = one.agent_wants_no_mail;
    settle_agent(settings);
    const MessageId id = hold();
    office_.pass(kWeek);
    const bool approved = office_.expire_approve(id, {one.deployment, 1h}).has_value();
    if (!approved) ASSERT_TRUE(office_.expire_reject(id));
    EXPECT_EQ(approved, one.expected == approve)
        << "agent " << name_of(one.agent) << ", account " << name_of(one.account) << ", no mail "
        << one.agent_wants_no_mail << ", deployment " << notify::name_of(one.deployment);
    EXPECT_EQ(approved_unseen(id), approved);
  }
  EXPECT_THAT(claim(), IsEmpty());
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AnApprovalSaysThatItWasUnseenAndOneOfWhichAMailHasLeftDoesNot) {
  const MessageId seen = hold();
  EXPECT_EQ(send(), 1U);
  office_.protect(kAuthor,
                  [](account::Protection& protection) { protection.hold_suppress_notifications = true; });
  const MessageId unseen = hold();
  office_.pass(kWeek);
  ASSERT_TRUE(office_.expire_approve(seen));
  ASSERT_TRUE(office_.expire_approve(unseen));
  EXPECT_EQ(evidence(seen), R"({"review_resolution":"review_expired_approved"})");
  EXPECT_EQ(evidence(unseen), R"({"review_resolution":"review_expired_approved","source":"unseen"})");
  EXPECT_FALSE(approved_unseen(seen));
  EXPECT_TRUE(approved_unseen(unseen));
  office_.expect_sound();
}

TEST_P(ReviewMailTest, ALostAnswerIsNoAnswerAndTheMailIsSentAgainUnderTheSameId) {
  const MessageId id = hold();
  const auto first = claim();
  ASSERT_TRUE(begin(first[0]));
  EXPECT_EQ(record(first[0], Outcome::unknown), "queued");
  EXPECT_THAT(claim(), IsEmpty());
  office_.pass(30s);
  const auto second = claim();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].id, first[0].id);
  EXPECT_EQ(second[0].link_key, first[0].link_key);
  EXPECT_EQ(second[0].epoch, 2);
  ASSERT_TRUE(begin(second[0]));
  EXPECT_EQ(record(second[0], Outcome::accepted), "sent");
  EXPECT_THAT(outcomes(), ElementsAre("unknown", "accepted"));
  EXPECT_EQ(state(id), "mailed sent");
  office_.expect_sound();
}

TEST_P(ReviewMailOnPostgresTest, AnAnswerThatMeetsAnEarlierAttemptsAcceptanceIsNotNeeded) {
  const MessageId id = hold();
  const auto first = claim("worker-1");
  ASSERT_TRUE(begin(first[0], "worker-1"));
  office_.pass(61s);
  (void)db().write([&](store::Tx& tx) { return notify::rescue(tx, {office_.now(), office_.now()}); });
  office_.pass(30s);
  const auto second = claim("worker-2");
  ASSERT_THAT(second, SizeIs(1));
  ASSERT_TRUE(begin(second[0], "worker-2"));
  meet(
      store_, [&](store::Tx& tx) { EXPECT_EQ(record(tx, first[0], Outcome::accepted), "sent"); },
      [&](store::Tx& tx) { EXPECT_EQ(record(tx, second[0], Outcome::deferred), ""); });
  EXPECT_EQ(state(id), "mailed sent");
}

TEST_P(ReviewMailTest, AMailIsTriedFor72HoursAndThenFails) {
  const MessageId id = hold();
  std::size_t attempts = 0;
  while (state(id) != "mailed failed") {
    ASSERT_EQ(send(Outcome::deferred), 1U);
    ++attempts;
    EXPECT_THAT(claim(), IsEmpty());
    office_.pass(notify::pause_after(static_cast<std::int64_t>(attempts), 30s));
  }
  EXPECT_EQ(attempts, 22U);
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AnOutageOfTheProviderCostsNoAttempt) {
  const MessageId id = hold();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(send(Outcome::not_taken), 1U);
    office_.pass(1s);
  }
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(state(id), "mailed sent");
}

TEST_P(ReviewMailTest, AWorkerThatDiesIsSucceededAndCannotSendAfterwards) {
  const MessageId id = hold();
  const auto dead = claim("worker-1");
  ASSERT_TRUE(begin(dead[0], "worker-1"));
  office_.pass(61s);
  const auto rescued =
      db().write([&](store::Tx& tx) { return notify::rescue(tx, {office_.now(), office_.now()}); });
  EXPECT_EQ(rescued, 1);
  EXPECT_FALSE(begin(dead[0], "worker-1"));
  office_.pass(30s);
  const auto successor = claim("worker-2");
  ASSERT_THAT(successor, SizeIs(1));
  // The dead one lives after all, and its answer came: the mail has left.
  EXPECT_EQ(record(dead[0], Outcome::accepted), "sent");
  EXPECT_FALSE(begin(successor[0], "worker-2"));
  EXPECT_EQ(record(successor[0], Outcome::not_taken), "");
  EXPECT_EQ(state(id), "mailed sent");
  office_.expect_sound();
}

TEST_P(ReviewMailTest, WhatWasDecidedFirstIsNotMailed) {
  const MessageId early = hold();
  EXPECT_TRUE(office_.approve(early));
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(early), "cancelled");
  const MessageId late = hold();
  EXPECT_EQ(send(Outcome::deferred), 1U);
  EXPECT_TRUE(office_.reject(late));
  office_.pass(30s);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(late), "mailed cancelled");
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AHoldThatStandsAgainIsToldOfAllTheSame) {
  const MessageId early = hold();
  UtcTime at = decided_for_now(early);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(early), "cancelled");
  ASSERT_TRUE(taken_back(early, at));
  EXPECT_EQ(state(early), "waiting");
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(state(early), "mailed sent");

  const MessageId late = hold();
  office_.pass(60s);
  EXPECT_EQ(send(Outcome::deferred), 1U);
  at = decided_for_now(late);
  office_.pass(30s);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(late), "mailed cancelled");
  ASSERT_TRUE(taken_back(late, at));
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(state(late), "mailed sent");

  // Whoever was told is not told twice.
  at = decided_for_now(late);
  ASSERT_TRUE(taken_back(late, at));
  office_.pass(1h);
  EXPECT_THAT(claim(), IsEmpty());
  office_.expect_sound();
}

TEST_P(ReviewMailTest, WhatAMailDoesNotTellOfHasNotBeenSeen) {
  hold_for(600s);
  const MessageId decided = hold();
  const MessageId open = hold();
  EXPECT_EQ(send(Outcome::deferred), 1U);
  const UtcTime at = decided_for_now(decided);
  office_.pass(30s);
  std::vector<ReviewMail> mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  ASSERT_THAT(mails[0].holds, SizeIs(1));
  EXPECT_EQ(mails[0].holds[0].message.id, open);
  EXPECT_TRUE(begin(mails[0]));
  record(mails[0], Outcome::accepted);
  EXPECT_EQ(state(open), "mailed sent");

  ASSERT_TRUE(taken_back(decided, at));
  office_.pass(deadline(decided) - office_.now());
  EXPECT_TRUE(refused_unseen(decided).wait);
  mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  ASSERT_THAT(mails[0].holds, SizeIs(1));
  EXPECT_EQ(mails[0].holds[0].message.id, decided);
  EXPECT_TRUE(begin(mails[0]));
  record(mails[0], Outcome::accepted);
  EXPECT_EQ(state(decided), "mailed sent");
  office_.expect_sound();
}

TEST_P(ReviewMailTest, WhatIsDecidedStaysBehindTheLinksOfAMailThatMayHaveLeft) {
  const MessageId decided = hold();
  const MessageId open = hold();
  std::vector<ReviewMail> mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  ASSERT_THAT(mails[0].holds, SizeIs(2));
  EXPECT_TRUE(begin(mails[0]));
  record(mails[0], Outcome::unknown);
  office_.pass(1s);
  const UtcTime at = decided_for_now(decided);
  const auto link_key = [&] {
    const auto target = db().read([&](store::ReadTx& tx) { return notify::link_target(tx, decided); });
    return target ? target->link_key : std::string();
  };
  const std::string key = mails[0].link_key;
  office_.pass(30s);
  mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  ASSERT_THAT(mails[0].holds, SizeIs(1)) << "the next attempt tells of what is still to be decided";
  EXPECT_EQ(link_key(), key);
  EXPECT_TRUE(begin(mails[0]));
  record(mails[0], Outcome::accepted);
  EXPECT_EQ(link_key(), key);
  EXPECT_EQ(state(open), "mailed sent");
  office_.expect_sound();

  ASSERT_TRUE(taken_back(decided, at));
  EXPECT_EQ(state(decided), "waiting") << "the attempt that was taken told nothing of it";
  office_.pass(60s);
  mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  ASSERT_THAT(mails[0].holds, SizeIs(1));
  EXPECT_EQ(mails[0].holds[0].message.id, decided);
}

TEST_P(ReviewMailTest, WhatIsLeftOutAndStaysDecidedIsNotMailed) {
  const MessageId decided = hold();
  const MessageId open = hold();
  EXPECT_EQ(send(Outcome::deferred), 1U);
  EXPECT_TRUE(office_.reject(decided));
  office_.pass(30s);
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(state(decided), "waiting");
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(state(decided), "cancelled");
  EXPECT_EQ(state(open), "mailed sent");
  office_.expect_sound();
}

TEST_P(ReviewMailTest, HoldsThatComeCloseTogetherShareTheNextMail) {
  hold();
  EXPECT_EQ(send(), 1U);
  for (int i = 0; i < 30; ++i) hold();
  EXPECT_THAT(claim(), IsEmpty());
  office_.pass(60s);
  const auto mails = claim();
  ASSERT_THAT(mails, SizeIs(2));
  EXPECT_EQ(mails[0].holds.size() + mails[1].holds.size(), 30U);
}

TEST_P(ReviewMailTest, ADigestGathersThePeriodAndNeverWaitsLongerThanHalfOfTheHold) {
  notify::Settings settings;
  settings.digest_seconds = 1800;
  settle(settings);
  hold();
  office_.pass(10min);
  hold();
  EXPECT_THAT(claim(), IsEmpty());
  office_.pass(20min);
  const auto mails = claim();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_THAT(mails[0].holds, SizeIs(2));
  hold_for(600s);
  hold();
  office_.pass(300s);
  EXPECT_THAT(claim(), SizeIs(1));
}

TEST_P(ReviewMailTest, ReviewersOfTheAgentComeBeforeThoseOfTheAccount) {
  notify::Settings settings;
  settings.reviewers = {{"desk@example.com"}};
  settle(settings);
  hold();
  EXPECT_THAT(claim()[0].recipients, ElementsAre("desk@example.com"));
  settings.reviewers = {{"ann@example.com", "ben@example.com"}};
  settle_agent(settings);
  hold();
  EXPECT_THAT(claim()[0].recipients, ElementsAre("ann@example.com", "ben@example.com"));
}

TEST_P(ReviewMailTest, AnAgentInTheTrashIsNotMailedAboutUntilItIsRestored) {
  const auto anything_due = [&] {
    return db().read([&](store::ReadTx& tx) { return notify::anything_due(tx, office_.now()); });
  };
  const MessageId waiting = hold();
  EXPECT_TRUE(anything_due());
  office_.trash_agent(kAuthor);
  office_.pass(1h);
  EXPECT_FALSE(anything_due()) << "whoever looks finds nothing to do";
  EXPECT_THAT(claim(), IsEmpty());
  office_.restore_agent(kAuthor);
  EXPECT_TRUE(anything_due());
  EXPECT_EQ(send(Outcome::deferred), 1U);
  office_.trash_agent(kAuthor);
  office_.pass(1h);
  EXPECT_THAT(claim(), IsEmpty());
  office_.restore_agent(kAuthor);
  office_.pass(1h);
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(state(waiting), "mailed sent");
}

TEST_P(ReviewMailTest, ADeploymentThatMailsNobodyMutesWhatComes) {
  const MessageId id = hold();
  EXPECT_EQ(db().write([](store::Tx& tx) { return notify::mute_waiting(tx, 10); }), 1);
  EXPECT_EQ(state(id), "muted");
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_P(ReviewMailTest, WhatIsOldAndDecidedIsForgottenAndNothingElse) {
  const MessageId decided = hold();
  EXPECT_EQ(send(), 1U);
  office_.pass(1h);
  const MessageId held = hold();
  EXPECT_EQ(send(), 1U);
  EXPECT_TRUE(office_.reject(decided));
  const auto forget = [&] {
    return db().write([&](store::Tx& tx) { return notify::forget(tx, office_.now(), 10); });
  };
  office_.pass(notify::kMailsKept - 2h);
  EXPECT_EQ(forget(), 0);
  office_.pass(2h);
  EXPECT_EQ(forget(), 1);
  EXPECT_EQ(state(held), "mailed sent");
}

TEST_P(ReviewMailTest, AMailMayOutliveWhatItToldOf) {
  const MessageId decided = hold();
  EXPECT_EQ(send(), 1U);
  EXPECT_TRUE(office_.reject(decided));
  EXPECT_TRUE(db().write([&](store::Tx& tx) { return mailbox::trash(tx, kAuthor, decided, office_.now()); }));
  EXPECT_TRUE(db().write([&](store::Tx& tx) { return mailbox::purge(tx, kAuthor, decided); }));
  office_.expect_sound();
  office_.pass(60s);
  hold();
  EXPECT_EQ(send(Outcome::deferred), 1U);
  const auto remove = [&] {
    return db().write([&](store::Tx& tx) {
      return mailbox::purge_agent(tx, office_.owner(), kAuthor, office_.now()).value().over;
    });
  };
  while (!remove()) {
  }
  office_.expect_sound();
  office_.pass(30s);
  EXPECT_THAT(claim(), IsEmpty());
  office_.expect_sound();
}

TEST_P(ReviewMailTest, AThingThatIsStuckIsSeenByTheChecker) {
  hold();
  office_.pass(kWeek);
  const auto report = db().read([&](store::ReadTx& tx) {
    invariants::CheckOptions options;
    options.now = office_.now();
    return invariants::check(tx, options);
  });
  ASSERT_FALSE(report.clean());
  EXPECT_EQ(report.violations().front().rule, "review-notification-moves");
}

}  // namespace
}  // namespace countersign::test
