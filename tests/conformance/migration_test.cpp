// Migrations take what older programs wrote along.
#include <gmock/gmock.h>

#include <future>

#include "conformance/things.hpp"
#include "store/migrations/migrations.hpp"
#include "store/postgres/connection.hpp"
#include "store/sqlite/connection.hpp"

namespace countersign::test {
namespace {

using store::Query;
using testing::ElementsAre;

// What the drivers create before the first step, and a row for every step that was taken.
constexpr std::string_view kRecords =
    "CREATE TABLE store_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at_us BIGINT NOT "
    "NULL);";

// Rows as schema 1 has them: mail in and out, one reply in the same conversation, one label, one hand-over
// that waits and one whose answer was lost.
constexpr std::string_view kRowsOfSchema1 = R"sql(
INSERT INTO users (id, email, created_at_us) VALUES ('u', 'owner@example.com', 1);
INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us)
  VALUES ('bot@a.example', 'u', 'a.example', 'a.example', 1);
INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, sender, read_status,
    created_at_us) VALUES
  ('msg_1', 'u', 'bot@a.example', 'inbound', 'received', 'smtp', 'One', 'conv', 'w@b.example', 'unread', 10),
  ('msg_2', 'u', 'bot@a.example', 'outbound', 'reply', 'smtp', 'Two', 'conv', 'bot@a.example', '', 20),
  ('msg_3', 'u', 'bot@a.example', 'outbound', 'send', 'smtp', 'Three', '', 'bot@a.example', '', 30);
INSERT INTO message_contents (message_id, text) VALUES ('msg_1', 'One.'), ('msg_2', 'Two.'), ('msg_3', 'Three.');
INSERT INTO message_labels (message_id, label) VALUES ('msg_1', 'urgent'), ('msg_3', 'urgent');
INSERT INTO submissions (id, message_id, user_id, attempt, state, first_due_at_us, due_at_us, fenced_at_us, created_at_us)
  VALUES ('sub_2', 'msg_2', 'u', 1, 'queued', 20, 20, NULL, 20),
         ('sub_3', 'msg_3', 'u', 1, 'unknown', 30, 30, 35, 30);
INSERT INTO message_recipients (message_id, address, kind, route, state, submission_id)
  VALUES ('msg_3', 'w@b.example', 'to', 'external', 'unknown', 'sub_3');
INSERT INTO lifecycle (id, message_id, direction, reason_code, occurred_at_us)
  VALUES ('mlt_1', 'msg_1', 'inbound', 'acceptance.inbound.smtp', 10);
INSERT INTO events (id, user_id, type, agent_email, message_id, envelope, created_at_us)
  VALUES ('evt_1', 'u', 'email.received', 'bot@a.example', 'msg_1', '{}', 10);
INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, completed_at_us)
  VALUES ('u', 'k', 'f', 200, '{}', 10);
)sql";

class MigrationTest : public testing::TestWithParam<Backend> {
 protected:
  // A store of an older program, with its rows.
  void write_as(int schema, std::string_view rows_of_schema_1) {
    std::string script(kRecords);
    for (const store::Migration& step : store::migrations().first(static_cast<std::size_t>(schema))) {
      script += store::migration_text(step, dialect());
      script += "INSERT INTO store_migrations (version, name, applied_at_us) VALUES (" +
                std::to_string(step.version) + ", '" + std::string(step.name) + "', 1);";
      if (step.version == 1) script += rows_of_schema_1;
    }
    run(script);
  }
  store::Database& open_now() {
    store_.reopen();
    return store_.database();
  }
  std::vector<std::string> texts(const Query& query) {
    return store_.database().read([&](store::ReadTx& tx) {
      std::vector<std::string> texts;
      for (const store::Row row : tx.query(query)) texts.push_back(row.text(0));
      return texts;
    });
  }

 private:
  [[nodiscard]] store::Dialect dialect() const {
    return GetParam() == Backend::sqlite ? store::Dialect::sqlite : store::Dialect::postgres;
  }
  void run(const std::string& script) const {
    if (GetParam() == Backend::sqlite) {
      const std::string path = store_.url().substr(std::string_view("sqlite:").size());
      store::sqlite::Connection(path, store::sqlite::Access::write).run_script(script);
    } else {
      store::postgres::Connection connection(store_.url(), kStorePatience,
                                             std::chrono::steady_clock::now() + kStorePatience);
      connection.run_script(script);
    }
  }

  TestStore store_{GetParam(), {}, TestStore::Schema::none};
};
COUNTERSIGN_ON_EVERY_STORE(MigrationTest);

TEST_P(MigrationTest, WhatTheFirstProgramWroteIsThereAfterEveryStep) {
  static constexpr Query kMessages{"test.messages", "SELECT id FROM messages ORDER BY id"};
  static constexpr Query kConversations{
      "test.conversations",
      "SELECT id || ' ' || messages || ' ' || inbound || ' ' || unread || ' ' || first_at_us || ' ' || "
      "last_at_us || ' ' || last_message_id FROM conversations"};
  static constexpr Query kSubmissions{"test.submissions",
                                      "SELECT id || ' ' || state || ' ' || COALESCE(CAST(unknown_at_us AS "
                                      "TEXT), '-') FROM submissions ORDER BY "
                                      "id"};
  static constexpr Query kRecipients{"test.recipients",
                                     "SELECT state || ' ' || unknown_in FROM message_recipients"};
  static constexpr Query kReasons{
      "test.reasons", "SELECT message_id || ' ' || reason_code FROM lifecycle ORDER BY message_id"};
  static constexpr Query kEvents{"test.events", "SELECT id || ' ' || status FROM events"};
  static constexpr Query kKeys{"test.keys", "SELECT key FROM idempotency_keys"};
  write_as(1, kRowsOfSchema1);
  open_now();
  EXPECT_THAT(texts(kMessages), ElementsAre("msg_1", "msg_2", "msg_3"));
  EXPECT_THAT(texts(kConversations), ElementsAre("conv 2 1 1 10 20 msg_2"));
  EXPECT_THAT(texts(kSubmissions), ElementsAre("sub_2 queued -", "sub_3 unknown 35"));
  EXPECT_THAT(texts(kRecipients), ElementsAre("unknown sub_3"));
  EXPECT_THAT(texts(kReasons),
              ElementsAre("msg_1 acceptance.inbound.smtp", "msg_3 submission.temporary_failure"));
  EXPECT_THAT(texts(kEvents), ElementsAre("evt_1 no_match"));
  EXPECT_THAT(texts(kKeys), ElementsAre("k"));
}

class PostgresMigrationTest : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kDeadline{1'000};  // of any transaction

  PostgresMigrationTest() { options_.deadline = kDeadline; }
  std::future<void> open_beside() {
    return std::async(std::launch::async, [this] { store::open(options_)->stop(); });
  }

  TestStore store_{Backend::postgres, {}, TestStore::Schema::none};
  store::Options options_ = store_.options();
  store::postgres::Connection other_{store_.url(), kStorePatience,
                                     std::chrono::steady_clock::now() + kStorePatience};
};

TEST_F(PostgresMigrationTest, IsWaitedForWhereAnotherNodeIsAtIt) {
  other_.run_script("SELECT pg_advisory_lock(7233170941520114)");
  std::future<void> node = open_beside();
  EXPECT_EQ(node.wait_for(3 * kDeadline), std::future_status::timeout) << "it takes as long as it takes";
  other_.run_script("SELECT pg_advisory_unlock(7233170941520114)");
  EXPECT_NO_THROW(node.get());
}

TEST_F(PostgresMigrationTest, SaysWhichStepFoundItsTableInUse) {
  open_beside().get();
  other_.run_script("DELETE FROM store_migrations WHERE version = 13");
  other_.run_script("BEGIN; LOCK TABLE messages");
  try {
    open_beside().get();
    FAIL() << "changed a table that another transaction holds";
  } catch (const store::Unavailable& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("migration 13 (room_to_update)"),
                                             testing::HasSubstr("in use")));
  }
  other_.run_script("ROLLBACK");
  EXPECT_NO_THROW(open_beside().get());
}

TEST_P(MigrationTest, LabelsFromBeforeTheyKnewTheirTimeAreFoundByIt) {
  static constexpr Query kByTime{
      "test.by_time",
      "SELECT message_id FROM message_labels WHERE agent_email = 'bot@a.example' AND "
      "label = 'urgent' AND created_at_us >= 10 AND created_at_us < 31 "
      "ORDER BY created_at_us DESC, message_id DESC"};
  static constexpr Query kDelete{"test.delete", "DELETE FROM messages WHERE id = 'msg_3'"};
  write_as(6, kRowsOfSchema1);
  store::Database& database = open_now();
  EXPECT_THAT(texts(kByTime), ElementsAre("msg_3", "msg_1"));
  database.write([](store::Tx& tx) { return tx.execute(kDelete); });
  EXPECT_THAT(texts(kByTime), ElementsAre("msg_1"));
}

}  // namespace
}  // namespace countersign::test
