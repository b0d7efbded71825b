// Mail that stays here: to oneself, to a colleague, to an agent of another account, past its inbound gate.
#include <gmock/gmock.h>

#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"
#include "provider/loopback/deliver_inbound.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using account::GateAction;
using account::GatePolicy;
using mailbox::DeliveryStatus;
using mailbox::ReviewStatus;
using provider::loopback::local_copy_id;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kColleague = "reader@agents.example";
constexpr std::string_view kForeigner = "other@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";
constexpr store::Query kReceived("loopback_test.received",
                                 "SELECT envelope FROM events WHERE type = 'email.received'");

class LoopbackTest : public StoreTest {
 protected:
  LoopbackTest() {
    office_.add_agent(kAuthor);
    office_.add_agent(kColleague);
    office_.add_agent(kForeigner, office_.add_account("foreigner@example.com"));
  }
  void gate(std::string_view agent, GateAction action, std::vector<std::string> allowlist = {}) {
    office_.protect(agent, [&](account::Protection& protection) {
      protection.inbound = {GatePolicy::allowlist, action, std::move(allowlist), account::Sensitivity::off};
    });
  }
  static mailbox::Draft to(std::string_view address) { return draft_to({std::string(address)}); }

  Office office_{db()};
};
COUNTERSIGN_ON_EVERY_STORE(LoopbackTest);

TEST_P(LoopbackTest, MailToOneselfIsSentAndReceivedInOneStep) {
  const MessageId id = office_.send(kAuthor, to(kAuthor));
  const mailbox::Message sent = office_.message(id);
  EXPECT_EQ(sent.method, mailbox::Method::loopback);
  EXPECT_EQ(sent.delivery_status, DeliveryStatus::sent);
  EXPECT_EQ(sent.sent_as, "own_address");
  EXPECT_THAT(office_.events(id), ElementsAre("email.sent"));
  EXPECT_THAT(office_.lifecycle(id),
              ElementsAre("acceptance.outbound_api", "submission.local_loopback_accepted"));
  const auto inbox = office_.inbox(kAuthor);
  ASSERT_THAT(inbox, SizeIs(1));
  const mailbox::Message& copy = inbox.front();
  EXPECT_EQ(copy.id, local_copy_id(id, kAuthor));
  EXPECT_EQ(copy.subject, sent.subject);
  EXPECT_EQ(copy.conversation_id, sent.conversation_id);
  EXPECT_EQ(copy.header_from, kAuthor);
  EXPECT_FALSE(copy.envelope_from);
  EXPECT_THAT(copy.to, ElementsAre(kAuthor));
  EXPECT_EQ(copy.read_status, "unread");
  EXPECT_EQ(copy.rfc_message_id, sent.rfc_message_id);
  EXPECT_THAT(office_.events(copy.id), ElementsAre("email.received"));
  EXPECT_THAT(office_.lifecycle(copy.id), ElementsAre("acceptance.local_loopback"));
  const auto bytes = [&](const MessageId& message) {
    return db().read([&](store::ReadTx& tx) { return mailbox::load_content(tx, message).raw; });
  };
  EXPECT_EQ(bytes(copy.id), bytes(id));
  office_.expect_sound();
}

TEST_P(LoopbackTest, TheCopysSenderIsTheReplyToThatWasAskedFor) {
  mailbox::Draft draft = to(kAuthor);
  draft.reply_to = "Desk <desk@elsewhere.example>";
  office_.send(kAuthor, draft);
  const mailbox::Message copy = office_.inbox(kAuthor).front();
  EXPECT_EQ(copy.sender, "desk@elsewhere.example");
  EXPECT_EQ(copy.header_from, kAuthor);
  EXPECT_THAT(copy.reply_to_list, ElementsAre("desk@elsewhere.example"));
}

TEST_P(LoopbackTest, WithoutAReplyToTheCopyHasTheOneOfItsHeader) {
  const MessageId id = office_.send(kAuthor, to(kForeigner));
  const auto raw = db().read([&](store::ReadTx& tx) { return mailbox::load_content(tx, id).raw; });
  EXPECT_THAT(mail::parse(raw.value()).reply_to, ElementsAre(kAuthor));
  EXPECT_THAT(office_.inbox(kForeigner).front().reply_to_list, ElementsAre(kAuthor));
}

TEST_P(LoopbackTest, AReplyToDoesNotMakeAnotherAgentsMailLookLikeSomebodyElses) {
  mailbox::Draft draft = to(kForeigner);
  draft.reply_to = "ceo@bank.example";
  office_.send(kAuthor, draft);
  const mailbox::Message copy = office_.inbox(kForeigner).front();
  EXPECT_EQ(copy.sender, kAuthor);
  EXPECT_THAT(copy.reply_to_list, ElementsAre("ceo@bank.example"));
}

TEST_P(LoopbackTest, AnAgentOfAnotherAccountReceivesItsCopyInItsOwnAccount) {
  const MessageId id = office_.send(kAuthor, to(kForeigner));
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
  const auto inbox = office_.inbox(kForeigner);
  ASSERT_THAT(inbox, SizeIs(1));
  EXPECT_EQ(inbox.front().user, office_.agent(kForeigner).user);
  EXPECT_NE(inbox.front().user, office_.owner());
  office_.expect_sound();
}

TEST_P(LoopbackTest, MixedRecipientsGetACopyHereAndOneSubmissionForTheRest) {
  mailbox::Draft draft = to(kStranger);
  draft.cc = {std::string(kColleague), "second@elsewhere.example"};
  draft.bcc = {std::string(kForeigner)};
  const MessageId id = office_.send(kAuthor, draft);
  EXPECT_THAT(office_.recipients(id), ElementsAre("bcc other@agents.example local accepted",
                                                  "cc reader@agents.example local accepted",
                                                  "cc second@elsewhere.example external queued",
                                                  "to someone@elsewhere.example external queued"));
  EXPECT_THAT(office_.attempts(id), ElementsAre("queued/0"));
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::accepted);
  EXPECT_THAT(office_.inbox(kColleague), SizeIs(1));
  const auto blind = office_.inbox(kForeigner);
  ASSERT_THAT(blind, SizeIs(1));
  EXPECT_THAT(blind.front().bcc, IsEmpty());
  office_.pass(std::chrono::seconds(1));
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(office_.events(id), ElementsAre("email.sent"));
  office_.expect_sound();
}

TEST_P(LoopbackTest, OneAddressNamedTwiceIsServedOnce) {
  mailbox::Draft draft = draft_to({"Reader <reader@agents.example>", "someone@elsewhere.example"});
  draft.cc = {"READER@agents.example", "Some One <someone@elsewhere.example>"};
  const MessageId id = office_.send(kAuthor, draft);
  EXPECT_THAT(office_.recipients(id), ElementsAre("to reader@agents.example local accepted",
                                                  "to someone@elsewhere.example external queued"));
  EXPECT_THAT(office_.inbox(kColleague), SizeIs(1));
}

TEST_P(LoopbackTest, AnAgentInTheTrashIsNoLongerServedHere) {
  office_.trash_agent(kColleague);
  const MessageId id = office_.send(kAuthor, to(kColleague));
  EXPECT_THAT(office_.recipients(id), ElementsAre("to reader@agents.example external queued"));
}

TEST_P(LoopbackTest, AFlaggingGateDeliversAndMarks) {
  gate(kColleague, GateAction::flag);
  office_.send(kAuthor, to(kColleague));
  const auto inbox = office_.inbox(kColleague);
  ASSERT_THAT(inbox, SizeIs(1));
  EXPECT_TRUE(inbox.front().flagged);
  EXPECT_THAT(office_.events(inbox.front().id), ElementsAre("email.received", "email.flagged"));
  EXPECT_THAT(snapshot_of(db()).at("events"),
              testing::Contains(testing::AllOf(testing::HasSubstr("email.flagged"),
                                               testing::HasSubstr("\"policy\":\"allowlist\""))));
  office_.expect_sound();
}

TEST_P(LoopbackTest, AHoldingGateHidesTheCopyUntilItIsReleased) {
  gate(kForeigner, GateAction::review);
  const MessageId id = office_.send(kAuthor, to(kForeigner));
  const MessageId copy = local_copy_id(id, kForeigner);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(office_.inbox(kForeigner), IsEmpty());
  EXPECT_FALSE(db().read([&](store::ReadTx& tx) { return mailbox::find(tx, kForeigner, copy).has_value(); }));
  EXPECT_THAT(office_.events(copy), ElementsAre("email.review_requested"));
  EXPECT_THAT(office_.lifecycle(copy), ElementsAre("acceptance.local_loopback", "review.hold_created"));
  office_.expect_sound();
  const auto decision = office_.approve(copy);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->direction, mailbox::Direction::inbound);
  ASSERT_THAT(office_.inbox(kForeigner), SizeIs(1));
  EXPECT_EQ(office_.inbox(kForeigner).front().read_status, "unread");
  EXPECT_THAT(office_.events(copy), ElementsAre("email.review_requested", "email.review_approved"));
  office_.expect_sound();
}

TEST_P(LoopbackTest, ARejectedCopyStaysHidden) {
  gate(kForeigner, GateAction::review);
  const MessageId copy = local_copy_id(office_.send(kAuthor, to(kForeigner)), kForeigner);
  ASSERT_TRUE(office_.reject(copy));
  EXPECT_THAT(office_.inbox(kForeigner), IsEmpty());
  EXPECT_THAT(office_.events(copy), ElementsAre("email.review_requested", "email.review_rejected"));
  office_.expect_sound();
}

TEST_P(LoopbackTest, AHoldOfInboundMailWithAnUnusableTimeLastsAWeek) {
  gate(kForeigner, GateAction::review);
  office_.protect(kForeigner, [](account::Protection& protection) { protection.hold_ttl_seconds = 0; });
  const MessageId copy = local_copy_id(office_.send(kAuthor, to(kForeigner)), kForeigner);
  EXPECT_EQ(office_.message(copy).approval_expires_at,
            office_.message(copy).created_at + std::chrono::hours(24 * 7));
}

TEST_P(LoopbackTest, ABlockingGateStoresTheCopyHiddenAndDecided) {
  gate(kForeigner, GateAction::block);
  const MessageId copy = local_copy_id(office_.send(kAuthor, to(kForeigner)), kForeigner);
  EXPECT_EQ(office_.message(copy).review_status, ReviewStatus::review_rejected);
  EXPECT_THAT(office_.inbox(kForeigner), IsEmpty());
  EXPECT_THAT(office_.events(copy), ElementsAre("email.blocked"));
  office_.expect_sound();
}

TEST_P(LoopbackTest, TheGateKnowsTheSendersItLets) {
  gate(kForeigner, GateAction::block, {std::string(kAuthor)});
  office_.send(kAuthor, to(kForeigner));
  office_.send(kColleague, to(kForeigner));
  EXPECT_THAT(office_.inbox(kForeigner), SizeIs(1));
}

TEST_P(LoopbackTest, OnesOwnGateDoesNotKeepOnesOwnMailOut) {
  gate(kAuthor, GateAction::block);
  office_.send(kAuthor, to(kAuthor));
  EXPECT_THAT(office_.inbox(kAuthor), SizeIs(1));
}

TEST_P(LoopbackTest, DeliveringTheSameMessageAgainChangesNothing) {
  const MessageId id = office_.send(kAuthor, to(kColleague));
  const mailbox::Message message = office_.message(id);
  const mailbox::Draft draft = to(kColleague);
  const account::Agent recipient = office_.agent(kColleague);
  (void)db().write([&](store::Tx& tx) {
    provider::loopback::deliver_inbound(tx, recipient, {message, draft, message.rfc_message_id, "again"},
                                        office_.now());
    return std::monostate{};
  });
  EXPECT_THAT(office_.inbox(kColleague), SizeIs(1));
  EXPECT_THAT(office_.events(local_copy_id(id, kColleague)), ElementsAre("email.received"));
  office_.expect_sound();
}

TEST_P(LoopbackTest, AnEventTellsOfAttachmentsAsWhoeverOpensTheCopySeesThem) {
  mailbox::Draft draft = draft_to({std::string(kAuthor)});
  draft.attachments = {{"figures.csv", "TEXT/CSV; charset=utf-8", "1,2,3"}};
  office_.send(kAuthor, draft);
  const std::string envelope =
      db().read([](store::ReadTx& tx) { return tx.query(kReceived, {}).front().text(0); });
  EXPECT_THAT(envelope, testing::HasSubstr(R"("content_type":"text/csv")"));
}

}  // namespace
}  // namespace countersign::test
