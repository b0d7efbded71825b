// Hand-overs whose outcome nobody knows, over the API: their owner sees them and decides, once.
#include "api/api_fixture.hpp"
#include "outbox/resolve.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::string kHandovers = "/v1/handovers";
const std::string kPolicy = kBotPath + "/delivery-policy";

class HandoversApiTest : public ApiTest {
 protected:
  /// A message whose hand-over went unanswered; its id.
  std::string lose(const std::string& subject) {
    const std::string id = send("person@elsewhere.example", subject).text("message_id");
    hand_over(outbox::Verdict::unknown);
    return id;
  }
  std::string handover_of(const std::string& message) {
    const Reply page = get(kHandovers + "?message_id=" + message);
    EXPECT_THAT(page, Answered(200));
    return std::string(page.items().at(0).at("id").as_string());
  }
  Reply resolve(const std::string& handover, const std::string& as, const std::string& more = "") {
    return post(kHandovers + "/" + handover + "/resolve", R"({"as":")" + as + "\"" + more + "}");
  }
  Reply message(const std::string& id) { return get(kBotPath + "/messages/" + id); }
  std::vector<std::string> states(const std::string& message) {
    std::vector<std::string> out;
    const Reply page = get(kHandovers + "?message_id=" + message);
    for (const json::value& item : page.items()) out.emplace_back(item.at("state").as_string());
    return out;
  }
};
COUNTERSIGN_ON_EVERY_STORE(HandoversApiTest);

TEST_P(HandoversApiTest, ALostAnswerShowsWithAllThatIsKnown) {
  const std::string id = lose("Lost");
  EXPECT_EQ(message(id).text("delivery_status"), "unknown");
  EXPECT_THAT(message(id).text("delivery_detail"), HasSubstr("connection reset"));
  const Reply page = get(kHandovers);
  ASSERT_THAT(page.items(), SizeIs(1));
  const json::value& shown = page.items().at(0);
  EXPECT_EQ(shown.at("message_id").as_string(), id);
  EXPECT_EQ(shown.at("agent_email").as_string(), kBot);
  EXPECT_EQ(shown.at("subject").as_string(), "Lost");
  EXPECT_EQ(shown.at("state").as_string(), "unknown");
  EXPECT_EQ(shown.at("provider").as_string(), "smtp");
  EXPECT_EQ(shown.at("reply").at("phase").as_string(), "final_dot");
  EXPECT_EQ(shown.at("reply").at("text").as_string(), "connection reset");
  EXPECT_EQ(shown.at("recipients").as_array(), json::array({"person@elsewhere.example"}));
  EXPECT_TRUE(shown.as_object().contains("handed_over_at"));
  EXPECT_FALSE(shown.as_object().contains("resend_at"))
      << "a person decides unless the policy says otherwise";
  EXPECT_EQ(get(kHandovers + "/" + std::string(shown.at("id").as_string())).json, shown);
}

TEST_P(HandoversApiTest, TheListIsPagedNewestFirst) {
  for (const char* subject : {"one", "two", "three"}) lose(subject);
  const Reply first = get(kHandovers + "?limit=2");
  ASSERT_THAT(first.items(), SizeIs(2));
  EXPECT_EQ(first.items().at(0).at("subject").as_string(), "three");
  const Reply rest = get(kHandovers + "?limit=2&cursor=" + first.next_cursor());
  ASSERT_THAT(rest.items(), SizeIs(1));
  EXPECT_EQ(rest.items().at(0).at("subject").as_string(), "one");
  EXPECT_EQ(rest.next_cursor(), "");
}

TEST_P(HandoversApiTest, ItWasSentSettlesTheMessageAndNothingIsSentAgain) {
  const std::string id = lose("Lost");
  const Reply resolved = resolve(handover_of(id), "sent", R"(,"note":"it is in the relay's log")");
  ASSERT_THAT(resolved, Answered(200));
  EXPECT_EQ(resolved.text("state"), "accepted");
  EXPECT_EQ(resolved.text("settled_by"), "person");
  EXPECT_EQ(resolved.json.at("resolution").at("by").as_string(), "person: ada@owner.example");
  EXPECT_EQ(resolved.json.at("resolution").at("note").as_string(), "it is in the relay's log");
  EXPECT_EQ(message(id).text("delivery_status"), "sent");
  EXPECT_THAT(states(id), ElementsAre("accepted"));
}

TEST_P(HandoversApiTest, SendAgainQueuesOneMoreAttemptWhichCountsForTheMessage) {
  const std::string id = lose("Lost");
  ASSERT_THAT(resolve(handover_of(id), "send_again"), Answered(200));
  EXPECT_THAT(states(id), ElementsAre("superseded", "queued"));
  EXPECT_EQ(message(id).text("delivery_status"), "sending");
  hand_over(outbox::Verdict::accepted);
  EXPECT_THAT(states(id), ElementsAre("superseded", "accepted"));
  EXPECT_EQ(message(id).text("delivery_status"), "sent");
}

TEST_P(HandoversApiTest, GivingUpFailsTheMessageAndSaysWhatIsNotKnown) {
  const std::string id = lose("Lost");
  ASSERT_THAT(resolve(handover_of(id), "give_up"), Answered(200));
  EXPECT_THAT(states(id), ElementsAre("superseded"));
  EXPECT_EQ(message(id).text("delivery_status"), "failed");
  EXPECT_THAT(message(id).text("delivery_detail"), HasSubstr("may or may not have been delivered"));
}

TEST_P(HandoversApiTest, OneDecisionIsTakenAndTheNextIsToldSo) {
  const std::string id = lose("Lost");
  const std::string handover = handover_of(id);
  ASSERT_THAT(resolve(handover, "sent"), Answered(200));
  EXPECT_THAT(resolve(handover, "send_again"), Refused(409, "conflict"));
  EXPECT_THAT(states(id), ElementsAre("accepted"));
  EXPECT_THAT(get(kHandovers).items(), SizeIs(0));
}

TEST_P(HandoversApiTest, WhatHasAnOutcomeCannotBeDecidedAbout) {
  const std::string id = send("person@elsewhere.example", "Taken").text("message_id");
  hand_over(outbox::Verdict::accepted);
  EXPECT_THAT(resolve(handover_of(id), "send_again"), Refused(409, "conflict"));
  EXPECT_THAT(states(id), ElementsAre("accepted"));
}

TEST_P(HandoversApiTest, AnotherAccountSeesNothingOfIt) {
  const std::string id = lose("Lost");
  const std::string handover = handover_of(id);
  EXPECT_THAT(ask({.target = kHandovers, .key = eve_}).items(), SizeIs(0));
  EXPECT_THAT(ask({.target = kHandovers + "?message_id=" + id, .key = eve_}).items(), SizeIs(0));
  EXPECT_THAT(ask({.target = kHandovers + "/" + handover, .key = eve_}), Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", kHandovers + "/" + handover + "/resolve", R"({"as":"sent"})", eve_, {}}),
              Refused(404, "not_found"));
  EXPECT_THAT(ask({.target = kPolicy, .key = eve_}), Refused(404, "not_found"));
  EXPECT_THAT(ask({"PUT", kPolicy, R"({"on_unknown":"resend"})", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(states(id), ElementsAre("unknown"));
}

TEST_P(HandoversApiTest, ADecisionMustBeOneOfThree) {
  const std::string handover = handover_of(lose("Lost"));
  EXPECT_THAT(resolve(handover, "perhaps"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(kHandovers + "/" + handover + "/resolve", "{}"), Refused(422, "invalid_request"));
}

TEST_P(HandoversApiTest, ThePolicyOfAnAgentCoversWhatIsUnknownAlready) {
  const std::string id = lose("Lost");
  EXPECT_EQ(get(kPolicy).text("on_unknown"), "hold");
  EXPECT_EQ(get(kPolicy).json.at("unknown_grace_seconds").as_int64(), 3600);
  ASSERT_THAT(put(kPolicy, R"({"on_unknown":"resend","unknown_grace_seconds":60})"), Answered(200));
  EXPECT_EQ(get(kPolicy).text("on_unknown"), "resend");
  const Reply shown = get(kHandovers + "/" + handover_of(id));
  const UtcTime unknown_at = *parse_rfc3339(shown.text("unknown_at"));
  EXPECT_EQ(*parse_rfc3339(shown.text("resend_at")), unknown_at + std::chrono::seconds(60));
  const auto resend = [&](UtcTime now) {
    return db().write([&](store::Tx& tx) { return outbox::resend_by_policy(tx, now, 10); });
  };
  EXPECT_EQ(resend(unknown_at + std::chrono::seconds(59)), 0) << "evidence may still come";
  EXPECT_EQ(resend(unknown_at + std::chrono::seconds(60)), 1);
  EXPECT_EQ(resend(unknown_at + std::chrono::seconds(61)), 0);
  EXPECT_THAT(states(id), ElementsAre("superseded", "queued"));
  EXPECT_EQ(get(kHandovers + "?message_id=" + id).items().at(0).at("settled_by").as_string(), "policy");
}

TEST_P(HandoversApiTest, APolicyThatIsNoneIsRefused) {
  EXPECT_THAT(put(kPolicy, R"({"on_unknown":"guess"})"), Refused(422, "invalid_request"));
  EXPECT_THAT(put(kPolicy, R"({"on_unknown":"resend","unknown_grace_seconds":-1})"),
              Refused(422, "invalid_request"));
  EXPECT_EQ(get(kPolicy).text("on_unknown"), "hold");
}

}  // namespace
}  // namespace countersign::test
