// Agents and their protection settings.
#include <boost/asio/co_spawn.hpp>

#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;

class AgentsApiTest : public ApiTest {
 protected:
  std::vector<std::string> emails(const Reply& page) {
    std::vector<std::string> out;
    for (const json::value& item : page.items()) out.emplace_back(item.at("email").as_string());
    return out;
  }
};
COUNTERSIGN_ON_EVERY_STORE(AgentsApiTest);

TEST_P(AgentsApiTest, ANewAgentIsItsAddressAndNothingElseIdentifiesIt) {
  const Reply created = post("/v1/agents", R"({"email":" Sales@Agents.Example ","name":"Ünï <b>&</b>"})");
  ASSERT_THAT(created, Answered(201));
  EXPECT_EQ(created.text("email"), "sales@agents.example");
  EXPECT_EQ(created.text("domain"), "agents.example");
  EXPECT_EQ(created.text("registered_domain"), "agents.example");
  EXPECT_EQ(created.text("name"), "Ünï <b>&</b>");
  EXPECT_TRUE(created.json.at("domain_verified").as_bool());
  for (const char* absent : {"id", "user_id", "public", "agent_mode", "webhook_url", "deleted_at"}) {
    EXPECT_FALSE(created.has(absent)) << absent;
  }
  EXPECT_EQ(created.headers.get("RateLimit-Limit"), "200");
  EXPECT_EQ(get("/v1/agents/SALES%40agents.example").body, created.body);
}

TEST_P(AgentsApiTest, AnAgentThatCannotBeIsRefusedWithItsReason) {
  const auto before = row_counts();
  const std::vector<std::tuple<std::string, int, std::string>> cases = {
      {R"({"email":""})", 400, "invalid_request"},
      {R"({"email":"   "})", 400, "invalid_request"},
      {R"({"email":"not an address"})", 400, "invalid_request"},
      {R"({"email":"Name <x1@agents.example>"})", 400, "invalid_request"},
      {R"({"email":"x1@agents.example\r\nBcc: y@z.example"})", 400, "invalid_request"},
      {R"({"email":"a@agents.example"})", 400, "invalid_slug"},
      {R"({"email":")" + std::string(100, 'a') + R"(@agents.example"})", 400, "invalid_slug"},
      {R"({"email":")" + std::string(100, 'a') + R"( b@agents.example"})", 400, "invalid_request"},
      {R"({"email":"postmaster@agents.example"})", 400, "invalid_slug"},
      {R"({"email":"x1@unknown.example"})", 400, "domain_not_registered"},
      {R"({"email":"bot@agents.example"})", 409, "agent_taken"},
      {R"({})", 422, "invalid_request"},
      {R"({"email":7})", 422, "invalid_request"},
      {R"({"email":"x1@agents.example","id":"x"})", 422, "invalid_request"},
      {R"({"email":"x1@agents.example","name":")" + std::string(201, 'n') + R"("})", 422, "invalid_request"}};
  for (const auto& [body, status, code] : cases) {
    EXPECT_THAT(post("/v1/agents", body), Refused(status, code)) << body;
  }
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AgentsApiTest, OfParallelCreatesOfOneAddressOneGets201) {
  const Ask create{"POST", "/v1/agents", R"({"email":"race@agents.example"})", ada_, {}};
  std::vector<std::future<rest::Response>> started;
  for (int i = 0; i < 16; ++i) started.push_back(start(create));
  std::map<int, int> statuses;
  for (auto& future : started) {
    const Reply reply = finish(create, future.get());
    ++statuses[reply.status];
    if (reply.status != 201) {
      EXPECT_THAT(reply, Refused(409, "agent_taken"));
    }
  }
  EXPECT_EQ(statuses[201], 1);
  EXPECT_EQ(statuses[409], 15);
}

TEST_P(AgentsApiTest, AgentsOfOthersDoNotExist) {
  const auto before = row_counts();
  const auto as_eve = [&](const std::string& method, const std::string& target,
                          const std::string& body = "") { return ask({method, target, body, eve_, {}}); };
  EXPECT_THAT(as_eve("GET", kBotPath), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("PATCH", kBotPath, R"({"name":"x"})"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("PATCH", kBotPath, "{}"), Refused(404, "not_found")) << "ownership before semantics";
  EXPECT_THAT(as_eve("DELETE", kBotPath + "?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("DELETE", kBotPath + "?confirm=DELETE&permanent=true"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("POST", kBotPath + "/restore"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("GET", kBotPath + "/protection"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("GET", kBotPath + "/messages"), Refused(404, "not_found"));
  EXPECT_THAT(as_eve("POST", kBotPath + "/messages", mail("a@b.example", "s")), Refused(404, "not_found"));
  EXPECT_TRUE(as_eve("GET", "/v1/agents").items().empty());
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AgentsApiTest, OnlyTheNameChangesAndItMayBecomeEmpty) {
  EXPECT_THAT(patch(kBotPath, "{}"), Refused(400, "invalid_request"));
  EXPECT_EQ(patch(kBotPath, R"({"name":""})").text("name"), "");
  EXPECT_EQ(patch(kBotPath, R"({"name":"  two  spaces "})").text("name"), "  two  spaces ");
  EXPECT_EQ(get(kBotPath).text("name"), "  two  spaces ");
}

TEST_P(AgentsApiTest, TheListIsPagedNewestFirstAndItsCursorBoundToTheView) {
  for (int i = 1; i <= 3; ++i) {
    post("/v1/agents", R"({"email":"extra)" + std::to_string(i) + R"(@agents.example"})");
  }
  const Reply first = get("/v1/agents?limit=2");
  EXPECT_THAT(emails(first), ElementsAre("extra3@agents.example", "extra2@agents.example"));
  post("/v1/agents", R"({"email":"later@agents.example"})");
  const Reply second = get("/v1/agents?limit=100&cursor=" + first.next_cursor());
  EXPECT_THAT(emails(second),
              ElementsAre("extra1@agents.example", "sister@agents.example", "bot@agents.example"));
  EXPECT_EQ(second.next_cursor(), "");
  EXPECT_THAT(get("/v1/agents?deleted=true&cursor=" + first.next_cursor()), Refused(400, "invalid_cursor"));
  EXPECT_THAT(get("/v1/account/api-keys?cursor=" + first.next_cursor()), Refused(400, "invalid_cursor"));
  EXPECT_THAT(get("/v1/agents?cursor=x"), Refused(400, "invalid_cursor"));
  EXPECT_THAT(get("/v1/agents?limit=0"), Refused(422, "invalid_request"));
  EXPECT_THAT(get("/v1/agents?limit=101"), Refused(422, "invalid_request"));
}

TEST_P(AgentsApiTest, TheTrashHidesAnAgentAndGivesItBackUnchanged) {
  const std::string held_id = [&] {
    hold_everything();
    return held("waiting");
  }();
  const Reply before = get(kBotPath);
  const std::string deadline = get("/v1/reviews/" + held_id).text("id");
  EXPECT_THAT(post(kBotPath + "/restore", ""), Refused(409, "not_in_trash"));

  const Reply deleted = remove(kBotPath + "?confirm=DELETE");
  ASSERT_THAT(deleted, Answered(200));
  EXPECT_EQ(deleted.json.at("messages_deleted").as_int64(), 0);
  EXPECT_THAT(get(kBotPath), Refused(404, "not_found"));
  EXPECT_THAT(get(kBotPath + "/messages"), Refused(404, "not_found"));
  EXPECT_THAT(remove(kBotPath + "?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(post("/v1/agents", R"({"email":"bot@agents.example"})"), Refused(409, "address_in_trash"));
  EXPECT_THAT(ask({.target = "/v1/account", .key = bot_}), Answered(200)) << "its key still authenticates";
  EXPECT_THAT(ask({.target = kBotPath, .key = bot_}), Refused(404, "not_found"));
  EXPECT_TRUE(get("/v1/reviews").items().empty()) << "its holds leave the queue";
  const Reply trash = get("/v1/agents?deleted=true");
  EXPECT_THAT(emails(trash), ElementsAre(kBot));
  EXPECT_TRUE(trash.items().at(0).as_object().contains("deleted_at"));

  EXPECT_EQ(post(kBotPath + "/restore", "").body, before.body);
  EXPECT_EQ(get("/v1/reviews").items().size(), 1U);
}

TEST_P(AgentsApiTest, APermanentDeleteTakesTheMessagesAlong) {
  constexpr std::int64_t kSends = mailbox::kPurgedByAStep / 2 + 1;  // two messages each
  for (int i = 0; i < kSends; ++i) EXPECT_THAT(send(kBot, "to myself"), Answered(200));
  EXPECT_THAT(remove(kBotPath + "?confirm=DELETE"), Answered(200));
  const Reply deleted = remove(kBotPath + "?confirm=DELETE&permanent=true");
  ASSERT_THAT(deleted, Answered(200));
  EXPECT_EQ(deleted.json.at("messages_deleted").as_int64(), 2 * kSends);
  EXPECT_EQ(row_counts()["messages"], 0);
  EXPECT_THAT(post(kBotPath + "/restore", ""), Refused(404, "not_found"));
  EXPECT_THAT(post("/v1/agents", R"({"email":"bot@agents.example"})"), Answered(201));
}

TEST_P(AgentsApiTest, DeletingNeedsItsConfirmation) {
  EXPECT_THAT(remove(kBotPath), Refused(422, "invalid_request"));
  EXPECT_THAT(remove(kBotPath + "?confirm=delete"), Refused(422, "invalid_request"));
  EXPECT_THAT(ask({.method = "DELETE", .target = kBotPath}), Refused(422, "invalid_request"));
  EXPECT_THAT(get(kBotPath), Answered(200));
}

TEST_P(AgentsApiTest, ProtectionIsReplacedWholeAndWhatGetShowsPutTakes) {
  const std::string path = kBotPath + "/protection";
  EXPECT_EQ(get(path).body,
            R"({"inbound":{"gate":{"policy":"open","action":"flag"},"scan":{"sensitivity":"off"}},)"
            R"("outbound":{"gate":{"policy":"open","action":"flag"},"scan":{"sensitivity":"off"}},)"
            R"("holds":{"ttl_seconds":604800,"on_expiry":"reject"}})");
  const Reply changed = put(
      path, R"({"inbound":{"gate":{"policy":"domain","allowlist":["a.example"]},"scan":{}},)"
            R"("outbound":{"gate":{"policy":"allowlist","action":"block"},"scan":{"sensitivity":"high"}},)"
            R"("holds":{"ttl_seconds":0,"on_expiry":"approve","suppress_notifications":true}})");
  ASSERT_THAT(changed, Answered(200));
  EXPECT_EQ(
      changed.body,
      R"({"inbound":{"gate":{"policy":"domain","action":"flag","allowlist":["a.example"]},)"
      R"("scan":{"sensitivity":"off"}},"outbound":{"gate":{"policy":"allowlist","action":"block"},)"
      R"("scan":{"sensitivity":"high"}},"holds":{"on_expiry":"approve","suppress_notifications":true}})");
  EXPECT_EQ(get(path).body, changed.body);
  hold_everything();
  const Reply shown = get(path);
  EXPECT_EQ(put(path, shown.body).body, shown.body);
}

TEST_P(AgentsApiTest, ProtectionThatIsIncompleteOrUnknownIsRefused) {
  const std::string path = kBotPath + "/protection";
  const std::string before = get(path).body;
  for (const char* body :
       {R"({})", R"({"inbound":{"gate":{},"scan":{}},"holds":{}})",
        R"({"inbound":{"gate":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})",
        R"({"inbound":{"gate":{"policy":"closed"},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})",
        R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{"ttl_seconds":-1}})",
        R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{},"x":1})"}) {
    EXPECT_THAT(put(path, body), Refused(422, "invalid_request")) << body;
  }
  EXPECT_EQ(get(path).body, before);
}

class CappedApiTest : public ApiTest {
 protected:
  CappedApiTest() : ApiTest({}, {.agents_max = 2, .messages_month_max = 2}) {}
};
COUNTERSIGN_ON_EVERY_STORE(CappedApiTest);

TEST_P(CappedApiTest, ACapThatIsReachedSaysWhichAndHowFar) {
  const Reply agent = post("/v1/agents", R"({"email":"third@agents.example"})");
  EXPECT_THAT(agent, Refused(402, "limit_exceeded"));
  EXPECT_EQ(json::serialize(agent.json.at("error").at("details")),
            R"({"resource":"agents","limit":2,"current":2,"plan_code":"default"})");
  EXPECT_THAT(send("a@b.example", "1"), Answered(202));
  EXPECT_THAT(send("a@b.example", "2"), Answered(202));
  const auto before = row_counts();
  const Reply message = send("a@b.example", "3");
  EXPECT_THAT(message, Refused(402, "limit_exceeded"));
  EXPECT_EQ(message.json.at("error").at("details").at("resource").as_string(), "messages_month");
  EXPECT_EQ(row_counts(), before);
}

}  // namespace
}  // namespace countersign::test
