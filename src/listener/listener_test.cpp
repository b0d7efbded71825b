// One listener per agent, and who may still be one.
#include "listener/listener.hpp"

#include <gmock/gmock.h>

#include "support/planning.hpp"
#include "support/stores.hpp"

namespace countersign::listener {
namespace {

using store::Query;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Query kUser("listener_test.user",
                      "INSERT INTO users (id, email, created_at_us) VALUES ('u', 'owner@example.com', 1)");
constexpr Query kAgent("listener_test.agent",
                       "INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) VALUES "
                       "($1, 'u', 'x.example', 'x.example', 1)");
constexpr Query kKey("listener_test.key",
                     "INSERT INTO api_keys (id, user_id, scope, key_hash, key_prefix, created_at_us) VALUES "
                     "($1, 'u', 'account', $1, 'p', 1)");
constexpr Query kRevoke("listener_test.revoke", "UPDATE api_keys SET revoked_at_us = 1 WHERE id = $1");
constexpr Query kExpire("listener_test.expire", "UPDATE api_keys SET expires_at_us = 2 WHERE id = $1");
constexpr Query kTrash("listener_test.trash", "UPDATE agents SET deleted_at_us = 1 WHERE email = $1");
constexpr Query kPurge("listener_test.purge", "DELETE FROM agents WHERE email = $1");

// Differs in how numbers are made up.
#define CS_FILL(numbers)                                                                                \
  "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, " \
  "sender, read_status, created_at_us) SELECT 'msg_' || n, 'u', 'a@x.example', 'inbound', 'received', " \
  "'smtp', 's', 'c', 'w@elsewhere.example', CASE WHEN n % 50 = 1 THEN 'unread' ELSE 'read' END, n "     \
  "FROM " numbers
constexpr Query kFill(
    "listener_test.fill",
    CS_FILL("(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) "
            "SELECT n FROM c) AS numbers"),
    CS_FILL("generate_series(1, 2000) AS numbers (n)"));
constexpr Query kAnalyze("listener_test.analyze", "ANALYZE");

class ListenerTest : public test::StoreTest {
 protected:
  ListenerTest() {
    run([](store::Tx& tx) {
      tx.execute(kUser);
      for (const char* agent : {"a@x.example", "b@x.example"}) tx.execute(kAgent, {agent});
      for (const char* key : {"apk_1", "apk_2"}) tx.execute(kKey, {key});
    });
  }
  template <class Body>
  void run(Body body) {
    (void)db().write([&](store::Tx& tx) {
      body(tx);
      return std::monostate{};
    });
  }
  std::optional<Claimed> claim(const char* id, const char* agent, const char* node = "node_1",
                               const char* key = "apk_1") {
    return db().write([&](store::Tx& tx) {
      return listener::claim(tx, {ListenerId(id), agent, ApiKeyId(key), node}, now_);
    });
  }
  // `id standing` of each.
  std::vector<std::string> check(const char* node, const char* after = "", std::int64_t limit = 10) {
    std::vector<std::string> out;
    for (const Check& one :
         db().read([&](store::ReadTx& tx) { return check_node(tx, node, after, limit, now_); })) {
      out.push_back(one.id.str() + (one.standing == Standing::listening ? " listening" : " forbidden"));
    }
    return out;
  }
  Missing missing(const char* agent, const char* key = "apk_1") {
    return db().read([&](store::ReadTx& tx) { return why_missing(tx, agent, ApiKeyId(key), now_); });
  }

  UtcTime now_ = from_us(1'795'435'200'000'000);
};
COUNTERSIGN_ON_EVERY_STORE(ListenerTest);

TEST_P(ListenerTest, TheLastOneToClaimIsTheListener) {
  const Claimed first = claim("lsn_1", "a@x.example").value();
  EXPECT_FALSE(first.took_over);
  const Claimed second = claim("lsn_2", "a@x.example", "node_2").value();
  EXPECT_TRUE(second.took_over);
  EXPECT_GT(second.epoch, first.epoch);
  EXPECT_EQ(missing("a@x.example"), Missing::replaced);
  EXPECT_THAT(check("node_1"), IsEmpty());
  EXPECT_THAT(check("node_2"), ElementsAre("lsn_2 listening"));
}

TEST_P(ListenerTest, WhoComesAfterOneThatLeftIsLaterThanWhoeverWasBefore) {
  (void)claim("lsn_1", "a@x.example");
  const Claimed before = claim("lsn_2", "a@x.example").value();
  (void)claim("lsn_3", "a@x.example");
  run([](store::Tx& tx) { release(tx, ListenerId("lsn_3")); });
  now_ += std::chrono::seconds(1);
  const Claimed after = claim("lsn_4", "a@x.example").value();
  EXPECT_FALSE(after.took_over);
  EXPECT_GT(after.epoch, before.epoch);
}

TEST_P(ListenerTest, ReleasingAnEarlierOneChangesNothing) {
  (void)claim("lsn_1", "a@x.example");
  (void)claim("lsn_2", "a@x.example");
  run([](store::Tx& tx) { release(tx, ListenerId("lsn_1")); });
  EXPECT_THAT(check("node_1"), ElementsAre("lsn_2 listening"));
  run([](store::Tx& tx) { release(tx, ListenerId("lsn_2")); });
  EXPECT_THAT(check("node_1"), IsEmpty());
  EXPECT_EQ(missing("a@x.example"), Missing::given_up);
}

TEST_P(ListenerTest, ARevokedOrExpiredKeyAndATrashedAgentMayNotListen) {
  (void)claim("lsn_1", "a@x.example", "node_1", "apk_1");
  (void)claim("lsn_2", "b@x.example", "node_1", "apk_2");
  run([](store::Tx& tx) { tx.execute(kRevoke, {"apk_1"}); });
  EXPECT_THAT(check("node_1"), ElementsAre("lsn_1 forbidden", "lsn_2 listening"));
  run([](store::Tx& tx) { tx.execute(kExpire, {"apk_2"}); });
  EXPECT_THAT(check("node_1"), ElementsAre("lsn_1 forbidden", "lsn_2 forbidden"));
  EXPECT_FALSE(claim("lsn_3", "a@x.example", "node_1", "apk_1"));
  run([](store::Tx& tx) { tx.execute(kTrash, {"b@x.example"}); });
  EXPECT_FALSE(claim("lsn_4", "b@x.example", "node_1", "apk_2"));
  EXPECT_EQ(missing("a@x.example"), Missing::forbidden);
  EXPECT_EQ(missing("b@x.example", "apk_2"), Missing::forbidden);
  run([](store::Tx& tx) { tx.execute(kPurge, {"a@x.example"}); });
  EXPECT_EQ(missing("a@x.example"), Missing::forbidden);
  EXPECT_THAT(check("node_1"), ElementsAre("lsn_2 forbidden"));
}

TEST_P(ListenerTest, ANodeIsLookedThroughInPages) {
  (void)claim("lsn_1", "a@x.example");
  (void)claim("lsn_2", "b@x.example");
  EXPECT_THAT(check("node_1", "", 1), ElementsAre("lsn_1 listening"));
  EXPECT_THAT(check("node_1", "a@x.example", 1), ElementsAre("lsn_2 listening"));
  run([](store::Tx& tx) { release_node(tx, "node_1"); });
  EXPECT_THAT(check("node_1"), IsEmpty());
}

TEST_P(ListenerTest, WhatIsUnreadIsFoundWithoutPassingOverWhatWasRead) {
  run([](store::Tx& tx) { tx.execute(kFill); });
  run([](store::Tx& tx) { tx.execute(kAnalyze); });
  const std::vector<std::string> plan = db().read([](store::ReadTx& tx) {
    test::PlanningTx planning(tx);
    (void)unread(planning, "a@x.example");
    return planning.plan();
  });
  EXPECT_THAT(plan, Contains(HasSubstr("messages_unread")));
}

}  // namespace
}  // namespace countersign::listener
