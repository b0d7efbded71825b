// An approval taken back: in time, too late, and while a dispatcher goes for the same message.
#include <gmock/gmock.h>

#include <barrier>
#include <thread>

#include "base/fault.hpp"
#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
using approve::PendingApprovalEdit;
using approve::UndoRefusal;
using mailbox::ReviewStatus;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kReader = "reader@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";
constexpr int kRounds = 150;

class UndoTest : public StoreTest {
 protected:
  UndoTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor);
  }

  MessageId hold(std::vector<std::string> to = {std::string(kStranger)}) {
    mailbox::Draft draft = draft_to(std::move(to));
    draft.attachments = {{"figures.csv", "text/csv", "1,2,3"}};
    return office_.hold(kAuthor, draft);
  }
  Office::ApproveResult approve(const MessageId& id, const PendingApprovalEdit& edit = {},
                                Duration undo_for = 10s) {
    decided_at_ = office_.now();
    approve::ApproveCommand command{office_.owner(), id, "reviewer", edit, {}, undo_for};
    return db().write([&](store::Tx& tx) {
      return approve::approve_and_send(tx, command, office_.send_step(), kSharedDomain, decided_at_);
    });
  }
  Result<std::monostate, UndoRefusal> undo(const MessageId& id, std::optional<UserId> user = {}) {
    const approve::UndoCommand command{user.value_or(office_.owner()), id, decided_at_};
    return db().write([&](store::Tx& tx) { return approve::undo(tx, command, office_.now()); });
  }
  void expect_refused(const MessageId& id, UndoRefusal refusal, std::optional<UserId> user = {}) {
    const Snapshot before = snapshot_of(db());
    const auto undone = undo(id, std::move(user));
    ASSERT_FALSE(undone);
    EXPECT_EQ(undone.error(), refusal);
    EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
  }

  Office office_{db()};
  UtcTime decided_at_;
};
COUNTERSIGN_ON_EVERY_STORE(UndoTest);
class UndoOnPostgresTest : public UndoTest {};
COUNTERSIGN_ON_POSTGRES(UndoOnPostgresTest);

TEST_P(UndoTest, WhatCanBeTakenBackWaitsInTheQueue) {
  const MessageId id = hold();
  const auto decision = approve(id);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->undo_until, office_.now() + 10s);
  EXPECT_THAT(office_.claim(), IsEmpty());
  office_.pass(10s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  expect_refused(id, UndoRefusal::too_late);
  office_.expect_sound();
}

TEST_P(UndoTest, InTimeTheHoldStandsAgainAsItDid) {
  const MessageId id = hold();
  const mailbox::Message held = office_.message(id);
  office_.pass(1min);
  ASSERT_TRUE(approve(id));
  office_.pass(7s);
  ASSERT_TRUE(undo(id));

  const mailbox::Message back = office_.message(id);
  EXPECT_EQ(back.review_status, ReviewStatus::pending_review);
  EXPECT_EQ(back.revision, held.revision);
  EXPECT_EQ(back.delivery_status, std::nullopt);
  EXPECT_EQ(back.rfc_message_id, "");
  EXPECT_EQ(*back.approval_expires_at, *held.approval_expires_at + 7s) << "its clock stood still meanwhile";
  EXPECT_THAT(office_.attempts(id), IsEmpty());
  EXPECT_THAT(office_.recipients(id), IsEmpty());
  EXPECT_THAT(office_.lifecycle(id),
              ElementsAre("acceptance.outbound_api", "review.hold_created", "review.approved",
                          "queue.outbound_submission", "review.hold_created"));
  EXPECT_THAT(office_.events(id),
              ElementsAre("email.review_requested", "email.review_approved", "email.review_requested"));
  office_.expect_sound();
  office_.pass(1h);
  EXPECT_THAT(office_.claim(), IsEmpty());
}

TEST_P(UndoTest, AnEditIsTakenBackWithTheApproval) {
  const MessageId id = hold();
  const mailbox::Message held = office_.message(id);
  const auto draft = [&] {
    return db().read([&](store::ReadTx& tx) { return mailbox::load_draft(tx, office_.message(id)); });
  };
  const mailbox::Draft written = draft();
  PendingApprovalEdit edit;
  edit.subject = "Other figures";
  edit.text = "a longer text than it was before";
  edit.to = {"elsewhere@elsewhere.example"};
  edit.attachments.emplace();
  ASSERT_TRUE(approve(id, edit));
  EXPECT_NE(draft(), written);
  office_.pass(1s);
  ASSERT_TRUE(undo(id));
  EXPECT_EQ(draft(), written);
  EXPECT_EQ(office_.message(id).subject, held.subject);
  EXPECT_EQ(office_.message(id).revision, held.revision);
  EXPECT_FALSE(office_.message(id).edited);
  office_.expect_sound();
}

TEST_P(UndoTest, WhatIsBackIsDecidedAgainAndSentOnce) {
  const MessageId id = hold();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(approve(id)) << round;
    office_.pass(1s);
    ASSERT_TRUE(undo(id)) << round;
    office_.pass(1s);
    office_.expect_sound();
  }
  ASSERT_TRUE(office_.approve(id));
  office_.pass(1s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  EXPECT_EQ(office_.message(id).delivery_status, mailbox::DeliveryStatus::sent);
  office_.expect_sound();
}

TEST_P(UndoTest, WhatIsBackCanBeRejected) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  office_.pass(1s);
  ASSERT_TRUE(undo(id));
  ASSERT_TRUE(office_.reject(id, "on second thoughts"));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_rejected);
  office_.expect_sound();
}

TEST_P(UndoTest, AnotherApprovalIsNotTakenBackByTheTokenOfTheFirst) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  const UtcTime first = decided_at_;
  office_.pass(1s);
  ASSERT_TRUE(undo(id));
  office_.pass(1s);
  ASSERT_TRUE(approve(id));
  decided_at_ = first;
  office_.pass(1s);
  expect_refused(id, UndoRefusal::too_late);
}

TEST_P(UndoTest, NobodyTakesBackWhatIsAnothersOrDoesNotExist) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  expect_refused(id, UndoRefusal::not_found, office_.add_account("other@example.com"));
  expect_refused(MessageId("msg_0"), UndoRefusal::not_found);
}

TEST_P(UndoTest, WhatWasClaimedOnceIsTooLateEvenBackInTheQueue) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  office_.pass(10s);
  const auto claims = office_.claim();
  ASSERT_EQ(claims.size(), 1U);
  expect_refused(id, UndoRefusal::too_late);
  ASSERT_TRUE(db().write([&](store::Tx& tx) {
    return outbox::release(tx, claims.front(), kWorker, office_.now() + 1h, office_.now(), "relay away");
  }));
  expect_refused(id, UndoRefusal::too_late);
}

TEST_P(UndoTest, ACopyDeliveredHereCannotBeTakenBack) {
  office_.add_agent(kReader);
  const MessageId id = hold({std::string(kReader), std::string(kStranger)});
  const auto decision = approve(id);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->undo_until, std::nullopt);
  expect_refused(id, UndoRefusal::too_late);
  office_.pass(1s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U) << "so it does not wait";
}

TEST_P(UndoTest, WhatLiesInTheTrashStaysDecided) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  ASSERT_TRUE(db().write([&](store::Tx& tx) { return mailbox::trash(tx, kAuthor, id, office_.now()); }));
  expect_refused(id, UndoRefusal::too_late);
}

TEST_P(UndoOnPostgresTest, AnAgentThatGoesToTheTrashMeanwhileStaysDecided) {
  const MessageId id = hold();
  ASSERT_TRUE(approve(id));
  const auto other_node = store_.open_another();
  fault::arm("approve.undo", 1, fault::Action::call, [&] {
    EXPECT_TRUE(other_node->write(
        [&](store::Tx& tx) { return account::trash_agent(tx, office_.owner(), kAuthor, office_.now()); }));
  });
  const auto undone = undo(id);
  fault::reset();
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error(), UndoRefusal::not_found);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_approved);
  EXPECT_THAT(office_.attempts(id), ElementsAre("queued/0"));
  office_.expect_sound();
}

TEST_P(UndoTest, KeptDraftsAreForgotten) {
  const MessageId id = hold();
  PendingApprovalEdit edit;
  edit.subject = "Other figures";
  ASSERT_TRUE(approve(id, edit));
  const auto forget = [&](UtcTime cutoff) {
    return db().write([&](store::Tx& tx) { return approve::forget_kept_drafts(tx, cutoff, 10); });
  };
  EXPECT_EQ(forget(office_.now()), 0);
  EXPECT_EQ(forget(office_.now() + 1s), 1);
  expect_refused(id, UndoRefusal::too_late);
}

// Either the hold is back and nothing was claimed, or the message is claimed and the undo came too late.
TEST_P(UndoTest, RacingTheDispatcherItIsNeverBothSentAndHeld) {
  int undone = 0;
  for (int round = 0; round < kRounds; ++round) {
    const MessageId id = hold();
    ASSERT_TRUE(approve(id));
    office_.pass(10s);
    std::barrier start(3);
    std::optional<Result<std::monostate, UndoRefusal>> first;
    std::optional<Result<std::monostate, UndoRefusal>> second;
    std::thread undoer([&] {
      start.arrive_and_wait();
      first = undo(id);
    });
    std::thread another([&] {
      start.arrive_and_wait();
      second = undo(id);
    });
    start.arrive_and_wait();
    const auto claims = office_.claim();
    undoer.join();
    another.join();
    const int won = (first->has_value() ? 1 : 0) + (second->has_value() ? 1 : 0);
    ASSERT_EQ(won + static_cast<int>(claims.size()), 1) << round;
    const auto status = office_.message(id).review_status;
    EXPECT_EQ(status, won == 1 ? ReviewStatus::pending_review : ReviewStatus::review_approved);
    undone += won;
    outbox::Answer accepted{.verdict = outbox::Verdict::accepted, .phase = "final_dot", .code = 250};
    for (const outbox::Claim& claim : claims) {
      ASSERT_TRUE(office_.fence(claim));
      ASSERT_TRUE(office_.record(claim, accepted));
    }
    if (won == 1) ASSERT_TRUE(office_.reject(id));
  }
  RecordProperty("undone", undone);
  office_.expect_sound();
}

// The undo and a second reviewer who rejects what is back: the rejection stands or was refused.
TEST_P(UndoTest, ASecondReviewerIsToldWhatStands) {
  for (int round = 0; round < 20; ++round) {
    const MessageId id = hold();
    ASSERT_TRUE(approve(id));
    office_.pass(1s);
    std::barrier start(2);
    std::optional<Office::RejectResult> rejected;
    std::thread reviewer([&] {
      start.arrive_and_wait();
      rejected = office_.reject(id, "no");
    });
    start.arrive_and_wait();
    ASSERT_TRUE(undo(id));
    reviewer.join();
    EXPECT_EQ(office_.message(id).review_status,
              rejected->has_value() ? ReviewStatus::review_rejected : ReviewStatus::pending_review);
  }
  office_.expect_sound();
}

}  // namespace
}  // namespace countersign::test
