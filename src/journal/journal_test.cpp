// Observations and events: written once however often the body runs, in order, with stable bytes.
#include "journal/journal.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "support/stores.hpp"

namespace countersign::journal {
namespace {

using store::Query;
using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;

constexpr Query kUser("journal_test.user",
                      "INSERT INTO users (id, email, created_at_us) VALUES ('u', 'owner@example.com', 1)");
constexpr Query kAgent("journal_test.agent",
                       "INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) VALUES "
                       "('a@x.example', 'u', 'x.example', 'x.example', 1)");
constexpr Query kMessage(
    "journal_test.message",
    "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, "
    "sender, read_status, created_at_us) VALUES ('msg_1', 'u', 'a@x.example', 'outbound', "
    "'send', 'smtp', 's', 'a@x.example', '', 1)");
constexpr Query kEvents(
    "journal_test.events",
    "SELECT id, type, message_id, conversation_id, envelope FROM events ORDER BY position");

class JournalTest : public test::StoreTest {
 protected:
  JournalTest() {
    (void)db().write(
        [](store::Tx& tx) { return tx.execute(kUser) + tx.execute(kAgent) + tx.execute(kMessage); });
  }
  void observe(Reason reason, UtcTime at, std::optional<std::string> recipient = {},
               std::string occasion = "") {
    (void)db().write([&](store::Tx& tx) {
      record(tx, subject_, {reason, at, recipient, {}, {}, occasion});
      return std::monostate{};
    });
  }
  std::vector<LifecycleRow> rows(const std::optional<Position>& after = {}, std::int64_t limit = 100) {
    return db().read([&](store::ReadTx& tx) { return list_lifecycle(tx, subject_.message, after, limit); });
  }
  std::vector<std::string> codes() {
    std::vector<std::string> out;
    for (const LifecycleRow& row : rows()) out.emplace_back(facts(row.reason).code);
    return out;
  }

  Subject subject_{UserId("u"), "a@x.example", MessageId("msg_1"), "conv_1", Direction::outbound};
  UtcTime now_ = from_us(1'795'435'200'000'000);
};
COUNTERSIGN_ON_EVERY_STORE(JournalTest);

TEST_P(JournalTest, AnObservationIsWrittenOnce) {
  observe(Reason::submission_temporary_failure, now_, {}, "1");
  observe(Reason::submission_temporary_failure, now_ + std::chrono::hours(1), {}, "1");
  EXPECT_THAT(rows(), SizeIs(1));
  EXPECT_EQ(rows().front().occurred_at, now_);
}

TEST_P(JournalTest, OccasionsAndRecipientsTellObservationsApart) {
  observe(Reason::submission_temporary_failure, now_, {}, "1");
  observe(Reason::submission_temporary_failure, now_, {}, "2");
  observe(Reason::suppression_recipient_blocked, now_, "a@y.example");
  observe(Reason::suppression_recipient_blocked, now_, "b@y.example");
  EXPECT_THAT(rows(), SizeIs(4));
}

TEST_P(JournalTest, ObservationsOfOneInstantStandInTheOrderOfTheirStages) {
  observe(Reason::submission_cancelled, now_);
  observe(Reason::queue_outbound_submission, now_);
  observe(Reason::review_hold_created, now_);
  observe(Reason::suppression_recipient_blocked, now_, "a@y.example");
  observe(Reason::acceptance_outbound_api, now_);
  observe(Reason::complaint_recipient_reported, now_ - Duration(1), "a@y.example");
  EXPECT_THAT(codes(), ElementsAre("complaint.recipient_reported", "acceptance.outbound_api",
                                   "suppression.recipient_blocked", "review.hold_created",
                                   "queue.outbound_submission", "submission.cancelled"));
}

TEST_P(JournalTest, PagesGoOnStrictlyAfterTheLastRow) {
  for (int i = 0; i < 5; ++i) observe(Reason::submission_temporary_failure, now_, {}, std::to_string(i));
  std::vector<std::string> seen;
  std::optional<Position> after;
  for (auto page = rows(after, 2); !page.empty(); page = rows(after, 2)) {
    for (const LifecycleRow& row : page) seen.push_back(row.id);
    after = Position{page.back().occurred_at, page.back().id};
  }
  std::vector<std::string> all;
  for (const LifecycleRow& row : rows()) all.push_back(row.id);
  EXPECT_EQ(seen, all);
  EXPECT_THAT(all, SizeIs(5));
}

TEST_P(JournalTest, AnEventIsWrittenOnceWithTheBytesEveryChannelSends) {
  for (int i = 0; i < 2; ++i) {
    (void)db().write([&](store::Tx& tx) {
      emit(tx, subject_, EventType::email_sent, {{"message_id", "msg_1"}}, now_);
      return std::monostate{};
    });
  }
  (void)db().read([&](store::ReadTx& tx) {
    const store::Rows rows = tx.query(kEvents);
    EXPECT_EQ(rows.size(), 1U);
    const store::Row row = rows.front();
    EXPECT_THAT(row.text(0), StartsWith("evt_"));
    EXPECT_EQ(row.text(0).size(), 36U);
    EXPECT_EQ(row.view(1), "email.sent");
    EXPECT_EQ(row.view(2), "msg_1");
    EXPECT_EQ(row.view(3), "conv_1");
    EXPECT_EQ(row.text(4), fmt::format(R"({{"type":"email.sent","id":"{}","schema_version":"1",)"
                                       R"("created_at":"2026-11-23T12:00:00.000000Z",)"
                                       R"("data":{{"message_id":"msg_1"}}}})",
                                       row.view(0)));
    return std::monostate{};
  });
}

TEST_P(JournalTest, WhatIsRolledBackLeavesNoTrace) {
  struct Failed {};
  EXPECT_THROW((void)db().write([&](store::Tx& tx) -> std::monostate {
    record(tx, subject_, {Reason::review_approved, now_, {}, {}, {}, ""});
    emit(tx, subject_, EventType::email_review_approved, {}, now_);
    throw Failed{};
  }),
               Failed);
  EXPECT_THAT(rows(), SizeIs(0));
  EXPECT_TRUE(db().read([](store::ReadTx& tx) { return tx.query(kEvents).empty(); }));
}

TEST(ReasonTest, EveryCodeNamesItsReason) {
  for (int i = 0; i <= static_cast<int>(Reason::complaint_recipient_reported); ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(reason_of(facts(reason).code), reason);
  }
  EXPECT_FALSE(reason_of("review.forgotten"));
}

}  // namespace
}  // namespace countersign::journal
