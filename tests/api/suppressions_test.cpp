// The lists of addresses that must not be written to.
#include "account/suppression.hpp"
#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kList = kBotPath + "/suppressions";
const std::string kAccountList = "/v1/account/suppressions";

constexpr store::Query kEvents("test.suppression_events",
                               "SELECT envelope FROM events WHERE type = 'agent.suppression_added' AND "
                               "agent_email = 'bot@agents.example'");

class SuppressionsApiTest : public ApiTest {
 protected:
  void bounce(const std::string& address, const UserId& user) {
    db().write([&](store::Tx& tx) {
      return account::suppress_for_account(tx, user, {address, "bounce", "550 no", MessageId("msg_1")},
                                           clock_.now());
    });
  }
  std::vector<std::string> addresses(const Reply& list) {
    std::vector<std::string> out;
    for (const json::value& item : list.items()) out.emplace_back(item.at("address").as_string());
    return out;
  }
  std::vector<std::string> events() {
    return db().read([&](store::ReadTx& tx) {
      std::vector<std::string> out;
      for (const store::Row row : tx.query(kEvents)) out.push_back(row.text(0));
      return out;
    });
  }
};
COUNTERSIGN_ON_EVERY_STORE(SuppressionsApiTest);

TEST_P(SuppressionsApiTest, TheAccountsListIsReadAndShortened) {
  for (const char* address : {"a@x.example", "b@x.example", "c@x.example"}) bounce(address, ada_id_);
  bounce("e@x.example", eve_id_);
  const Reply first = get(kAccountList + "?limit=2");
  EXPECT_THAT(addresses(first), ElementsAre("c@x.example", "b@x.example"));
  EXPECT_EQ(json::serialize(first.items().at(0).at("source")), "\"bounce\"");
  EXPECT_EQ(first.items().at(0).at("source_message_id").as_string(), "msg_1");
  const Reply second = get(kAccountList + "?limit=2&cursor=" + first.next_cursor());
  EXPECT_THAT(addresses(second), ElementsAre("a@x.example"));
  EXPECT_EQ(second.next_cursor(), "");

  EXPECT_THAT(send("a@x.example", "s"), Refused(422, "recipient_suppressed"));
  EXPECT_THAT(remove(kAccountList + "/a@x.example"), Refused(422, "invalid_request")) << "unconfirmed";
  EXPECT_EQ(remove(kAccountList + "/A%40X.example?confirm=DELETE").body,
            R"({"deleted":true,"address":"A@X.example"})");
  EXPECT_THAT(remove(kAccountList + "/a@x.example?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(remove(kAccountList + "/e@x.example?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(send("a@x.example", "s"), Answered(202));
  EXPECT_THAT(ask({"GET", kAccountList, "", bot_, {}}), Refused(403, "forbidden"));
}

TEST_P(SuppressionsApiTest, AnAgentsListTakesAnAddressOnceAndSaysSo) {
  const Reply first = post(kList, R"({"address":" Person <Person@X.example>","reason":"asked"})");
  ASSERT_THAT(first, Answered(200));
  EXPECT_EQ(first.text("address"), "person@x.example");
  EXPECT_EQ(first.text("source"), "manual");
  EXPECT_EQ(first.text("agent_email"), kBot);
  EXPECT_EQ(post(kList, R"({"address":"person@x.example","reason":"again"})").body, first.body);
  ASSERT_EQ(events().size(), 1U);
  EXPECT_THAT(events().front(), HasSubstr(R"("data":{"agent_email":"bot@agents.example",)"
                                          R"("address":"person@x.example","source":"manual"})"));
  EXPECT_THAT(send("person@x.example", "s"), Refused(422, "recipient_suppressed"));
  EXPECT_THAT(addresses(get(kList)), ElementsAre("person@x.example"));
  EXPECT_THAT(addresses(get("/v1/agents/sister@agents.example/suppressions")), IsEmpty());
  EXPECT_EQ(remove(kList + "/PERSON@x.example?confirm=DELETE").body,
            R"({"deleted":true,"address":"person@x.example"})");
  EXPECT_THAT(remove(kList + "/person@x.example?confirm=DELETE"), Refused(404, "not_found"));
  EXPECT_THAT(post(kList, R"({"address":"person@x.example"})"), Answered(200));
  EXPECT_EQ(events().size(), 2U) << "off and on again is new";
}

TEST_P(SuppressionsApiTest, WhatIsNoAddressIsRefused) {
  EXPECT_THAT(post(kList, R"({"address":"nobody"})"), Refused(400, "invalid_request"));
  EXPECT_THAT(post(kList, R"({})"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(kList, R"({"address":"a@x.example","source":"bounce"})"), Refused(422, "invalid_request"));
  EXPECT_THAT(ask({"POST", kList, R"({"address":"a@x.example"})", bot_, {}}), Refused(403, "forbidden"));
  EXPECT_THAT(ask({"POST", kList, R"({"address":"a@x.example"})", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(events(), IsEmpty());
}

TEST_P(SuppressionsApiTest, ACursorBelongsToItsAgent) {
  for (const char* address : {"a@x.example", "b@x.example"}) {
    EXPECT_THAT(post(kList, std::string(R"({"address":")") + address + "\"}"), Answered(200));
  }
  const std::string cursor = get(kList + "?limit=1").next_cursor();
  EXPECT_THAT(addresses(get(kList + "?limit=1&cursor=" + cursor)), ElementsAre("a@x.example"));
  EXPECT_THAT(get("/v1/agents/sister@agents.example/suppressions?limit=1&cursor=" + cursor),
              Refused(400, "invalid_cursor"));
}

}  // namespace
}  // namespace countersign::test
