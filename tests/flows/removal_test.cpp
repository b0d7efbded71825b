// An agent that is removed for good while its messages are decided and handed over.
#include <gmock/gmock.h>

#include "flows/office.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using mailbox::AgentPurgeRefusal;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";
constexpr std::chrono::seconds kPause{1};  // what is queued is due behind the moment it was accepted

class RemovalTest : public StoreTest {
 protected:
  using Step = Result<mailbox::AgentPurge, AgentPurgeRefusal>;

  RemovalTest() { office_.add_agent(kAuthor); }

  MessageId hold() {
    office_.hold_all(kAuthor);
    return office_.hold(kAuthor, draft_to({std::string(kStranger)}));
  }
  Step step(store::Tx& tx, bool begun = false) {
    return mailbox::purge_agent(tx, office_.owner(), kAuthor, office_.now(), begun);
  }
  Step step(bool begun = false) {
    return db().write([&](store::Tx& tx) { return step(tx, begun); });
  }
  Office::ApproveResult approve(store::Tx& tx, const MessageId& id) {
    const approve::ApproveCommand command{office_.owner(), id, "reviewer", {}, {}};
    return approve::approve_and_send(tx, command, office_.send_step(), kSharedDomain, office_.now());
  }

  Office office_{db()};
};
COUNTERSIGN_ON_EVERY_STORE(RemovalTest);
class RemovalOnPostgresTest : public RemovalTest {};
COUNTERSIGN_ON_POSTGRES(RemovalOnPostgresTest);

TEST_P(RemovalTest, NothingIsDecidedOrHandedOverOnceItHasBegun) {
  const MessageId queued = office_.send(kAuthor, draft_to({std::string(kStranger)}));
  const MessageId held = hold();
  office_.pass(kPause);
  ASSERT_TRUE(step());
  EXPECT_TRUE(std::holds_alternative<approve::NotFound>(office_.approve(held).error()));
  EXPECT_THAT(office_.expired(), IsEmpty());
  EXPECT_THAT(office_.claim(), IsEmpty());
  EXPECT_THAT(office_.attempts(queued), ElementsAre("cancelled/1"));
  office_.expect_sound();
  const Step last = step();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->messages, 2);
  EXPECT_TRUE(last->over);
  office_.expect_sound();
  EXPECT_EQ(step().error(), AgentPurgeRefusal::not_found);
}

TEST_P(RemovalTest, WhatIsBeingHandedOverKeepsItsAgent) {
  office_.send(kAuthor, draft_to({std::string(kStranger)}));
  office_.pass(kPause);
  const auto claims = office_.claim();
  ASSERT_THAT(claims, SizeIs(1));
  EXPECT_EQ(step().error(), AgentPurgeRefusal::send_in_progress);
  ASSERT_TRUE(office_.fence(claims.front()));
  EXPECT_EQ(step().error(), AgentPurgeRefusal::send_in_progress);
  EXPECT_EQ(office_.agent(kAuthor).deleted_at, std::nullopt) << "a refusal changes nothing";
}

TEST_P(RemovalOnPostgresTest, AnApprovalUnderWayIsWaitedForAndNotHandedOver) {
  const MessageId id = hold();
  Step begun;
  meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(approve(tx, id)); }, [&](store::Tx& tx) { begun = step(tx); });
  ASSERT_TRUE(begun);
  office_.pass(kPause);
  EXPECT_THAT(office_.attempts(id), ElementsAre("queued/0"));
  EXPECT_THAT(office_.claim(), IsEmpty());
  EXPECT_THAT(office_.attempts(id), ElementsAre("cancelled/1"));
  EXPECT_TRUE(step(true)->over);
}

TEST_P(RemovalOnPostgresTest, WhatIsClaimedBeforeTheTrashIsCommittedIsNotRemoved) {
  const MessageId id = office_.send(kAuthor, draft_to({std::string(kStranger)}));
  office_.pass(kPause);
  const auto other_node = store_.open_another();
  bool claimed = false;
  // By a trash that looks at no attempts, so that a claim gets in between.
  (void)other_node->write([&](store::Tx& tx) {
    EXPECT_TRUE(account::trash_agent(tx, office_.owner(), kAuthor, office_.now()));
    (void)tx.query(kEverythingSent, {});
    if (std::exchange(claimed, true)) return std::monostate{};
    const auto claims = office_.claim();
    EXPECT_THAT(claims, SizeIs(1));
    EXPECT_TRUE(office_.fence(claims.at(0)));
    return std::monostate{};
  });
  EXPECT_EQ(step(true).error(), AgentPurgeRefusal::send_in_progress);
  EXPECT_EQ(step().error(), AgentPurgeRefusal::send_in_progress);
  EXPECT_THAT(office_.attempts(id), ElementsAre("handover/1"));
}

TEST_P(RemovalOnPostgresTest, AClaimUnderWayIsWaitedForAndSeen) {
  office_.send(kAuthor, draft_to({std::string(kStranger)}));
  office_.pass(kPause);
  const outbox::ClaimCommand command{
      std::string(kWorker), office_.now(), office_.now() + std::chrono::minutes(1), 32, {}};
  Step second;
  meet(
      store_, [&](store::Tx& tx) { EXPECT_THAT(outbox::claim(tx, command), SizeIs(1)); },
      [&](store::Tx& tx) { second = step(tx); });
  EXPECT_EQ(second.error(), AgentPurgeRefusal::send_in_progress);
}

}  // namespace
}  // namespace countersign::test
