// getInfo, getAccount, API keys, credentials and scopes.
#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AccountApiTest : public ApiTest {};
COUNTERSIGN_ON_EVERY_STORE(AccountApiTest);

const std::string kKeys = "/v1/account/api-keys";

TEST_P(AccountApiTest, InfoNeedsNoCredentialAndSaysWhereMailGoes) {
  const Reply info = ask({.target = "/v1/info"});
  ASSERT_THAT(info, Answered(200));
  EXPECT_EQ(info.text("version"), "1.0.0");
  EXPECT_EQ(info.text("shared_domain"), "agents.example");
  EXPECT_TRUE(info.json.at("slug_registration_enabled").as_bool());
  EXPECT_EQ(info.text("public_url"), "https://mail.example");
  EXPECT_EQ(info.text("outbound_transport"), "maildir");
}

TEST_P(AccountApiTest, EveryBadCredentialGetsTheSameAnswer) {
  const std::string expired = [&] {
    const Reply created = post(kKeys, R"({"expires_at":"2026-11-23T11:00:00Z"})");
    EXPECT_THAT(created, Answered(201));
    return created.text("key");
  }();
  const std::string revoked = [&] {
    const Reply created = post(kKeys, "{}");
    EXPECT_THAT(remove(kKeys + "/" + created.text("id") + "?confirm=DELETE"), Answered(200));
    return created.text("key");
  }();
  EXPECT_THAT(ask({.target = "/v1/account", .key = expired}), Answered(200));
  clock_.advance(std::chrono::hours(1));
  const Reply none = ask({.target = "/v1/account"});
  EXPECT_THAT(none, Refused(401, "unauthorized"));
  EXPECT_EQ(none.headers.get("WWW-Authenticate"), "Bearer realm=\"e2a\"");
  for (const std::string& key :
       {std::string("nonsense"), "e2a_acct_" + std::string(64, '0'), expired, revoked}) {
    const Reply reply = ask({.target = "/v1/account", .key = key});
    EXPECT_EQ(reply.body, none.body) << key;
    EXPECT_EQ(reply.status, 401);
  }
}

TEST_P(AccountApiTest, TheSchemeIsCaseInsensitiveAndMayBeMissing) {
  for (const std::string& value : {"bearer " + ada_, "BEARER " + ada_, ada_}) {
    EXPECT_THAT(ask({.target = "/v1/account", .headers = {{"Authorization", value}}}), Answered(200))
        << value;
  }
  EXPECT_THAT(ask({.target = "/v1/account", .headers = {{"Authorization", "Basic " + ada_}}}),
              Refused(401, "unauthorized"));
}

TEST_P(AccountApiTest, TheAccountShowsItsLimitsAndWhatIsUsed) {
  EXPECT_THAT(send("person@elsewhere.example", "one"), Answered(202));
  const Reply account = get("/v1/account");
  ASSERT_THAT(account, Answered(200));
  EXPECT_EQ(account.json.at("user").at("email").as_string(), "ada@owner.example");
  EXPECT_EQ(account.text("scope"), "account");
  EXPECT_FALSE(account.has("agent_email"));
  EXPECT_EQ(account.json.at("usage").at("agents").as_int64(), 2);
  EXPECT_EQ(account.json.at("usage").at("messages_month").as_int64(), 1);
  EXPECT_GT(account.json.at("usage").at("storage_bytes").as_int64(), 0);
  EXPECT_EQ(account.text("upgrade_url"), "");

  const Reply agent = ask({.target = "/v1/account", .key = bot_});
  EXPECT_EQ(agent.text("scope"), "agent");
  EXPECT_EQ(agent.text("agent_email"), kBot);
}

TEST_P(AccountApiTest, AKeyIsShownOnceAndWorks) {
  const Reply created = post(kKeys, R"({"name":"<ci> & co"})");
  ASSERT_THAT(created, Answered(201));
  EXPECT_THAT(created.text("key"), StartsWith("e2a_acct_"));
  EXPECT_EQ(created.text("key").size(), 9U + 64U);
  EXPECT_EQ(created.text("key_prefix"), created.text("key").substr(0, 16));
  EXPECT_EQ(created.text("name"), "<ci> & co");
  EXPECT_THAT(ask({.target = "/v1/agents", .key = created.text("key")}), Answered(200));

  const Reply list = get(kKeys);
  ASSERT_THAT(list, Answered(200));
  EXPECT_EQ(list.items().at(0).at("id").as_string(), created.text("id"));
  EXPECT_EQ(list.body.find(created.text("key")), std::string::npos);
}

TEST_P(AccountApiTest, AnAgentKeyNeedsAnAgentOfTheAccount) {
  const Reply created = post(kKeys, R"({"scope":"agent","agent_email":" BOT@agents.example"})");
  ASSERT_THAT(created, Answered(201));
  EXPECT_THAT(created.text("key"), StartsWith("e2a_agt_"));
  EXPECT_EQ(created.text("agent_email"), kBot);
  EXPECT_THAT(ask({.target = kBotPath, .key = created.text("key")}), Answered(200));

  const auto before = row_counts();
  EXPECT_THAT(post(kKeys, R"({"scope":"agent"})"), Refused(400, "invalid_request"));
  EXPECT_THAT(post(kKeys, R"({"scope":"agent","agent_email":"no@agents.example"})"),
              Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", kKeys, R"({"scope":"agent","agent_email":"bot@agents.example"})", eve_, {}}),
              Refused(404, "not_found"));
  EXPECT_THAT(post(kKeys, R"({"expires_at":"2026-11-23T09:00:00Z"})"), Refused(400, "invalid_expires_at"));
  EXPECT_THAT(post(kKeys, R"({"expires_at":"tomorrow"})"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(kKeys, R"({"scope":"root"})"), Refused(422, "invalid_request"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AccountApiTest, ARepeatedCreationReturnsTheSameKey) {
  const Reply first = keyed(kKeys, R"({"name":"ci"})", "k-1");
  const auto before = row_counts();
  const Reply again = keyed(kKeys, R"({"name":"ci"})", "k-1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_THAT(stored_answers(), ElementsAre(Not(HasSubstr(first.text("key").substr(20)))));
  EXPECT_THAT(keyed(kKeys, R"({"name":"other"})", "k-1"), Refused(422, "idempotency_key_reuse"));
  EXPECT_THAT(keyed(kKeys, "{}", std::string(256, 'k')), Refused(422, "invalid_request"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AccountApiTest, ADeletedKeyStopsWorkingAtOnceAndIsGone) {
  const Reply created = post(kKeys, "{}");
  const std::string target = kKeys + "/" + created.text("id");
  EXPECT_THAT(ask({.method = "DELETE", .target = target}), Refused(422, "invalid_request"))
      << "confirmation is asked for before who is calling";
  EXPECT_THAT(ask({"DELETE", target + "?confirm=DELETE", "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(remove(target + "?confirm=DELETE"), Answered(200));
  EXPECT_THAT(remove(target + "?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(ask({.target = "/v1/account", .key = created.text("key")}), Refused(401, "unauthorized"));
}

TEST_P(AccountApiTest, KeysArePagedWithoutGapsOrRepeats) {
  for (int i = 0; i < 5; ++i) post(kKeys, "{}");
  std::set<std::string> seen;
  std::string cursor;
  int pages = 0;
  do {
    const Reply page = get(kKeys + "?limit=3&cursor=" + cursor);
    ASSERT_THAT(page, Answered(200));
    for (const json::value& item : page.items()) {
      EXPECT_TRUE(seen.emplace(item.at("id").as_string()).second);
    }
    cursor = page.next_cursor();
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(pages, 3);
}

TEST_P(AccountApiTest, AnAgentKeyIsKeptToItsAgentAndItsOperations) {
  const auto as_bot = [&](const std::string& method, const std::string& target,
                          const std::string& body = "") { return ask({method, target, body, bot_, {}}); };
  EXPECT_THAT(as_bot("GET", kBotPath), Answered(200));
  EXPECT_THAT(as_bot("GET", kBotPath + "/messages"), Answered(200));
  EXPECT_THAT(as_bot("GET", "/v1/agents/sister@agents.example"), Refused(403, "forbidden"));
  EXPECT_THAT(as_bot("GET", "/v1/agents/stranger@agents.example"), Refused(404, "not_found"));
  const std::vector<std::array<std::string, 3>> account_only = {
      {"GET", "/v1/agents", ""},
      {"POST", "/v1/agents", R"({"email":"x1@agents.example"})"},
      {"PATCH", kBotPath, R"({"name":"x"})"},
      {"DELETE", kBotPath + "?confirm=DELETE", ""},
      {"POST", kBotPath + "/restore", ""},
      {"GET", kBotPath + "/protection", ""},
      {"PUT", kBotPath + "/protection",
       R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})"},
      {"DELETE", kBotPath + "/messages/msg_1?permanent=true&confirm=DELETE", ""},
      {"GET", "/v1/reviews", ""},
      {"GET", "/v1/reviews/msg_1", ""},
      {"POST", "/v1/reviews/msg_1/approve", "{}"},
      {"POST", "/v1/reviews/msg_1/reject", "{}"},
      {"GET", "/v1/handovers", ""},
      {"GET", "/v1/handovers/sub_1", ""},
      {"POST", "/v1/handovers/sub_1/resolve", R"({"as":"sent"})"},
      {"GET", kBotPath + "/delivery-policy", ""},
      {"PUT", kBotPath + "/delivery-policy", R"({"on_unknown":"resend"})"},
      {"GET", kKeys, ""},
      {"POST", kKeys, "{}"},
      {"DELETE", kKeys + "/apk_1?confirm=DELETE", ""}};
  const auto before = row_counts();
  for (const auto& [method, target, body] : account_only) {
    EXPECT_THAT(as_bot(method, target, body), Refused(403, "forbidden")) << method << " " << target;
  }
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AccountApiTest, EveryOperationButInfoNeedsACredential) {
  const std::string message = kBotPath + "/messages/msg_1";
  const std::map<std::string, Ask> asks = {
      {"getAccount", {"GET", "/v1/account", "", "", {}}},
      {"listSuppressions", {"GET", "/v1/account/suppressions", "", "", {}}},
      {"deleteSuppression", {"DELETE", "/v1/account/suppressions/a@x.example?confirm=DELETE", "", "", {}}},
      {"testAgent", {"POST", kBotPath + "/test", "", "", {}}},
      {"listAgentSuppressions", {"GET", kBotPath + "/suppressions", "", "", {}}},
      {"createAgentSuppression",
       {"POST", kBotPath + "/suppressions", R"({"address":"a@x.example"})", "", {}}},
      {"deleteAgentSuppression",
       {"DELETE", kBotPath + "/suppressions/a@x.example?confirm=DELETE", "", "", {}}},
      {"replyToMessage", {"POST", message + "/reply", R"({"text":"t"})", "", {}}},
      {"forwardMessage", {"POST", message + "/forward", R"({"to":["a@x.example"],"text":"t"})", "", {}}},
      {"getAttachment", {"GET", message + "/attachments/0", "", "", {}}},
      {"listConversations", {"GET", kBotPath + "/conversations", "", "", {}}},
      {"getConversation", {"GET", kBotPath + "/conversations/c", "", "", {}}},
      {"listApiKeys", {"GET", kKeys, "", "", {}}},
      {"createApiKey", {"POST", kKeys, "{}", "", {}}},
      {"deleteApiKey", {"DELETE", kKeys + "/apk_1?confirm=DELETE", "", "", {}}},
      {"listAgents", {"GET", "/v1/agents", "", "", {}}},
      {"createAgent", {"POST", "/v1/agents", R"({"email":"x1@agents.example"})", "", {}}},
      {"getAgent", {"GET", kBotPath, "", "", {}}},
      {"updateAgent", {"PATCH", kBotPath, R"({"name":"x"})", "", {}}},
      {"deleteAgent", {"DELETE", kBotPath + "?confirm=DELETE", "", "", {}}},
      {"restoreAgent", {"POST", kBotPath + "/restore", "", "", {}}},
      {"getAgentProtection", {"GET", kBotPath + "/protection", "", "", {}}},
      {"putAgentProtection",
       {"PUT",
        kBotPath + "/protection",
        R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})",
        "",
        {}}},
      {"listMessages", {"GET", kBotPath + "/messages", "", "", {}}},
      {"sendMessage", {"POST", kBotPath + "/messages", mail("a@x.example", "s"), "", {}}},
      {"getMessage", {"GET", message, "", "", {}}},
      {"updateMessage", {"PATCH", message, "{}", "", {}}},
      {"deleteMessage", {"DELETE", message, "", "", {}}},
      {"restoreMessage", {"POST", message + "/restore", "", "", {}}},
      {"getMessageLifecycle", {"GET", message + "/lifecycle", "", "", {}}},
      {"listReviews", {"GET", "/v1/reviews", "", "", {}}},
      {"getReview", {"GET", "/v1/reviews/msg_1", "", "", {}}},
      {"approveReview", {"POST", "/v1/reviews/msg_1/approve", "{}", "", {}}},
      {"rejectReview", {"POST", "/v1/reviews/msg_1/reject", "{}", "", {}}},
      {"listHandovers", {"GET", "/v1/handovers", "", "", {}}},
      {"getHandover", {"GET", "/v1/handovers/sub_1", "", "", {}}},
      {"resolveHandover", {"POST", "/v1/handovers/sub_1/resolve", R"({"as":"sent"})", "", {}}},
      {"getDeliveryPolicy", {"GET", kBotPath + "/delivery-policy", "", "", {}}},
      {"getAccountReviewSettings", {"GET", "/v1/account/review-settings", "", "", {}}},
      {"putAccountReviewSettings", {"PUT", "/v1/account/review-settings", R"({"mute":false})", "", {}}},
      {"getAgentReviewSettings", {"GET", kBotPath + "/review-settings", "", "", {}}},
      {"putAgentReviewSettings", {"PUT", kBotPath + "/review-settings", R"({"mute":false})", "", {}}},
      {"putDeliveryPolicy", {"PUT", kBotPath + "/delivery-policy", R"({"on_unknown":"hold"})", "", {}}},
      {"listWebhooks", {"GET", "/v1/webhooks", "", "", {}}},
      {"createWebhook",
       {"POST", "/v1/webhooks", R"({"url":"https://x.example/","events":["email.sent"]})", "", {}}},
      {"getWebhook", {"GET", "/v1/webhooks/wh_1", "", "", {}}},
      {"updateWebhook", {"PATCH", "/v1/webhooks/wh_1", "{}", "", {}}},
      {"deleteWebhook", {"DELETE", "/v1/webhooks/wh_1?confirm=DELETE", "", "", {}}},
      {"rotateWebhookSecret", {"POST", "/v1/webhooks/wh_1/rotate-secret", "", "", {}}},
      {"testWebhook", {"POST", "/v1/webhooks/wh_1/test", "{}", "", {}}},
      {"listWebhookDeliveries", {"GET", "/v1/webhooks/wh_1/deliveries", "", "", {}}},
      {"getWebhookDelivery", {"GET", "/v1/webhooks/wh_1/deliveries/whd_1", "", "", {}}},
      {"listEvents", {"GET", "/v1/events", "", "", {}}},
      {"getEvent", {"GET", "/v1/events/evt_1", "", "", {}}},
      {"redeliverEvent", {"POST", "/v1/events/evt_1/redeliver", "{}", "", {}}}};
  const auto before = row_counts();
  for (const std::string& operation : contract_.operation_ids()) {
    if (operation == "getInfo") continue;
    const auto found = asks.find(operation);
    ASSERT_NE(found, asks.end()) << operation;
    EXPECT_THAT(ask(found->second), Refused(401, "unauthorized")) << operation;
  }
  EXPECT_EQ(row_counts(), before);
}

TEST_P(AccountApiTest, AStoreThatIsAwayAnswers503AndWhenToComeBack) {
  db().stop();
  const Reply reply = get("/v1/account");
  EXPECT_EQ(reply.status, 503);
  EXPECT_FALSE(reply.headers.get("Retry-After").empty());
  EXPECT_EQ(reply.body.find("store"), std::string::npos) << "internals stay inside";
}

}  // namespace
}  // namespace countersign::test
