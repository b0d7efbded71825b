// Conversations: what belongs to one, in which order, and who sees it.
#include "api/api_fixture.hpp"
#include "invariants/invariants.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kConversations = kBotPath + "/conversations";
const std::string kMessages = kBotPath + "/messages";

class ConversationsApiTest : public ApiTest {
 protected:
  std::vector<std::string> ids(const std::string& query = "") {
    std::vector<std::string> out;
    const Reply list = get(kConversations + query);
    for (const json::value& item : list.items()) out.emplace_back(item.at("id").as_string());
    return out;
  }
  json::value summary(const std::string& id) {
    for (const json::value& item : get(kConversations).items()) {
      if (item.at("id").as_string() == id) return item;
    }
    return nullptr;
  }
  void talk(const std::string& conversation, const std::string& subject) {
    EXPECT_THAT(send("person@elsewhere.example", subject, R"("conversation_id":")" + conversation + "\""),
                Answered(202));
  }
  /// What the kept rows say is what the messages come to.
  void expect_kept_rows_true() {
    const auto report = db().read([&](store::ReadTx& tx) { return invariants::check(tx, {clock_.now()}); });
    for (const auto& finding : report.violations()) {
      if (finding.rule == "conversations-agree") ADD_FAILURE() << finding.subject << " " << finding.detail;
    }
  }
};
COUNTERSIGN_ON_EVERY_STORE(ConversationsApiTest);

TEST_P(ConversationsApiTest, TheNewestMessageLeads) {
  talk("one", "first");
  talk("two", "second");
  const std::string inbound = receive("third", R"("conversation_id":"one","reply_to":"boss@x.example")");
  EXPECT_THAT(ids(), ElementsAre("one", "two"));
  const json::value one = summary("one");
  EXPECT_EQ(one.at("message_count").as_int64(), 3);
  EXPECT_EQ(one.at("inbound_count").as_int64(), 1);
  EXPECT_EQ(one.at("outbound_count").as_int64(), 2);
  EXPECT_TRUE(one.at("has_unread").as_bool());
  EXPECT_EQ(one.at("latest_subject").as_string(), "third");
  EXPECT_EQ(one.at("latest_from").as_string(), "boss@x.example");
  EXPECT_LT(one.at("first_message_at").as_string(), one.at("last_message_at").as_string());
  EXPECT_FALSE(summary("two").at("has_unread").as_bool());
  EXPECT_EQ(summary("two").at("latest_from").as_string(), kBot);

  get(kMessages + "/" + inbound);
  EXPECT_FALSE(summary("one").at("has_unread").as_bool());
  expect_kept_rows_true();
}

TEST_P(ConversationsApiTest, TheDetailHasEveryMemberOldestFirstAndMarksNothing) {
  const std::string inbound = receive("in", R"("conversation_id":"c","cc":[])");
  talk("c", "out");
  EXPECT_THAT(patch(kMessages + "/" + inbound, R"({"add_labels":["b","a"]})"), Answered(200));
  const Reply detail = get(kConversations + "/c");
  ASSERT_THAT(detail, Answered(200));
  std::vector<std::string> subjects;
  for (const json::value& item : detail.json.at("messages").as_array()) {
    subjects.emplace_back(item.at("subject").as_string());
  }
  EXPECT_THAT(subjects, ElementsAre("in", "in", "out"));
  EXPECT_EQ(json::serialize(detail.json.at("participants")),
            R"(["bot@agents.example","person@elsewhere.example"])");
  EXPECT_EQ(json::serialize(detail.json.at("labels")), R"(["a","b"])");
  EXPECT_TRUE(summary("c").at("has_unread").as_bool());
}

TEST_P(ConversationsApiTest, PagesNeitherRepeatNorSkip) {
  for (int i = 0; i < 7; ++i) talk("c" + std::to_string(i), "s");
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const Reply page = get(kConversations + "?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json::value& item : page.items()) seen.emplace_back(item.at("id").as_string());
    cursor = page.next_cursor();
    if (seen.size() == 3) talk("newer", "s");
  } while (!cursor.empty());
  EXPECT_THAT(seen, ElementsAre("c6", "c5", "c4", "c3", "c2", "c1", "c0"));
  const std::string first = get(kConversations + "?limit=1").next_cursor();
  EXPECT_THAT(get(kConversations + "?limit=1&since=2020-01-01T00:00:00Z&cursor=" + first),
              Refused(400, "invalid_cursor"));
  EXPECT_THAT(get("/v1/agents/sister@agents.example/conversations?cursor=" + first),
              Refused(400, "invalid_cursor"));
}

TEST_P(ConversationsApiTest, ARangeLooksAtTheLastMessage) {
  talk("old", "s");
  const std::string between = to_rfc3339(clock_.now());
  talk("new", "s");
  EXPECT_THAT(ids("?since=" + between), ElementsAre("new"));
  EXPECT_THAT(ids("?until=" + between), ElementsAre("old"));
  EXPECT_THAT(get(kConversations + "?since=yesterday"), Refused(400, "invalid_filter"));
  EXPECT_THAT(get(kConversations + "?since=" + between + "&until=" + between),
              Refused(400, "invalid_filter"));
}

TEST_P(ConversationsApiTest, TheTrashTakesMembersAwayAndGivesThemBack) {
  talk("c", "first");
  const std::string inbound = receive("last", R"("conversation_id":"c")");
  EXPECT_THAT(remove(kMessages + "/" + inbound), Answered(200));
  EXPECT_THAT(remove(kMessages + "/" + inbound), Answered(200)) << "twice counts once";
  EXPECT_EQ(summary("c").at("message_count").as_int64(), 2);
  EXPECT_FALSE(summary("c").at("has_unread").as_bool());
  expect_kept_rows_true();
  get(kMessages + "/" + inbound);  // read in the trash
  expect_kept_rows_true();
  EXPECT_THAT(post(kMessages + "/" + inbound + "/restore", ""), Answered(200));
  EXPECT_EQ(summary("c").at("message_count").as_int64(), 3);
  EXPECT_EQ(summary("c").at("latest_subject").as_string(), "last");
  expect_kept_rows_true();
  for (const json::value& item : get(kMessages + "?direction=all&conversation_id=c").items()) {
    remove(kMessages + "/" + std::string(item.at("id").as_string()));
  }
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_THAT(get(kConversations + "/c"), Refused(404, "not_found"));
  expect_kept_rows_true();
}

TEST_P(ConversationsApiTest, HeldDraftsBelongAndHiddenMailDoesNot) {
  hold_everything();
  const std::string draft = held("draft", R"("conversation_id":"c")");
  EXPECT_EQ(summary("c").at("message_count").as_int64(), 1);
  EXPECT_THAT(post("/v1/reviews/" + draft + "/approve", R"({"subject":"edited"})"), Answered(202));
  EXPECT_EQ(summary("c").at("latest_subject").as_string(), "edited");
  EXPECT_THAT(put("/v1/agents/sister@agents.example/protection",
                  R"({"inbound":{"gate":{"policy":"allowlist","action":"review"},"scan":{}},)"
                  R"("outbound":{"gate":{},"scan":{}},"holds":{}})"),
              Answered(200));
  EXPECT_THAT(put(kBotPath + "/protection",
                  R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})"),
              Answered(200));
  EXPECT_THAT(send("sister@agents.example", "psst", R"("conversation_id":"c")"), Answered(200));
  const std::string sister = "/v1/agents/sister@agents.example/conversations";
  EXPECT_THAT(get(sister).items(), IsEmpty());
  EXPECT_THAT(get(sister + "/c"), Refused(404, "not_found"));
  const std::string hidden(get("/v1/reviews").items().at(0).at("id").as_string());
  EXPECT_THAT(post("/v1/reviews/" + hidden + "/approve", "{}"), Answered(200));
  EXPECT_EQ(get(sister + "/c").json.at("message_count").as_int64(), 1);
  EXPECT_TRUE(get(sister + "/c").json.at("has_unread").as_bool());
  expect_kept_rows_true();
}

TEST_P(ConversationsApiTest, OtherAgentsSeeNone) {
  talk("c", "s");
  EXPECT_THAT(ask({"GET", kConversations, "", bot_, {}}), Answered(200));
  EXPECT_THAT(ask({"GET", kConversations + "/c", "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(get("/v1/agents/sister@agents.example/conversations/c"), Refused(404, "not_found"));
  EXPECT_THAT(ask({"GET", "/v1/agents/sister@agents.example/conversations", "", bot_, {}}),
              Refused(403, "forbidden"));
  EXPECT_THAT(get(kConversations + "/" + std::string(201, 'x')), Refused(400, "invalid_request"));
  EXPECT_THAT(get(kConversations + "/a%0Ab"), Refused(400, "invalid_request"));
  EXPECT_EQ(get(kConversations).headers.get("RateLimit-Limit"), "240");
}

}  // namespace
}  // namespace countersign::test
