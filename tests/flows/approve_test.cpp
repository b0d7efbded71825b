// Decisions about one held draft: edits, refusals that leave it held, deadlines, the clock's sweep.
#include <gmock/gmock.h>

#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "mailbox/limits.hpp"
#include "notify/settings.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using approve::PendingApprovalEdit;
using mailbox::ReviewStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";
constexpr auto kWeek = std::chrono::hours(24 * 7);

constexpr store::Query kMoveAgent("approve_test.move_agent",
                                  "UPDATE agents SET registered_domain = 'unverified.example'");
constexpr store::Query kApprovedUnseen(
    "approve_test.approved_unseen", "SELECT approved_unseen FROM review_notifications WHERE message_id = $1");

class ApproveTest : public StoreTest {
 protected:
  ApproveTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor);
  }

  static mailbox::Draft draft() {
    mailbox::Draft draft = draft_to({std::string(kStranger)});
    draft.html = "<p>Below.</p>";
    draft.cc = {"copy@elsewhere.example"};
    draft.bcc = {"blind@elsewhere.example"};
    draft.attachments = {{"figures.csv", "text/csv", "1,2,3"}};
    return draft;
  }
  mailbox::Draft kept(const MessageId& id) {
    const mailbox::Message message = office_.message(id);
    return db().read([&](store::ReadTx& tx) { return mailbox::load_draft(tx, message); });
  }
  std::string raw(const MessageId& id) {
    return db().read([&](store::ReadTx& tx) { return mailbox::load_content(tx, id).raw.value_or(""); });
  }

  /// Approves a fresh draft with this edit and expects the kept draft, and what is sent, to be `expected`.
  void expect_edited(const PendingApprovalEdit& edit, const mailbox::Draft& expected) {
    const MessageId id = office_.hold(kAuthor, draft());
    const auto decision = office_.approve(id, edit);
    ASSERT_TRUE(decision);
    EXPECT_TRUE(decision->edited);
    EXPECT_EQ(kept(id), expected);
    const mailbox::Message message = office_.message(id);
    EXPECT_TRUE(message.edited);
    EXPECT_EQ(message.revision, 2);
    EXPECT_THAT(raw(id), HasSubstr("Subject: " + expected.subject + "\r\n"));
    EXPECT_THAT(raw(id), HasSubstr(expected.text));
    std::vector<std::string> envelope;
    for (const auto& [kind, list] :
         {std::pair("to", &expected.to), std::pair("cc", &expected.cc), std::pair("bcc", &expected.bcc)}) {
      for (const std::string& address : *list) {
        envelope.push_back(fmt::format("{} {} external queued", kind, address));
      }
    }
    EXPECT_THAT(office_.recipients(id), testing::UnorderedElementsAreArray(envelope));
  }
  /// Expects a refusal of this kind that leaves everything as it was.
  template <class Kind>
  Kind expect_refused(const MessageId& id, const PendingApprovalEdit& edit = {},
                      std::optional<std::int64_t> revision = {}) {
    const Snapshot before = snapshot_of(db());
    const auto decision = office_.approve(id, edit, revision);
    EXPECT_FALSE(decision);
    EXPECT_THAT(differences(before, snapshot_of(db())), testing::IsEmpty());
    EXPECT_TRUE(!decision && std::holds_alternative<Kind>(decision.error()));
    return decision || !std::holds_alternative<Kind>(decision.error()) ? Kind{}
                                                                       : std::get<Kind>(decision.error());
  }

  Office office_{db()};
};
COUNTERSIGN_ON_EVERY_STORE(ApproveTest);
class ApproveOnPostgresTest : public ApproveTest {};
COUNTERSIGN_ON_POSTGRES(ApproveOnPostgresTest);

TEST_P(ApproveTest, WithoutEditsSendsTheDraftAsItWasHeld) {
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(std::chrono::minutes(1));
  const auto decision = office_.approve(id);
  ASSERT_TRUE(decision);
  EXPECT_FALSE(decision->edited);
  EXPECT_FALSE(decision->send.complete);
  EXPECT_EQ(decision->send.method, mailbox::Method::smtp);
  EXPECT_EQ(kept(id), draft());
  EXPECT_EQ(office_.message(id).revision, 1);
  EXPECT_FALSE(office_.message(id).edited);
  EXPECT_THAT(raw(id), HasSubstr("figures.csv"));
  EXPECT_THAT(raw(id), Not(HasSubstr("blind@elsewhere.example")));
  EXPECT_THAT(office_.events(id), ElementsAre("email.review_requested", "email.review_approved"));
  EXPECT_THAT(office_.lifecycle(id), ElementsAre("acceptance.outbound_api", "review.hold_created",
                                                 "review.approved", "queue.outbound_submission"));
  office_.expect_sound();
}

TEST_P(ApproveTest, EachMemberOfAnEditReplacesOrClearsAndLeavesTheOthers) {
  PendingApprovalEdit edit;
  mailbox::Draft expected = draft();
  edit.subject = expected.subject = "Corrected figures";
  expect_edited(edit, expected);

  edit = {};
  expected = draft();
  edit.text = expected.text = "Corrected below.";
  expect_edited(edit, expected);

  for (const char* html : {"<p>Corrected.</p>", ""}) {
    edit = {};
    expected = draft();
    edit.html = expected.html = html;
    expect_edited(edit, expected);
  }
  using Addresses = std::vector<std::string>;
  for (const Addresses& to : {Addresses{"other@elsewhere.example"}, Addresses{}}) {
    edit = {};
    expected = draft();
    edit.to = expected.to = to;
    expect_edited(edit, expected);
  }
  for (const Addresses& list : {Addresses{"a@elsewhere.example", "b@elsewhere.example"}, Addresses{}}) {
    edit = {};
    expected = draft();
    edit.cc = expected.cc = list;
    expect_edited(edit, expected);
    edit = {};
    expected = draft();
    edit.bcc = expected.bcc = list;
    expect_edited(edit, expected);
  }
  using Attachments = std::vector<mailbox::DraftAttachment>;
  for (const Attachments& list :
       {Attachments{{"new.bin", "application/octet-stream", std::string("\0\xff", 2)},
                    {"second.txt", "text/plain", "two"}},
        Attachments{}}) {
    edit = {};
    expected = draft();
    edit.attachments = expected.attachments = list;
    expect_edited(edit, expected);
  }
  office_.expect_sound();
}

TEST_P(ApproveTest, AnEditToTheAgentItselfStaysHere) {
  const MessageId id = office_.hold(kAuthor, draft());
  PendingApprovalEdit edit;
  edit.to = {std::string(kAuthor)};
  edit.cc = std::vector<std::string>{};
  edit.bcc = std::vector<std::string>{};
  const auto decision = office_.approve(id, edit);
  ASSERT_TRUE(decision);
  EXPECT_TRUE(decision->send.complete);
  EXPECT_EQ(office_.inbox(kAuthor).size(), 1U);
  EXPECT_THAT(office_.attempts(id), IsEmpty());
  office_.expect_sound();
}

TEST_P(ApproveTest, TheRevisionTheReviewerSawMustStillStand) {
  const MessageId id = office_.hold(kAuthor, draft());
  EXPECT_EQ(expect_refused<approve::StaleRevision>(id, {}, 2).current, 1);
  EXPECT_TRUE(office_.approve(id, {}, 1));
}

TEST_P(ApproveTest, AnEditThatCannotBeSentLeavesTheDraftHeld) {
  const MessageId id = office_.hold(kAuthor, draft());
  PendingApprovalEdit edit;
  for (const char* subject : {"", "two\r\nBcc: victim@elsewhere.example", "a\nb"}) {
    edit = {};
    edit.subject = subject;
    EXPECT_EQ(expect_refused<approve::InvalidDraft>(id, edit).field, "subject");
  }
  edit = {};
  edit.text = "";
  EXPECT_EQ(expect_refused<approve::InvalidDraft>(id, edit).field, "text");
  edit = {};
  edit.to = std::vector<std::string>{};
  edit.cc = std::vector<std::string>{};
  edit.bcc = std::vector<std::string>{};
  EXPECT_EQ(expect_refused<approve::InvalidDraft>(id, edit).field, "to");
  edit = {};
  edit.bcc = {"not an address"};
  EXPECT_EQ(expect_refused<approve::InvalidDraft>(id, edit).field, "recipient");
  edit = {};
  edit.bcc.emplace();
  for (int i = 0; i < 50; ++i) edit.bcc->push_back(fmt::format("r{}@elsewhere.example", i));
  EXPECT_EQ(expect_refused<approve::TooManyRecipients>(id, edit).provided, 52U);
  edit = {};
  edit.text = std::string(mailbox::kComposedBytesMax + 1, 'x');
  EXPECT_GT(expect_refused<approve::TooLarge>(id, edit).actual_bytes, mailbox::kComposedBytesMax);
  EXPECT_TRUE(office_.approve(id));
  office_.expect_sound();
}

TEST_P(ApproveTest, ARecipientSuppressedSinceLeavesTheDraftHeld) {
  const MessageId id = office_.hold(kAuthor, draft());
  office_.suppress(kAuthor, kStranger);
  EXPECT_THAT(expect_refused<approve::RecipientSuppressed>(id).addresses, ElementsAre(kStranger));
  PendingApprovalEdit edit;
  edit.to = {"other@elsewhere.example"};
  EXPECT_TRUE(office_.approve(id, edit));
}

TEST_P(ApproveTest, ADomainThatIsNoLongerVerifiedLeavesTheDraftHeld) {
  const MessageId id = office_.hold(kAuthor, draft());
  (void)db().write([](store::Tx& tx) { return tx.execute(kMoveAgent); });
  expect_refused<approve::DomainNotVerified>(id);
}

TEST_P(ApproveTest, NobodyApprovesAfterTheDeadlineEvenBeforeTheSweep) {
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(kWeek - Duration(1));
  const auto early = office_.expire_approve(id);
  ASSERT_FALSE(early);
  EXPECT_TRUE(std::holds_alternative<approve::NotPending>(early.error()));
  office_.pass(Duration(1));
  EXPECT_EQ(expect_refused<approve::NotPending>(id).status, ReviewStatus::pending_review);
  EXPECT_FALSE(office_.reject(id));
  ASSERT_TRUE(office_.expire_reject(id));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_expired_rejected);
  EXPECT_EQ(office_.message(id).rejection_reason, "ttl_expired");
  office_.expect_sound();
}

TEST_P(ApproveTest, WhatWasNeverHeldIsNotPending) {
  office_.protect(kAuthor, [](account::Protection& protection) { protection.outbound = {}; });
  const MessageId id = office_.send(kAuthor, draft());
  EXPECT_FALSE(expect_refused<approve::NotPending>(id).status);
}

TEST_P(ApproveTest, AnotherAccountFindsNothing) {
  const MessageId id = office_.hold(kAuthor, draft());
  const UserId stranger = office_.add_account("stranger@example.com");
  const approve::ApproveCommand command{stranger, id, "stranger", {}, {}};
  const auto decision = db().write([&](store::Tx& tx) {
    return approve::approve_and_send(tx, command, office_.send_step(), kSharedDomain, office_.now());
  });
  ASSERT_FALSE(decision);
  EXPECT_TRUE(std::holds_alternative<approve::NotFound>(decision.error()));
}

TEST_P(ApproveTest, ATrashedAgentsHoldsAreOutOfReachAndTheirClockStandsStill) {
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(std::chrono::hours(1));
  office_.trash_agent(kAuthor);
  expect_refused<approve::NotFound>(id);
  office_.pass(kWeek * 2);
  EXPECT_THAT(office_.expired(), IsEmpty());
  office_.restore_agent(kAuthor);
  EXPECT_THAT(office_.expired(), IsEmpty());
  office_.pass(kWeek - std::chrono::hours(1) - Duration(1));
  EXPECT_THAT(office_.expired(), IsEmpty());
  office_.pass(Duration(1));
  EXPECT_EQ(office_.expired().size(), 1U);
}

TEST_P(ApproveTest, ARejectionKeepsTheDraftAndTheReason) {
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(std::chrono::minutes(1));
  ASSERT_TRUE(office_.reject(id, "the figures are wrong"));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_rejected);
  EXPECT_EQ(office_.message(id).rejection_reason, "the figures are wrong");
  EXPECT_EQ(kept(id), draft());
  EXPECT_THAT(office_.events(id),
              ElementsAre("email.review_requested", "email.review_rejected", "email.failed"));
  EXPECT_EQ(office_.lifecycle(id).back(), "review.rejected");
  const auto again = office_.reject(id);
  ASSERT_FALSE(again);
  EXPECT_EQ(std::get<approve::NotPending>(again.error()).status, ReviewStatus::review_rejected);
  office_.expect_sound();
}

TEST_P(ApproveTest, TheSweepGoesByDeadlineAndPastWhatItCannotDecide) {
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  std::vector<MessageId> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(office_.hold(kAuthor, draft_to({fmt::format("r{}@elsewhere.example", i)})));
    if (i % 2 == 1) office_.pass(std::chrono::seconds(1));
  }
  office_.suppress(kAuthor, "r0@elsewhere.example");
  office_.suppress(kAuthor, "r1@elsewhere.example");
  office_.pass(kWeek);
  std::vector<MessageId> seen;
  std::size_t approved = 0;
  std::optional<journal::Position> after;
  for (;;) {
    const auto page = office_.expired(after, 2);
    for (const approve::Expired& expired : page) {
      EXPECT_EQ(expired.on_expiry, account::OnExpiry::approve);
      seen.push_back(expired.message);
      approved += office_.expire_approve(expired.message) ? 1 : 0;
    }
    if (page.size() < 2) break;
    after = journal::Position{page.back().expired_at, page.back().message.str()};
  }
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(approved, 5U);
  EXPECT_EQ(office_.expired().size(), 2U);
  office_.expect_sound();
}

TEST_P(ApproveTest, ASweepAsksAgainWhatTheOwnerWants) {
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  office_.hold(kAuthor, draft());
  office_.pass(kWeek);
  const auto due = office_.expired();
  ASSERT_EQ(due.size(), 1U);
  const auto wanted = [&] {
    return db().write([&](store::Tx& tx) { return approve::still_wanted(tx, due.front()); });
  };
  EXPECT_TRUE(wanted());
  office_.hold_all(kAuthor, account::OnExpiry::reject);
  EXPECT_FALSE(wanted());
}

TEST_P(ApproveTest, TheClockJudgesAndDecidesInOneTransaction) {
  (void)db().write([&](store::Tx& tx) { return notify::set_account_settings(tx, office_.owner(), {}); });
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  const MessageId held = office_.hold(kAuthor, draft());
  const MessageId suppressed = office_.hold(kAuthor, draft_to({"nobody@elsewhere.example"}));
  office_.suppress(kAuthor, "nobody@elsewhere.example");
  office_.pass(kWeek);
  const notify::Policy careful;
  const notify::Policy careless{.on_unseen = notify::OnUnseen::approve};
  const auto expire = [&](const MessageId& id, const notify::Policy& policy) {
    const approve::Expired expired{office_.owner(), id, account::OnExpiry::approve, office_.now()};
    return db().write([&](store::Tx& tx) {
      return approve::expire(tx, expired, office_.send_step(), kSharedDomain, policy, office_.now());
    });
  };
  auto expiry = expire(suppressed, careless);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->outcome, approve::Expiry::Outcome::rejected);
  EXPECT_EQ(expiry->reason, "recipient_suppressed");
  EXPECT_EQ(office_.message(suppressed).rejection_reason, "recipient_suppressed");
  EXPECT_FALSE(db().read([&](store::ReadTx& tx) {
    return tx.query(kApprovedUnseen, {suppressed.str()}).front().flag(0);
  })) << "that it was approved unseen is not noted of what is rejected";
  expiry = expire(held, careful);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->outcome, approve::Expiry::Outcome::rejected);
  EXPECT_THAT(expiry->reason, HasSubstr("72 hours"));
  EXPECT_TRUE(std::holds_alternative<approve::NotPending>(expire(held, careful).error()));
}

TEST_P(ApproveTest, TheClockPutsOffWhatAReviewerMayStillSee) {
  (void)db().write([&](store::Tx& tx) { return notify::set_account_settings(tx, office_.owner(), {}); });
  office_.protect(kAuthor, [](account::Protection& protection) {
    protection.hold_on_expiry = account::OnExpiry::approve;
    protection.hold_ttl_seconds = 600;
  });
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(std::chrono::minutes(10));
  const auto due = office_.expired();
  ASSERT_EQ(due.size(), 1U);
  const auto expiry = db().write([&](store::Tx& tx) {
    return approve::expire(tx, due.front(), office_.send_step(), kSharedDomain, {}, office_.now());
  });
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->outcome, approve::Expiry::Outcome::postponed);
  EXPECT_EQ(office_.message(id).approval_expires_at, expiry->until);
  EXPECT_GT(expiry->until, office_.now());
}

TEST_P(ApproveOnPostgresTest, TheClockWaitsForAnOwnerWhoChangesWhatItMayDo) {
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(kWeek);
  const auto due = office_.expired();
  ASSERT_EQ(due.size(), 1U);
  account::Protection protection = office_.agent(kAuthor).protection;
  protection.hold_on_expiry = account::OnExpiry::reject;
  const notify::Policy careless{.on_unseen = notify::OnUnseen::approve};
  Result<approve::Expiry, approve::Refusal> expiry;
  meet(
      store_,
      [&](store::Tx& tx) { EXPECT_TRUE(account::set_protection(tx, office_.owner(), kAuthor, protection)); },
      [&](store::Tx& tx) {
        expiry =
            approve::expire(tx, due.front(), office_.send_step(), kSharedDomain, careless, office_.now());
      });
  ASSERT_FALSE(expiry);
  EXPECT_TRUE(std::holds_alternative<approve::NotPending>(expiry.error()));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ApproveOnPostgresTest, TheClockWaitsForAnOwnerWhoWantsNothingApprovedUnseen) {
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  notify::Settings settings;
  settings.on_unseen = notify::OnUnseen::approve;
  const auto settle = [&](store::Tx& tx) {
    return notify::set_account_settings(tx, office_.owner(), settings);
  };
  (void)db().write(settle);
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(kWeek);
  const auto due = office_.expired();
  ASSERT_EQ(due.size(), 1U);
  settings.on_unseen = notify::OnUnseen::reject;
  Result<approve::Expiry, approve::Refusal> expiry;
  meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(settle(tx)); },
      [&](store::Tx& tx) {
        expiry = approve::expire(tx, due.front(), office_.send_step(), kSharedDomain, {}, office_.now());
      });
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->outcome, approve::Expiry::Outcome::rejected);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_expired_rejected);
}

TEST_P(ApproveTest, ADraftWithHiddenRecipientsOnlyCanBeApproved) {
  office_.hold_all(kAuthor);
  mailbox::Draft hidden = draft();
  hidden.bcc = std::exchange(hidden.to, {});
  hidden.cc.clear();
  const MessageId id = office_.hold(kAuthor, hidden);
  EXPECT_TRUE(office_.approve(id));
  office_.expect_sound();
}

TEST_P(ApproveTest, TheClocksApprovalSaysSo) {
  office_.hold_all(kAuthor, account::OnExpiry::approve);
  const MessageId id = office_.hold(kAuthor, draft());
  office_.pass(kWeek);
  ASSERT_TRUE(office_.expire_approve(id));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_expired_approved);
  EXPECT_THAT(office_.events(id), ElementsAre("email.review_requested", "email.review_approved"));
  EXPECT_THAT(office_.lifecycle(id), testing::Contains("review.expired_approved"));
  const Snapshot snapshot = snapshot_of(db());
  EXPECT_THAT(snapshot.at("events"), testing::Contains(HasSubstr("\"auto_resolved\":true")));
}

}  // namespace
}  // namespace countersign::test
