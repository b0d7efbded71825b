// Pages cost what they show: every list is a range of an index in the order of the list, on both stores. What
// the database says about its plan, with statistics of a mailbox that is not empty. PostgreSQL would read
// tables of this size from end to end rather than use an index, did the store not take that from it; it still
// sorts where an index has not the order.
#include <gmock/gmock.h>

#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"
#include "support/planning.hpp"
#include "support/stores.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

constexpr std::string_view kAgent = "reader@agents.example";
constexpr std::int64_t kMessages = 6'000;
constexpr std::int64_t kBeginUs = 1'700'000'000'000'000;

// Differs in how numbers are made up.
#define CS_FILL(numbers)                                                                                   \
  "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, "    \
  "sender, read_status, rfc_message_id, created_at_us, deleted_at_us) SELECT 'msg_' || n, 'u', $1, CASE "  \
  "WHEN "                                                                                                  \
  "n % 4 = 0 THEN 'outbound' ELSE 'inbound' END, CASE WHEN n % 4 = 0 THEN 'send' ELSE 'received' END, "    \
  "'smtp', 'Figures of week ' || n, 'conv_' || (n % 30), 'w@elsewhere.example', CASE WHEN n % 4 = 0 THEN " \
  "'' "                                                                                                    \
  "WHEN n % 3 = 1 THEN 'unread' ELSE 'read' END, 'id' || n, CAST($2 AS BIGINT) + n * 1000, CASE WHEN n % " \
  "10 = 7 "                                                                                                \
  "THEN 1 END FROM " numbers
constexpr Query kFill(
    "test.fill",
    CS_FILL("(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $3) "
            "SELECT n FROM c) AS numbers"),
    CS_FILL("generate_series(1, CAST($3 AS BIGINT)) AS numbers (n)"));
constexpr Query kLabels(
    "test.labels",
    "INSERT INTO message_labels (message_id, label, agent_email, created_at_us) SELECT id, "
    "'often', agent_email, created_at_us FROM messages");
constexpr Query kMoreLabels(
    "test.more_labels",
    "INSERT INTO message_labels (message_id, label, agent_email, created_at_us) SELECT "
    "id, 'often-too', agent_email, created_at_us FROM messages");
constexpr Query kConversations(
    "test.conversations",
    "INSERT INTO conversations (agent_email, id, messages, inbound, unread, first_at_us, last_at_us, "
    "last_message_id) SELECT agent_email, 'of_' || id, 1, 0, 0, created_at_us, created_at_us, id FROM "
    "messages");
constexpr Query kUser("test.user", "INSERT INTO users (id, email, created_at_us) VALUES ('u', 'u', 0)");
constexpr Query kInsertAgent("test.agent",
                             "INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) "
                             "VALUES ($1, 'u', 'agents.example', 'agents.example', 0)");
constexpr Query kContents("test.contents",
                          "INSERT INTO message_contents (message_id, text) SELECT id, 'text' FROM messages");
constexpr Query kAnalyze("test.analyze", "ANALYZE");

class PlanTest : public test::StoreTest {
 protected:
  PlanTest() {
    // Each by itself, since a transaction has a deadline.
    run(kUser);
    run(kInsertAgent, {kAgent});
    run(kFill, {kAgent, kBeginUs, kMessages});
    for (const Query& more : {kLabels, kMoreLabels, kConversations, kContents, kAnalyze}) run(more);
  }

  // The steps of a plan that pass over rows which are not asked for, or sort.
  template <class Work>
  std::string wasted_by(Work work) {
    return db().read([&](store::ReadTx& tx) {
      test::PlanningTx planning(tx);
      work(planning);
      std::string wasted;
      bool uses_index = false;
      for (const std::string& step : planning.plan()) {
        uses_index =
            uses_index || step.find("INDEX") != std::string::npos || step.find("Index") != std::string::npos;
        if (is_waste(step)) wasted += step + "\n";
      }
      if (!uses_index) wasted += "no index is used\n";
      return wasted;
    });
  }

  std::string wasted_by_list(const ListFilter& filter, const std::optional<journal::Position>& after) {
    return wasted_by([&](store::ReadTx& tx) { (void)list(tx, kAgent, filter, after, 21); });
  }

  const journal::Position middle_{from_us(kBeginUs + kMessages / 2 * 1000), "msg_3000"};

 private:
  void run(const Query& query, std::initializer_list<store::Param> params = {}) {
    db().write([&](store::Tx& tx) { return tx.execute(query, params); });
  }
  static bool is_waste(std::string_view step) {
    const bool sorts =
        step.find("TEMP B-TREE") != std::string_view::npos || step.find("Sort") != std::string_view::npos;
    // SQLite says SCAN of a table without a condition on an index; the rows of a JSON list have none.
    const bool scans = (step.starts_with("SCAN ") && step.find("VIRTUAL TABLE") == std::string_view::npos &&
                        step.find("CONSTANT ROW") == std::string_view::npos) ||
                       step.find("Seq Scan") != std::string_view::npos;
    return sorts || scans;
  }
};
COUNTERSIGN_ON_EVERY_STORE(PlanTest);

TEST_P(PlanTest, EveryListIsARangeOfAnIndex) {
  for (unsigned form = 0; form < 1U << 5; ++form) {
    const auto given = [&](unsigned bit) { return (form >> bit & 1U) != 0; };
    for (const std::string_view view : {"all", "inbound", "outbound", "unread", "read"}) {
      ListFilter filter;
      filter.ascending = given(0);
      filter.trashed = given(1);
      if (given(2)) filter.since = from_us(kBeginUs + 1'000'000);
      if (given(3)) filter.labels = {"often"};
      if (view == "inbound" || view == "unread" || view == "read") filter.direction = Direction::inbound;
      if (view == "outbound") filter.direction = Direction::outbound;
      if (view == "unread" || view == "read") filter.read_status = view;
      // The trash has no read state, and one index for both directions.
      if (filter.trashed && view != "all") continue;
      EXPECT_EQ(wasted_by_list(filter, given(4) ? std::optional(middle_) : std::nullopt), "")
          << view << ", form " << form;
    }
  }
}

TEST_P(PlanTest, AListThatIsSiftedWalksAnIndex) {
  for (const bool labelled : {false, true}) {
    ListFilter filter;
    filter.subject_contains = "figures of week 5";
    if (labelled) filter.labels = {"often", "often-too"};
    EXPECT_EQ(wasted_by_list(filter, {}), "");
    EXPECT_EQ(wasted_by_list(filter, middle_), "");
  }
}

TEST_P(PlanTest, OneConversationIsARangeOfAnIndex) {
  ListFilter filter;
  filter.conversation_id = "conv_5";
  EXPECT_EQ(wasted_by_list(filter, {}), "");
  EXPECT_EQ(wasted_by_list(filter, middle_), "");
}

TEST_P(PlanTest, ConversationsAreARangeOfAnIndex) {
  EXPECT_EQ(wasted_by([](store::ReadTx& tx) { (void)list_conversations(tx, kAgent, {}, {}, 21); }), "");
  EXPECT_EQ(wasted_by([&](store::ReadTx& tx) { (void)list_conversations(tx, kAgent, {}, middle_, 21); }), "");
}

TEST_P(PlanTest, OneMessageIsLookedUp) {
  const MessageId id("msg_3000");
  EXPECT_EQ(wasted_by([&](store::ReadTx& tx) { (void)find(tx, kAgent, id); }), "");
  EXPECT_EQ(wasted_by([&](store::ReadTx& tx) { (void)load_content(tx, id); }), "");
}

}  // namespace
}  // namespace countersign::mailbox
