// The review queue over the API: who sees it, and what its decisions do.
#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::ElementsAre;

const std::string kMessages = kBotPath + "/messages";
const std::string kAttachment =
    R"("attachments":[{"filename":"a.txt","content_type":"text/plain","data":"aGk="}])";

constexpr store::Query kSuppress(
    "test.suppress",
    "INSERT INTO account_suppressions (user_id, address, id, source, created_at_us) "
    "VALUES ('ada', $1, $1, 'bounce', 0)");
constexpr store::Query kRecipients("test.recipients_of_all",
                                   "SELECT kind, address FROM message_recipients ORDER BY kind, address");

class ReviewsApiTest : public ApiTest {
 protected:
  Reply approve(const std::string& id, const std::string& body = "{}") {
    return post("/v1/reviews/" + id + "/approve", body);
  }
  Reply reject(const std::string& id, const std::string& body = "{}") {
    return post("/v1/reviews/" + id + "/reject", body);
  }
  std::vector<std::string> queue() {
    std::vector<std::string> out;
    const Reply page = get("/v1/reviews");
    for (const json::value& item : page.items()) {
      out.emplace_back(item.at("subject").as_string());
    }
    return out;
  }
  std::vector<std::string> recipients() {
    return db().read([&](store::ReadTx& tx) {
      std::vector<std::string> out;
      for (const store::Row row : tx.query(kRecipients)) out.push_back(row.text(0) + " " + row.text(1));
      return out;
    });
  }
};
COUNTERSIGN_ON_EVERY_STORE(ReviewsApiTest);

TEST_P(ReviewsApiTest, TheQueueShowsHeldMailNewestFirstWithItsReason) {
  hold_everything();
  held("one");
  const std::string two = held("two");
  EXPECT_THAT(queue(), ElementsAre("two", "one"));
  const Reply page = get("/v1/reviews?limit=1");
  const json::value& entry = page.items().at(0);
  EXPECT_EQ(entry.at("id").as_string(), two);
  EXPECT_EQ(entry.at("agent_email").as_string(), kBot);
  EXPECT_EQ(entry.at("review_status").as_string(), "pending_review");
  EXPECT_EQ(entry.at("hold_reason").at("code").as_string(), "recipient_gate");
  EXPECT_EQ(get("/v1/reviews?limit=1&cursor=" + page.next_cursor()).items().at(0).at("subject").as_string(),
            "one");
  EXPECT_TRUE(ask({.target = "/v1/reviews", .key = eve_}).items().empty());
}

TEST_P(ReviewsApiTest, AReviewShowsEverythingThatIsCountersigned) {
  hold_everything();
  const std::string id =
      held("draft", R"("bcc":["Quiet <quiet@example.org>"],"reply_to":"desk@example.org",)"
                    R"("attachments":[{"filename":"a.txt","content_type":"text/plain","data":"aGVsbG8="}])");
  EXPECT_EQ(json::serialize(get("/v1/reviews/" + id).json.at("draft")),
            R"({"bcc":["Quiet <quiet@example.org>"],"reply_to":"desk@example.org",)"
            R"("attachments":[{"filename":"a.txt","content_type":"text/plain","size_bytes":5}]})");
  EXPECT_FALSE(get(kMessages + "/" + id).has("draft")) << "the author's view is the contract's";
}

TEST_P(ReviewsApiTest, AReviewerApprovesTheRevisionThatWasSeenOrNone) {
  static constexpr store::Query kChange("test.change",
                                        "UPDATE messages SET revision = revision + 1 WHERE id = $1");
  hold_everything();
  const std::string id = held("draft");
  const std::string seen(get("/v1/reviews/" + id).headers.get("ETag"));
  EXPECT_EQ(seen, "\"1\"");
  db().write([&](store::Tx& tx) { return tx.execute(kChange, {id}); });

  const auto approve_if = [&](const std::string& tag) {
    return ask({.method = "POST",
                .target = "/v1/reviews/" + id + "/approve",
                .body = "{}",
                .key = ada_,
                .headers = {{"If-Match", tag}}});
  };
  EXPECT_THAT(approve_if(seen), Refused(409, "conflict"));
  EXPECT_THAT(approve_if("1"), Refused(400, "invalid_request"));
  EXPECT_EQ(get("/v1/reviews/" + id).text("review_status"), "pending_review");
  EXPECT_THAT(approve_if(std::string(get("/v1/reviews/" + id).headers.get("ETag"))), Answered(202));
}

TEST_P(ReviewsApiTest, AReviewShowsTheDraftAndStaysReadableAfterwards) {
  hold_everything();
  const std::string id = held("draft", R"("html":"<p>h</p>")");
  const Reply review = get("/v1/reviews/" + id);
  ASSERT_THAT(review, Answered(200));
  EXPECT_EQ(json::serialize(review.json.at("body")), R"({"text":"the text","html":"<p>h</p>"})");
  EXPECT_TRUE(review.has("hold_reason"));
  EXPECT_FALSE(get(kMessages + "/" + id).has("hold_reason")) << "reasons are for reviewers";
  EXPECT_THAT(reject(id), Answered(200));
  EXPECT_EQ(get("/v1/reviews/" + id).text("review_status"), "review_rejected");
  EXPECT_THAT(ask({.target = "/v1/reviews/" + id, .key = eve_}), Refused(404, "not_found"));
  EXPECT_THAT(get("/v1/reviews/msg_none"), Refused(404, "not_found"));
}

TEST_P(ReviewsApiTest, ApprovingSendsTheDraftAsItIs) {
  hold_everything();
  const std::string id = held("as it is", kAttachment);
  const Reply approved = approve(id);
  ASSERT_THAT(approved, Answered(202));
  EXPECT_EQ(approved.body, R"({"status":"accepted","message_id":")" + id +
                               R"(","sent_as":"own_address","method":"smtp","edited":false})");
  const Reply view = get(kMessages + "/" + id);
  EXPECT_EQ(view.text("review_status"), "sent");
  EXPECT_EQ(view.text("delivery_status"), "accepted");
  EXPECT_EQ(view.json.at("attachments").as_array().size(), 1U);
  EXPECT_EQ(view.json.at("body").at("text").as_string(), "the text");
  EXPECT_TRUE(queue().empty());
}

TEST_P(ReviewsApiTest, EditsReplaceWhatTheyNameAndKeepTheRest) {
  hold_everything();
  const std::string id = held("before", kAttachment + R"(,"cc":["cc@x.example"],"bcc":["bcc@x.example"])");
  const Reply approved = approve(
      id,
      R"({"subject":"after","to":["New@x.example","CC@x.example","bot@agents.example"],"bcc":[],"attachments":[]})");
  ASSERT_THAT(approved, Answered(202));
  EXPECT_TRUE(approved.json.at("edited").as_bool());
  const Reply view = get(kMessages + "/" + id);
  EXPECT_EQ(view.text("subject"), "after");
  EXPECT_EQ(view.json.at("body").at("text").as_string(), "the text");
  EXPECT_TRUE(view.json.at("attachments").as_array().empty());
  EXPECT_EQ(json::serialize(view.json.at("to")), R"(["new@x.example","cc@x.example"])");
  EXPECT_TRUE(view.json.at("cc").as_array().empty()) << "each address once, in the first list that names it";
  EXPECT_THAT(recipients(), ElementsAre("to cc@x.example", "to new@x.example"));
}

TEST_P(ReviewsApiTest, ADraftToTheAgentItselfIsDeliveredOnApproval) {
  hold_everything();
  const Reply held_reply = send(kBot, "to myself");
  ASSERT_EQ(held_reply.text("status"), "pending_review");
  EXPECT_TRUE(get(kMessages).items().empty());
  const Reply approved = approve(held_reply.text("message_id"));
  ASSERT_THAT(approved, Answered(200));
  EXPECT_EQ(approved.text("status"), "sent");
  EXPECT_EQ(approved.text("method"), "loopback");
  EXPECT_EQ(get(kMessages).items().size(), 1U);
  EXPECT_THAT(approve(held_reply.text("message_id")), Refused(409, "message_not_pending"));
  EXPECT_EQ(get(kMessages).items().size(), 1U);
}

TEST_P(ReviewsApiTest, OneDecisionStands) {
  hold_everything();
  const std::string approved = held("a");
  const std::string rejected = held("b");
  EXPECT_THAT(approve(approved), Answered(202));
  EXPECT_THAT(approve(approved), Refused(409, "message_not_pending"));
  EXPECT_THAT(reject(approved), Refused(409, "message_not_pending"));
  EXPECT_EQ(
      reject(rejected, R"({"reason":"no & never"})").body,
      R"({"status":"review_rejected","message_id":")" + rejected + R"(","rejection_reason":"no & never"})");
  EXPECT_THAT(approve(rejected), Refused(409, "message_not_pending"));
  EXPECT_EQ(row_counts()["submissions"], 1);
  EXPECT_EQ(get(kMessages + "/" + rejected).text("review_status"), "review_rejected");
}

TEST_P(ReviewsApiTest, OfParallelReviewersOneDecides) {
  hold_everything();
  const std::string id = held("race");
  std::vector<Ask> asks;
  for (int i = 0; i < 12; ++i) {
    asks.push_back({"POST", "/v1/reviews/" + id + (i % 2 ? "/approve" : "/reject"), "{}", ada_, {}});
  }
  std::vector<std::future<rest::Response>> started;
  for (const Ask& each : asks) started.push_back(start(each));
  int winners = 0;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    const Reply reply = finish(asks[i], started[i].get());
    if (reply.status < 300) {
      ++winners;
    } else {
      EXPECT_THAT(reply, Refused(409, "message_not_pending"));
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_P(ReviewsApiTest, AnApprovalRepeatedWithItsKeyIsAnsweredAgain) {
  hold_everything();
  const std::string id = held("once");
  const std::string path = "/v1/reviews/" + id + "/approve";
  const Reply first = keyed(path, "{}", "k");
  ASSERT_THAT(first, Answered(202));
  EXPECT_EQ(keyed(path, "{}", "k").body, first.body);
  EXPECT_EQ(keyed(path, "{}", "k").status, 202);
  EXPECT_THAT(keyed(path, R"({"subject":"x"})", "k"), Refused(422, "idempotency_key_reuse"));
  EXPECT_THAT(keyed(path, "{}", "k2"), Refused(409, "message_not_pending"));
  const std::string broken = R"({"attachments":[{"filename":"f","content_type":"t/x","data":"?"}]})";
  for (const char* key : {"k", "k2"}) {
    EXPECT_THAT(keyed(path, broken, key), Refused(400, "invalid_attachment")) << "judged on every call";
  }
  EXPECT_EQ(row_counts()["submissions"], 1);
}

TEST_P(ReviewsApiTest, AnApprovalThatCannotBeSentLeavesTheHoldAsItWas) {
  hold_everything();
  const std::string id = held("careful", kAttachment);
  db().write([&](store::Tx& tx) { return tx.execute(kSuppress, {"bad@x.example"}); });
  const std::string before_view = get("/v1/reviews/" + id).body;
  const auto before = row_counts();
  std::string many;
  for (int i = 0; i < 51; ++i)
    many += (i ? std::string(",") : std::string()) + "\"r" + std::to_string(i) + "@x.example\"";
  std::string one_over_and_over = R"("r@x.example")";
  for (int i = 0; i < 50; ++i) one_over_and_over += R"(,"r@x.example")";
  const std::vector<std::tuple<std::string, int, std::string>> cases = {
      {"", 400, "invalid_request"},
      {R"({"body":"x"})", 422, "invalid_request"},
      {R"({"subject":7})", 422, "invalid_request"},
      {R"({"subject":"a\r\nBcc: x@y.example"})", 400, "invalid_request"},
      {R"({"subject":""})", 400, "invalid_request"},
      {R"({"text":""})", 400, "invalid_request"},
      {R"({"to":[]})", 400, "invalid_request"},
      {R"({"to":[],"cc":[],"bcc":["hidden@x.example"]})", 400, "invalid_request"},
      {R"({"to":["nobody"]})", 400, "invalid_recipient"},
      {R"({"to":["x\r\nBcc: y <a@x.example>"]})", 400, "invalid_recipient"},
      {R"({"cc":[)" + many + "]}", 400, "too_many_recipients"},
      {R"({"cc":[)" + one_over_and_over + "]}", 400, "too_many_recipients"},
      {R"({"attachments":[{"filename":"f","content_type":"t/x","data":"?"}]})", 400, "invalid_attachment"},
      {R"({"to":["bad@x.example"]})", 422, "recipient_suppressed"}};
  for (const auto& [body, status, code] : cases) {
    EXPECT_THAT(keyed("/v1/reviews/" + id + "/approve", body, "k"), Refused(status, code)) << body;
  }
  EXPECT_THAT(ask({"POST", "/v1/reviews/" + id + "/approve", "{}", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", "/v1/reviews/" + id + "/reject", "{}", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(reject(id, ""), Refused(400, "invalid_request"));
  EXPECT_THAT(reject(id, R"({"reason":")" + std::string(2001, 'r') + R"("})"),
              Refused(422, "invalid_request"));
  EXPECT_EQ(row_counts(), before);
  EXPECT_EQ(get("/v1/reviews/" + id).body, before_view);
  EXPECT_THAT(keyed("/v1/reviews/" + id + "/approve", "{}", "k"), Answered(202)) << "and the key is free";
}

TEST_P(ReviewsApiTest, AfterItsDeadlineNobodyDecides) {
  hold_everything(R"({"ttl_seconds":60})");
  const std::string id = held("too late");
  clock_.advance(61s);
  EXPECT_THAT(approve(id), Refused(409, "message_not_pending"));
  EXPECT_THAT(reject(id), Refused(409, "message_not_pending"));
}

TEST_P(ReviewsApiTest, ApprovalsCountAgainstTheAgentsSendLimiter) {
  hold_everything();
  const std::string id = held("one of many");
  for (int i = 0; i < 59; ++i) ASSERT_EQ(send("a@x.example", "s").status, 202);
  EXPECT_THAT(approve(id), Refused(429, "rate_limited"));
  clock_.advance(2min);
  EXPECT_THAT(approve(id), Answered(202));
}

}  // namespace
}  // namespace countersign::test
