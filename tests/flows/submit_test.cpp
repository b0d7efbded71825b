// Accepting drafts: sent, held, flagged, blocked or refused, and what each leaves behind.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using account::GateAction;
using account::GatePolicy;
using mailbox::DeliveryStatus;
using mailbox::ReviewStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";

constexpr store::Query kEnvelopes("submit_test.envelopes",
                                  "SELECT envelope FROM events WHERE message_id IS NULL ORDER BY position");
constexpr store::Query kMoveAgent("submit_test.move_agent",
                                  "UPDATE agents SET registered_domain = 'unverified.example'");

class SubmitTest : public StoreTest {
 protected:
  SubmitTest() { office_.add_agent(kAuthor); }

  void gate(GatePolicy policy, GateAction action, std::vector<std::string> allowlist = {}) {
    office_.protect(kAuthor, [&](account::Protection& protection) {
      protection.outbound = {policy, action, std::move(allowlist), account::Sensitivity::off};
    });
  }
  static mailbox::Draft to_stranger() { return draft_to({std::string(kStranger)}); }

  Office office_{db()};
};
COUNTERSIGN_ON_EVERY_STORE(SubmitTest);
class SubmitOnPostgresTest : public SubmitTest {};
COUNTERSIGN_ON_POSTGRES(SubmitOnPostgresTest);

TEST_P(SubmitTest, AnOpenGateQueuesAtOnce) {
  const MessageId id = office_.send(kAuthor, to_stranger());
  const mailbox::Message message = office_.message(id);
  EXPECT_FALSE(message.review_status);
  EXPECT_EQ(message.delivery_status, DeliveryStatus::accepted);
  EXPECT_EQ(message.method, mailbox::Method::smtp);
  EXPECT_EQ(message.sent_as, "relay");
  EXPECT_THAT(office_.attempts(id), ElementsAre("queued/0"));
  EXPECT_THAT(office_.lifecycle(id), ElementsAre("acceptance.outbound_api", "queue.outbound_submission"));
  EXPECT_THAT(office_.events(id), IsEmpty());
  office_.expect_sound();
}

TEST_P(SubmitTest, ATrippedGateHoldsTheWholeDraft) {
  gate(GatePolicy::allowlist, GateAction::review);
  mailbox::Draft draft = to_stranger();
  draft.html = "<p>Below.</p>";
  draft.cc = {"copy@elsewhere.example"};
  draft.bcc = {"blind@elsewhere.example"};
  draft.reply_to = "replies@elsewhere.example";
  draft.attachments = {{"figures.csv", "text/csv", std::string("1,2\0,3", 6)}};
  const MessageId id = office_.hold(kAuthor, draft);
  const mailbox::Message message = office_.message(id);
  EXPECT_EQ(message.review_status, ReviewStatus::pending_review);
  EXPECT_FALSE(message.delivery_status);
  EXPECT_EQ(message.approval_expires_at, office_.now() + std::chrono::hours(24 * 7));
  EXPECT_THAT(*message.hold_reason, HasSubstr("recipient_gate"));
  EXPECT_EQ(db().read([&](store::ReadTx& tx) { return mailbox::load_draft(tx, message); }), draft);
  EXPECT_THAT(office_.attempts(id), IsEmpty());
  EXPECT_THAT(office_.recipients(id), IsEmpty());
  EXPECT_THAT(office_.events(id), ElementsAre("email.review_requested"));
  const auto rows =
      db().read([&](store::ReadTx& tx) { return journal::list_lifecycle(tx, id, std::nullopt, 10); });
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].reason, journal::Reason::acceptance_outbound_api);
  EXPECT_EQ(rows[1].reason, journal::Reason::review_hold_created);
  EXPECT_EQ(rows[0].occurred_at, rows[1].occurred_at);
  EXPECT_EQ(rows[1].evidence, R"({"review_resolution":"pending"})");
  office_.expect_sound();
}

TEST_P(SubmitTest, TheSettingsOfTheHoldAreThoseOfTheAgent) {
  gate(GatePolicy::domain, GateAction::review);
  office_.protect(kAuthor, [](account::Protection& protection) { protection.hold_ttl_seconds = 90; });
  const MessageId id = office_.hold(kAuthor, to_stranger());
  EXPECT_EQ(office_.message(id).approval_expires_at, office_.now() + std::chrono::seconds(90));
}

TEST_P(SubmitTest, AHoldThatCannotEndIsRefusedAndLeavesNothing) {
  gate(GatePolicy::allowlist, GateAction::review);
  for (const std::int64_t ttl : {std::int64_t{0}, std::int64_t{604'801}}) {
    office_.protect(kAuthor, [&](account::Protection& protection) { protection.hold_ttl_seconds = ttl; });
    const Snapshot before = snapshot_of(db());
    const auto result = office_.submit(kAuthor, to_stranger(), office_.next_id());
    ASSERT_FALSE(result);
    ASSERT_TRUE(std::holds_alternative<hold::InvalidHoldTtl>(result.error()));
    EXPECT_EQ(std::get<hold::InvalidHoldTtl>(result.error()).ttl_seconds, ttl);
    EXPECT_THAT(differences(before, snapshot_of(db())), testing::IsEmpty());
  }
}

TEST_P(SubmitTest, AFlaggingGateSendsAndSaysWhy) {
  gate(GatePolicy::allowlist, GateAction::flag);
  const MessageId id = office_.send(kAuthor, to_stranger());
  EXPECT_TRUE(office_.message(id).flagged);
  EXPECT_EQ(office_.message(id).flag_reason, "a recipient is not on the allowlist");
  EXPECT_THAT(office_.attempts(id), ElementsAre("queued/0"));
  office_.expect_sound();
}

TEST_P(SubmitTest, ABlockingGateLeavesAnEventAndNoMessage) {
  gate(GatePolicy::allowlist, GateAction::block);
  const MessageId id = office_.next_id();
  Snapshot before = snapshot_of(db());
  const auto result = office_.submit(kAuthor, to_stranger(), id);
  ASSERT_TRUE(result);
  EXPECT_TRUE(std::holds_alternative<hold::Blocked>(*result));
  const auto envelopes = db().read([](store::ReadTx& tx) {
    std::vector<std::string> out;
    for (const store::Row row : tx.query(kEnvelopes)) out.push_back(row.text(0));
    return out;
  });
  ASSERT_EQ(envelopes.size(), 1U);
  const auto data = boost::json::parse(envelopes.front()).at("data").as_object();
  EXPECT_TRUE(std::string_view(data.at("message_id").as_string()).starts_with("msgblk_"));
  EXPECT_EQ(data.at("message_id").as_string().size(), 7U + 24U);
  EXPECT_EQ(data.at("agent_email").as_string(), kAuthor);
  EXPECT_EQ(data.at("reason_source").as_string(), "recipient_gate");
  Snapshot after = snapshot_of(db());
  after["events"].clear();
  EXPECT_THAT(differences(before, after), testing::IsEmpty());
  office_.expect_sound();
}

TEST_P(SubmitTest, ASuppressedRecipientRefusesTheDraftWhateverIsWrittenAroundTheAddress) {
  office_.suppress(kAuthor, kStranger);
  mailbox::Draft draft = draft_to({"ann@elsewhere.example"});
  draft.bcc = {"Some One <Someone@Elsewhere.example>"};
  const Snapshot before = snapshot_of(db());
  const auto result = office_.submit(kAuthor, draft, office_.next_id());
  ASSERT_FALSE(result);
  ASSERT_TRUE(std::holds_alternative<hold::RecipientSuppressed>(result.error()));
  EXPECT_THAT(std::get<hold::RecipientSuppressed>(result.error()).addresses,
              ElementsAre("someone@elsewhere.example"));
  EXPECT_THAT(differences(before, snapshot_of(db())), testing::IsEmpty());
}

TEST_P(SubmitTest, AnAgentOnAnUnverifiedDomainSendsNothing) {
  (void)db().write([](store::Tx& tx) { return tx.execute(kMoveAgent); });
  const Snapshot before = snapshot_of(db());
  const auto result = office_.submit(kAuthor, to_stranger(), office_.next_id());
  ASSERT_FALSE(result);
  EXPECT_TRUE(std::holds_alternative<hold::DomainNotVerified>(result.error()));
  EXPECT_THAT(differences(before, snapshot_of(db())), testing::IsEmpty());
}

TEST_P(SubmitTest, ConcurrentSendersCannotPassTheirQuotaTogether) {
  constexpr int kSenders = 16;
  constexpr int kQuota = 5;
  account::Limits limits;
  limits.messages_month_max = kQuota;
  std::vector<MessageId> ids;
  for (int i = 0; i < kSenders; ++i) ids.push_back(office_.next_id());
  std::atomic<int> accepted = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> senders;
    for (const MessageId& id : ids) {
      senders.emplace_back([&, id] {
        const auto result = office_.submit(kAuthor, to_stranger(), id, limits);
        if (result) {
          ++accepted;
        } else if (const auto* exceeded = std::get_if<account::Exceeded>(&result.error())) {
          EXPECT_EQ(exceeded->resource, account::Resource::messages_month);
          EXPECT_EQ(exceeded->limit, kQuota);
          EXPECT_EQ(exceeded->current, kQuota);
          ++refused;
        }
      });
    }
  }
  EXPECT_EQ(accepted, kQuota);
  EXPECT_EQ(refused, kSenders - kQuota);
  office_.expect_sound();
}

TEST_P(SubmitTest, AFullStorageRefusesTheNextMessage) {
  account::Limits limits;
  limits.storage_bytes_max = 100;
  ASSERT_TRUE(office_.submit(kAuthor, to_stranger(), office_.next_id(), limits));
  const auto second = office_.submit(kAuthor, to_stranger(), office_.next_id(), limits);
  ASSERT_FALSE(second);
  ASSERT_TRUE(std::holds_alternative<account::Exceeded>(second.error()));
  EXPECT_EQ(std::get<account::Exceeded>(second.error()).resource, account::Resource::storage_bytes);
}

// Two machines that answer each other may do so on two nodes.
TEST_P(SubmitOnPostgresTest, RepliesOfTheSameMomentCountEachOther) {
  const auto reply = [&](store::Tx& tx, const MessageId& id) {
    hold::SubmitCommand command{id, mailbox::Kind::reply, "conv_x", to_stranger()};
    command.answering = hold::Answering::letter;
    command.loops.replies_max = 1;
    const auto author = *account::find_live_agent(tx, kAuthor, kSharedDomain);
    (void)hold::submit(tx, author, {}, command, office_.send_step(), office_.now());
  };
  const MessageId first("msg_" + std::string(32, '1'));
  const MessageId second("msg_" + std::string(32, '2'));
  meet(store_, [&](store::Tx& tx) { reply(tx, first); }, [&](store::Tx& tx) { reply(tx, second); });
  EXPECT_FALSE(office_.message(first).review_status);
  EXPECT_EQ(office_.message(second).review_status, ReviewStatus::pending_review);
  office_.expect_sound();
}

}  // namespace
}  // namespace countersign::test
