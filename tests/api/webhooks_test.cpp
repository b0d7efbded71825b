// Webhooks and the event log over the API.
#include <boost/json/serialize.hpp>

#include "api/api_fixture.hpp"
#include "webhook/fan_out.hpp"
#include "webhook/lane.hpp"

namespace countersign::test {
namespace {

namespace hooks = countersign::webhook;
namespace json = boost::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const std::string kHooks = "/v1/webhooks";

constexpr store::Query kMoveAnswer("test.move_answer",
                                   "UPDATE idempotency_keys SET body = (SELECT o.body FROM idempotency_keys "
                                   "o WHERE o.key = $1) WHERE key = $2");

class WebhooksApiTest : public ApiTest {
 protected:
  Reply make(const std::string& more = "", const std::string& url = "https://example.com/hook") {
    return post(kHooks, R"({"url":")" + url + R"(","events":["email.sent","email.received"])" + more + "}");
  }
  std::string made(const std::string& more = "") {
    const Reply reply = make(more);
    EXPECT_THAT(reply, Answered(201));
    return reply.text("id");
  }
  hooks::FannedOut fan_out() {
    return db().write([](store::Tx& tx) { return hooks::fan_out(tx, 100); });
  }
  // Everything that is due at the webhook is answered with this status.
  void answer_all(const std::string& id, int status) {
    const UtcTime now = clock_.now();
    db().write([&](store::Tx& tx) {
      const auto load = hooks::load_lane(tx, hooks::WebhookId(id), 100, now);
      std::vector<hooks::Outcome> outcomes;
      for (const hooks::Job& job : load->jobs) {
        outcomes.push_back({job.id,
                            hooks::WebhookId(id),
                            {job.attempt, now, 1ms, status, "192.0.2.1", status < 300 ? "" : "answered"},
                            status < 300});
      }
      return hooks::record(tx, outcomes, 60s);
    });
  }
  std::vector<std::string> texts(const Reply& list, std::string_view member) {
    std::vector<std::string> out;
    for (const json::value& item : list.items()) out.emplace_back(item.at(member).as_string());
    return out;
  }
};
COUNTERSIGN_ON_EVERY_STORE(WebhooksApiTest);

TEST_P(WebhooksApiTest, ASecretIsShownOnceAndByItsReplay) {
  const std::string body = R"({"url":"https://example.com/hook","events":["email.sent"]})";
  const Reply first = keyed(kHooks, body, "k");
  ASSERT_THAT(first, Answered(201));
  EXPECT_THAT(first.text("id"), StartsWith("wh_"));
  EXPECT_THAT(first.text("signing_secret"), StartsWith("whsec_"));
  EXPECT_EQ(json::serialize(first.json.at("filters")), "{}");
  EXPECT_EQ(first.text("description"), "");
  EXPECT_EQ(keyed(kHooks, body, "k").body, first.body);
  EXPECT_THAT(keyed(kHooks, R"({"url":"https://example.com/x","events":["email.sent"]})", "k"),
              Refused(422, "idempotency_key_reuse"));
  const Reply shown = get(kHooks + "/" + first.text("id"));
  EXPECT_FALSE(shown.has("signing_secret"));
  EXPECT_THAT(get(kHooks).items(), SizeIs(1));
  EXPECT_THAT(ask({"GET", kHooks + "/" + first.text("id"), "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(ask({"GET", kHooks, "", bot_, {}}), Refused(403, "forbidden"));

  const std::string rotate = kHooks + "/" + first.text("id") + "/rotate-secret";
  const Reply rotated = keyed(rotate, "", "r");
  ASSERT_THAT(rotated, Answered(200));
  EXPECT_NE(rotated.text("signing_secret"), first.text("signing_secret"));
  EXPECT_EQ(keyed(rotate, "{}", "r").body, rotated.body) << "the body counts as empty";
  EXPECT_THAT(stored_answers(), ElementsAre(Not(HasSubstr("whsec_")), Not(HasSubstr("whsec_"))));
  (void)db().write([](store::Tx& tx) { return tx.execute(kMoveAnswer, {"k", "r"}); });
  EXPECT_THAT(keyed(rotate, "", "r"), Refused(422, "idempotency_key_reuse")) << "it is another one's";
  EXPECT_THAT(post(kHooks + "/wh_none/rotate-secret", ""), Refused(404, "not_found"));
}

TEST_P(WebhooksApiTest, WhatIsNoWebhookIsRefused) {
  EXPECT_THAT(post(kHooks, R"({"url":"https://example.com/"})"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(kHooks, R"({"events":["email.sent"]})"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(kHooks, R"({"url":"https://example.com/","events":["email.opened"]})"),
              Refused(422, "invalid_request"));
  EXPECT_THAT(post(kHooks, R"({"url":"https://example.com/","events":[]})"), Refused(400, "invalid_request"));
  for (const char* url : {"", "http://example.com/", "https://10.0.0.1/", "https://[::1]/", "example.com"}) {
    EXPECT_THAT(make("", url), Refused(400, "invalid_webhook_url")) << url;
  }
  EXPECT_THAT(make("", "https://example.com/" + std::string(2048, 'a')), Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"description":")" + std::string(201, 'a') + "\""), Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"description":"a\nb")"), Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"filters":{"labels":["no blank"]})"), Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"filters":{"conversation_ids":["a b"]})"), Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"filters":{"agent_emails":["someone@agents.example"]})"),
              Refused(400, "invalid_request"));
  EXPECT_THAT(make(R"(,"filters":{"other":[]})"), Refused(422, "invalid_request"));
  EXPECT_THAT(get(kHooks).items(), IsEmpty());
}

TEST_P(WebhooksApiTest, ChangesReplaceAndNothingElseChanges) {
  const std::string path =
      kHooks + "/" + made(R"(,"description":"first","filters":{"agent_emails":[" BOT@agents.example"]})");
  const Reply before = get(path);
  EXPECT_EQ(json::serialize(before.json.at("filters")), R"({"agent_emails":["bot@agents.example"]})");
  EXPECT_EQ(patch(path, "{}").body, before.body);
  EXPECT_THAT(patch(path, R"({"events":[]})"), Refused(400, "invalid_request"));
  EXPECT_THAT(patch(kHooks + "/wh_none", R"({"events":[]})"), Refused(400, "invalid_request"));
  EXPECT_THAT(patch(kHooks + "/wh_none", "{}"), Refused(404, "not_found"));
  const Reply after = patch(path, R"({"events":["email.failed"],"filters":{},"enabled":false})");
  ASSERT_THAT(after, Answered(200));
  EXPECT_EQ(json::serialize(after.json.at("events")), R"(["email.failed"])");
  EXPECT_EQ(json::serialize(after.json.at("filters")), "{}");
  EXPECT_EQ(after.text("description"), "first");
  EXPECT_FALSE(after.json.at("enabled").as_bool());
  EXPECT_EQ(get(path).body, after.body);
  EXPECT_THAT(post(path + "/test", "{}"), Refused(409, "webhook_disabled"));
  EXPECT_THAT(remove(path), Refused(422, "invalid_request")) << "unconfirmed";
  EXPECT_THAT(remove(path + "?confirm=DELETE"), Answered(200));
  EXPECT_THAT(remove(path + "?confirm=DELETE"), Refused(404, "not_found"));
}

TEST_P(WebhooksApiTest, AnEventShowsHowItFares) {
  const std::string id = made();
  receive("hello");
  Reply list = get("/v1/events?type=email.received&agent_email=" + kBot);
  ASSERT_THAT(list.items(), SizeIs(1));
  EXPECT_EQ(list.items().at(0).at("status").as_string(), "pending");
  EXPECT_EQ(list.items().at(0).at("data").at("subject").as_string(), "hello");
  EXPECT_EQ(fan_out().deliveries, 2);
  const std::string event = std::string(list.items().at(0).at("id").as_string());
  Reply shown = get("/v1/events/" + event);
  EXPECT_EQ(shown.text("status"), "processed");
  EXPECT_EQ(json::serialize(shown.json.at("delivery_status")),
            R"({"matched_webhooks":1,"delivered":0,"pending":1,"failed":0})");
  answer_all(id, 503);
  const Reply waiting = get(kHooks + "/" + id + "/deliveries?status=pending");
  EXPECT_THAT(texts(waiting, "type"), UnorderedElementsAre("email.sent", "email.received"));
  EXPECT_EQ(waiting.items().at(0).at("attempts").as_int64(), 1);
  EXPECT_EQ(waiting.items().at(0).at("last_status_code").as_int64(), 503);
  EXPECT_THAT(get(kHooks + "/" + id + "/deliveries?status=delivered").items(), IsEmpty());
  EXPECT_THAT(get(kHooks + "/" + id + "/deliveries?status=lost"), Refused(422, "invalid_request"));
  EXPECT_THAT(get(kHooks + "/wh_none/deliveries"), Refused(404, "not_found"));
  clock_.advance(61s);
  answer_all(id, 204);
  shown = get("/v1/events/" + event);
  EXPECT_EQ(shown.json.at("delivery_status").at("delivered").as_int64(), 1);
  const std::string delivery = texts(get(kHooks + "/" + id + "/deliveries"), "id").at(0);
  const Reply detail = get(kHooks + "/" + id + "/deliveries/" + delivery);
  ASSERT_THAT(detail, Answered(200));
  EXPECT_EQ(detail.json.at("attempt_log").as_array().size(), 2U);
  EXPECT_THAT(get(kHooks + "/" + id + "/deliveries/whd_none"), Refused(404, "not_found"));
}

TEST_P(WebhooksApiTest, AnEventIsRedeliveredToThoseItMatched) {
  const std::string id = made();
  const std::string other = made(R"(,"filters":{"agent_emails":["sister@agents.example"]})");
  receive("hello");
  fan_out();
  answer_all(id, 204);
  const std::string event = texts(get("/v1/events?type=email.sent"), "id").at(0);
  const std::string path = "/v1/events/" + event + "/redeliver";
  const Reply one = post(path, R"({"webhook_id":")" + id + "\"}");
  ASSERT_THAT(one, Answered(202));
  EXPECT_EQ(one.text("status"), "pending");
  EXPECT_EQ(post(path, R"({"webhook_id":")" + id + "\"}").body, one.body);
  EXPECT_THAT(post(path, R"({"webhook_id":")" + other + "\"}"), Refused(409, "conflict"));
  EXPECT_THAT(post(path, R"({"webhook_id":null})"), Refused(422, "invalid_request"));
  EXPECT_THAT(post(path, ""), Refused(400, "invalid_request"));
  const Reply all = post(path, "{}");
  EXPECT_EQ(all.text("status"), "scheduled");
  ASSERT_EQ(all.json.at("deliveries").as_array().size(), 1U);
  EXPECT_EQ(all.json.at("deliveries").at(0).at("delivery_id").as_string(), one.text("delivery_id"));
  EXPECT_THAT(patch(kHooks + "/" + id, R"({"enabled":false})"), Answered(200));
  EXPECT_EQ(post(path, "{}").json.at("deliveries").at(0).at("status").as_string(), "skipped");
  EXPECT_THAT(post("/v1/events/evt_none/redeliver", "{}"), Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", path, "{}", eve_, {}}), Refused(404, "not_found"));
}

TEST_P(WebhooksApiTest, TheLogIsPagedFilteredAndAges) {
  receive("one");
  receive("two");
  const Reply first = get("/v1/events?agent_email=" + kBot + "&limit=3");
  ASSERT_THAT(first.items(), SizeIs(3));
  const Reply second = get("/v1/events?agent_email=" + kBot + "&limit=3&cursor=" + first.next_cursor());
  EXPECT_THAT(second.items(), SizeIs(1));
  EXPECT_EQ(second.next_cursor(), "");
  EXPECT_THAT(get("/v1/events?limit=3&cursor=" + first.next_cursor()), Refused(400, "invalid_cursor"));
  for (const char* none : {"type=nothing", "agent_email=x@y.example", "conversation_id=c", "message_id=m"}) {
    EXPECT_THAT(get("/v1/events?" + std::string(none)).items(), IsEmpty()) << none;
  }
  EXPECT_THAT(get("/v1/events?since=yesterday"), Refused(400, "invalid_filter"));
  EXPECT_THAT(ask({"GET", "/v1/events", "", bot_, {}}), Refused(403, "forbidden"));
  EXPECT_THAT(ask({"GET", "/v1/events", "", eve_, {}}).items(), IsEmpty());
  EXPECT_EQ(first.items().at(0).at("status").as_string(), "no_match");
  EXPECT_FALSE(first.items().at(0).as_object().contains("delivery_status"));
  const std::string id(first.items().at(0).at("id").as_string());
  clock_.advance(31 * 24h);
  EXPECT_THAT(get("/v1/events").items(), IsEmpty());
  EXPECT_THAT(get("/v1/events/" + id), Refused(410, "gone"));
  EXPECT_THAT(post("/v1/events/" + id + "/redeliver", "{}"), Refused(410, "gone"));
}

TEST_P(WebhooksApiTest, ARejectedDraftEndsWithAFailure) {
  hold_everything();
  const std::string id = held("never");
  EXPECT_THAT(post("/v1/reviews/" + id + "/reject", R"({"reason":"no"})"), Answered(200));
  const Reply list = get("/v1/events?message_id=" + id);
  EXPECT_THAT(texts(list, "type"),
              UnorderedElementsAre("email.review_requested", "email.review_rejected", "email.failed"));
  const Reply failed = get("/v1/events?type=email.failed&message_id=" + id);
  EXPECT_EQ(failed.items().at(0).at("data").at("reason_code").as_string(), "review.rejected");
  EXPECT_EQ(failed.items().at(0).at("data").at("reason").as_string(), "rejected in review: no");
}

}  // namespace
}  // namespace countersign::test
