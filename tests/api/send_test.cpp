// sendMessage: what is accepted, held, refused, repeated and waited for.
#include "api/api_fixture.hpp"
#include "outbox/outbox.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

const std::string kMessages = kBotPath + "/messages";

constexpr store::Query kUnverify(
    "test.move_to_unverified",
    "UPDATE agents SET domain = 'gone.example', registered_domain = 'gone.example' WHERE email = $1");
constexpr store::Query kInsertAccountSuppression(
    "test.insert_account_suppression",
    "INSERT INTO account_suppressions (user_id, address, id, source, created_at_us) "
    "VALUES ('ada', $1, $1, 'bounce', 0)");
constexpr store::Query kEventTypes("test.event_types", "SELECT type FROM events ORDER BY position");
constexpr store::Query kRecipients(
    "test.recipients", "SELECT kind, address, route FROM message_recipients ORDER BY kind, address");

class SendApiTest : public ApiTest {
 protected:
  void protect(const std::string& gate, const std::string& holds = "{}") {
    ASSERT_THAT(put(kBotPath + "/protection", R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":)" +
                                                  gate + R"(,"scan":{}},"holds":)" + holds + "}"),
                Answered(200));
  }
  std::vector<std::string> texts(const store::Query& query) {
    return db().read([&](store::ReadTx& tx) {
      std::vector<std::string> out;
      for (const store::Row row : tx.query(query)) {
        std::string line;
        for (std::size_t i = 0; i < row.columns(); ++i) line += (i ? " " : "") + row.text(i);
        out.push_back(std::move(line));
      }
      return out;
    });
  }
};
COUNTERSIGN_ON_EVERY_STORE(SendApiTest);

TEST_P(SendApiTest, MailToTheWorldIsAcceptedAndQueued) {
  const Reply sent = send("Person@Elsewhere.example", "Grüße");
  ASSERT_THAT(sent, Answered(202));
  EXPECT_EQ(sent.text("status"), "accepted");
  EXPECT_EQ(sent.text("method"), "smtp");
  EXPECT_THAT(sent.text("message_id"), MatchesRegex("msg_[0-9a-f]{32}"));
  EXPECT_FALSE(sent.has("provider_message_id"));

  const Reply view = get(kMessages + "/" + sent.text("message_id"));
  EXPECT_EQ(view.text("subject"), "Grüße");
  EXPECT_EQ(view.text("review_status"), "sent");
  EXPECT_EQ(view.text("delivery_status"), "accepted");
  EXPECT_EQ(view.text("header_from"), kBot);
  EXPECT_EQ(view.text("delivered_to"), "person@elsewhere.example");
  EXPECT_EQ(view.text("read_status"), "");
  EXPECT_THAT(view.text("conversation_id"), MatchesRegex("conv_[0-9a-f]{32}"));
  EXPECT_TRUE(view.json.at("reply_to").as_array().empty());
  EXPECT_TRUE(view.json.at("envelope_from").is_null());
  EXPECT_FALSE(view.has("body"));
  EXPECT_EQ(row_counts()["submissions"], 1);
}

TEST_P(SendApiTest, AddressesAreLowerCasedDeduplicatedAndWithoutTheAgentItselfAndNamesKept) {
  const Reply sent =
      post(kMessages,
           R"({"to":["A@x.example","Bot@Agents.example"],"cc":[" B. Ünique <B@x.example> ","a@X.example"],)"
           R"("bcc":["b@x.example","c@x.example"],"subject":"s","text":"t"})");
  ASSERT_THAT(sent, Answered(202));
  EXPECT_THAT(texts(kRecipients),
              ElementsAre("bcc c@x.example external", "cc b@x.example external", "to a@x.example external"));
  const Reply view = get(kMessages + "/" + sent.text("message_id"));
  EXPECT_EQ(json::serialize(view.json.at("to")), R"(["a@x.example"])");
  EXPECT_EQ(json::serialize(view.json.at("cc")), R"(["B. Ünique <b@x.example>"])");
}

TEST_P(SendApiTest, MailToItselfIsThereAtOnce) {
  const Reply sent = send(kBot, "note to self", R"("conversation_id":"thread-1","html":"<p>hi</p>")");
  ASSERT_THAT(sent, Answered(200));
  EXPECT_EQ(sent.text("status"), "sent");
  EXPECT_EQ(sent.text("method"), "loopback");
  EXPECT_EQ(sent.text("sent_as"), "own_address");
  const Reply list = get(kMessages);
  ASSERT_EQ(list.items().size(), 1U);
  const json::value& row = list.items().at(0);
  EXPECT_EQ(row.at("read_status").as_string(), "unread");
  EXPECT_EQ(row.at("conversation_id").as_string(), "thread-1");
  EXPECT_EQ(row.at("header_from").as_string(), kBot);
  const Reply copy = get(kMessages + "/" + std::string(row.at("id").as_string()));
  EXPECT_THAT(std::string(copy.json.at("parsed").at("text").as_string()), HasSubstr("the text"));
  EXPECT_TRUE(copy.json.at("authentication").is_null());
  EXPECT_EQ(row_counts()["submissions"], 0);
}

TEST_P(SendApiTest, MailToAnotherAgentHereIsCompleteToo) {
  const Reply sent = send("sister@agents.example", "hello sister");
  ASSERT_THAT(sent, Answered(200));
  EXPECT_EQ(sent.text("method"), "loopback");
  EXPECT_EQ(get("/v1/agents/sister@agents.example/messages").items().size(), 1U);
}

TEST_P(SendApiTest, AHeldDraftKeepsEverythingAndSaysUntilWhen) {
  protect(R"({"policy":"allowlist","action":"review"})", R"({"ttl_seconds":3600})");
  const Reply sent =
      send("person@elsewhere.example", "please check",
           R"("attachments":[{"filename":"a.txt","content_type":"text/plain","data":"aGk="}])");
  ASSERT_THAT(sent, Answered(202));
  EXPECT_EQ(sent.text("status"), "pending_review");
  EXPECT_FALSE(sent.has("method"));
  const Reply view = get(kMessages + "/" + sent.text("message_id"));
  EXPECT_EQ(view.text("review_status"), "pending_review");
  EXPECT_FALSE(view.has("delivery_status"));
  EXPECT_EQ(view.json.at("body").at("text").as_string(), "the text");
  EXPECT_TRUE(view.json.at("raw_message").is_null());
  EXPECT_TRUE(view.json.at("attachments").as_array().empty());
  EXPECT_EQ(parse_rfc3339(sent.text("approval_expires_at")).value() -
                parse_rfc3339(view.text("created_at")).value(),
            1h);
  EXPECT_EQ(row_counts()["attachments"], 1);
}

TEST_P(SendApiTest, ABlockedDraftLeavesAnEventAndNothingElse) {
  protect(R"({"policy":"domain","action":"block"})");
  const auto before = row_counts();
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "s"), "k"), Refused(403, "blocked_by_policy"));
  auto expected = before;
  expected["events"] += 1;
  EXPECT_EQ(row_counts(), expected);
  EXPECT_THAT(texts(kEventTypes), ElementsAre("email.blocked"));
  protect(R"({})");
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "s"), "k"), Answered(202))
      << "the refusal left the key free";
}

TEST_P(SendApiTest, AFlaggedDraftIsSentAndAnnotated) {
  protect(R"({"policy":"domain","action":"flag"})");
  const Reply sent = send("a@x.example", "s");
  ASSERT_THAT(sent, Answered(202));
  const Reply view = get(kMessages + "/" + sent.text("message_id"));
  EXPECT_TRUE(view.json.at("flagged").as_bool());
  EXPECT_FALSE(view.text("flag_reason").empty());
}

TEST_P(SendApiTest, AHoldThatMayNotLastFailsWithoutATrace) {
  protect(R"({"policy":"allowlist","action":"review"})", R"({"ttl_seconds":0})");
  const auto before = row_counts();
  EXPECT_THAT(send("a@x.example", "s"), Refused(500, "internal_error"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(SendApiTest, ASuppressedRecipientStopsTheWholeMessage) {
  db().write([&](store::Tx& tx) { return tx.execute(kInsertAccountSuppression, {"bad@x.example"}); });
  const auto before = row_counts();
  EXPECT_THAT(
      post(kMessages, R"({"to":["ok@x.example"],"bcc":["Bad <BAD@x.example>"],"subject":"s","text":"t"})"),
      Refused(422, "recipient_suppressed"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(SendApiTest, AnAgentWhoseDomainIsNotVerifiedCannotSend) {
  db().write([&](store::Tx& tx) { return tx.execute(kUnverify, {kBot}); });
  const auto before = row_counts();
  EXPECT_THAT(send("a@x.example", "s"), Refused(403, "domain_not_verified"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(SendApiTest, TheLimiterOfAnAgentAnswers429WithRetryAfter) {
  for (int i = 0; i < 60; ++i) ASSERT_THAT(send(kBot, "s"), Answered(200));
  const auto before = row_counts();
  const Reply refused = send(kBot, "s");
  EXPECT_THAT(refused, Refused(429, "rate_limited"));
  const std::string seconds(refused.headers.get("Retry-After"));
  EXPECT_EQ(refused.json.at("error").at("details").at("retry_after_seconds").as_int64(), std::stoll(seconds));
  EXPECT_GE(std::stoll(seconds), 1);
  EXPECT_FALSE(refused.headers.find("RateLimit-Limit").has_value());
  EXPECT_EQ(row_counts(), before);
  EXPECT_THAT(post("/v1/agents/sister@agents.example/messages", mail(kBot, "s")), Answered(200))
      << "another agent has its own allowance";
  clock_.advance(2min);
  EXPECT_THAT(send(kBot, "s"), Answered(200));
}

// --- idempotency -----------------------------------------------------------------------------------------

TEST_P(SendApiTest, ARepeatedRequestIsAnsweredAgainAndDoneOnce) {
  const std::string body = mail("a@x.example", "once");
  const Reply first = keyed(kMessages, body, "k-1");
  ASSERT_THAT(first, Answered(202));
  const auto before = row_counts();
  const Reply again = keyed(kMessages, body, "k-1");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(
      ask({"POST", "/v1/agents/BOT%40agents.example/messages", body, bot_, {{"Idempotency-Key", "k-1"}}})
          .body,
      first.body)
      << "any credential of the account, any spelling of the address";
  EXPECT_THAT(keyed(kMessages, body + " ", "k-1"), Refused(422, "idempotency_key_reuse"));
  EXPECT_THAT(keyed(kMessages, R"({"to":[],"subject":"","text":""})", "k-1"),
              Refused(422, "idempotency_key_reuse"))
      << "before the body is judged";
  EXPECT_THAT(keyed("/v1/agents/sister@agents.example/messages", body, "k-1"),
              Refused(422, "idempotency_key_reuse"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(SendApiTest, AHeldSendRepeatedIsTheSameHold) {
  hold_everything();
  const Reply first = keyed(kMessages, mail("a@x.example", "s"), "k");
  EXPECT_EQ(keyed(kMessages, mail("a@x.example", "s"), "k").body, first.body);
  EXPECT_EQ(get("/v1/reviews").items().size(), 1U);
}

TEST_P(SendApiTest, ARefusedRequestLeavesItsKeyFree) {
  EXPECT_THAT(keyed(kMessages, mail("not an address", "s"), "k"), Refused(400, "invalid_recipient"));
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "s"), "k"), Answered(202));
}

TEST_P(SendApiTest, OfConcurrentDuplicatesOneSendsAndTheOthersHearSo) {
  const Ask duplicate{"POST", kMessages, mail("a@x.example", "s"), ada_, {{"Idempotency-Key", "k"}}};
  std::vector<std::future<rest::Response>> started;
  for (int i = 0; i < 12; ++i) started.push_back(start(duplicate));
  std::set<std::string> ids;
  for (auto& future : started) {
    const Reply reply = finish(duplicate, future.get());
    if (reply.status == 202) {
      ids.insert(reply.text("message_id"));
    } else {
      EXPECT_THAT(reply, Refused(409, "idempotency_in_flight"));
    }
  }
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(row_counts()["messages"], 1);
}

TEST_P(SendApiTest, AKeyInFlightIsRefusedUntilItsTransactionEnds) {
  // A transaction that has claimed the key and is still open: held by this body until it may go on.
  std::promise<void> claimed;
  std::promise<void> release;
  const Ask first{"POST", kMessages, mail("a@x.example", "first"), ada_, {{"Idempotency-Key", "k"}}};
  const std::shared_future<void> go(release.get_future());
  send_step_.before_send = [&claimed, go, done = std::make_shared<std::once_flag>()] {
    std::call_once(*done, [&] { claimed.set_value(); });
    go.wait();
  };
  auto future = start(first);
  claimed.get_future().wait();
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "second"), "k"), Refused(409, "idempotency_in_flight"))
      << "before the body is compared";
  release.set_value();
  EXPECT_THAT(finish(first, future.get()), Answered(202));
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "second"), "k"), Refused(422, "idempotency_key_reuse"));
}

// --- wait=sent -------------------------------------------------------------------------------------------

TEST_P(SendApiTest, WaitingEndsWithTheTransportsAnswerAndDoesNotChangeTheStoredOne) {
  const std::string body = mail("a@x.example", "s");
  const Reply accepted = keyed(kMessages, body, "k");
  hand_over(outbox::Verdict::accepted);
  const Reply waited = keyed(kMessages + "?wait=sent", body, "k");
  ASSERT_THAT(waited, Answered(200));
  EXPECT_EQ(waited.text("status"), "sent");
  EXPECT_EQ(waited.text("message_id"), accepted.text("message_id"));
  EXPECT_EQ(waited.text("provider_message_id"), "queue-1");
  EXPECT_EQ(waited.text("sent_as"), "own_address");
  EXPECT_EQ(waited.text("method"), "smtp");
  EXPECT_EQ(keyed(kMessages + "?wait=whatever", body, "k").body, accepted.body);
}

TEST_P(SendApiTest, WaitingForAMessageThatFailsSaysSo) {
  const std::string body = mail("a@x.example", "s");
  const Reply accepted = keyed(kMessages, body, "k");
  hand_over(outbox::Verdict::refused);
  const Reply waited = keyed(kMessages + "?wait=sent", body, "k");
  ASSERT_THAT(waited, Answered(200));
  EXPECT_EQ(waited.body,
            R"({"status":"failed","message_id":")" + accepted.text("message_id") + R"(","method":"smtp"})");
}

TEST_P(SendApiTest, WhatIsHeldOrCompleteIsNotWaitedFor) {
  EXPECT_EQ(post(kMessages + "?wait=sent", mail(kBot, "s")).text("status"), "sent");
  hold_everything();
  EXPECT_EQ(post(kMessages + "?wait=sent", mail("a@x.example", "s")).text("status"), "pending_review");
}

TEST_P(SendApiTest, AnAttachmentsNameLosesWhatNoHeaderCanCarry) {
  hold_everything();
  const Reply sent = post(kMessages, mail("a@x.example", "s",
                                          R"("attachments":[{"filename":"a\r\nX: \"y.txt",)"
                                          R"("content_type":"text/plain\r\nX: y","data":"aGk="}])"));
  ASSERT_THAT(sent, Answered(202));
  const Reply review = get("/v1/reviews/" + sent.text("message_id"));
  const json::value& kept = review.json.at("draft").at("attachments").at(0);
  EXPECT_EQ(kept.at("filename").as_string(), "aX: \"y.txt");
  EXPECT_EQ(kept.at("content_type").as_string(), "text/plainX: y");
}

// --- what is refused -------------------------------------------------------------------------------------

struct BadSend {
  std::string body;
  int status;
  std::string code;
};

TEST_P(SendApiTest, ABadBodyIsRefusedAndNothingIsStored) {
  const std::string to = R"("to":["a@x.example"],)";
  const auto attachment = [&](const std::string& filename, const std::string& type, const std::string& data) {
    return "{" + to + R"("subject":"s","text":"t","attachments":[{"filename":")" + filename +
           R"(","content_type":")" + type + R"(","data":")" + data + R"("}]})";
  };
  std::string many;
  for (int i = 0; i < 51; ++i) many += (i ? "," : "") + ("\"r" + std::to_string(i) + "@x.example\"");
  std::string eleven;
  for (int i = 0; i < 11; ++i) {
    eleven +=
        (i ? std::string(",") : std::string()) + R"({"filename":"f","content_type":"text/plain","data":""})";
  }
  const std::vector<BadSend> cases = {
      {"", 400, "invalid_request"},
      {"{", 400, "invalid_request"},
      {"not json", 400, "invalid_request"},
      {"{\"to\":[\"a@x.example\"],\"subject\":\"\xff\",\"text\":\"t\"}", 400, "invalid_request"},
      {"{\"to\":[\"a@x.example\"],\"subject\":\"\\ud800\",\"text\":\"t\"}", 400, "invalid_request"},
      {"[]", 422, "invalid_request"},
      {R"({"subject":"s","text":"t"})", 422, "invalid_request"},
      {R"({"to":"a@x.example","subject":"s","text":"t"})", 422, "invalid_request"},
      {R"({"to":[null],"subject":"s","text":"t"})", 422, "invalid_request"},
      {R"({"to":[1],"subject":"s","text":"t"})", 422, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","body":"x"})", 422, "invalid_request"},
      {"{" + to + R"("subject":7,"text":"t"})", 422, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"a\u0000b"})", 422, "invalid_request"},
      {"{" + to + R"("subject":")" + std::string(2001, 's') + R"(","text":"t"})", 422, "invalid_request"},
      {"{" + to + R"("text":"t"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"","text":"t"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s","text":""})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s\r\nBcc: x@y.example","text":"t"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s\nX: y","text":"t"})", 400, "invalid_request"},
      {R"({"to":[],"bcc":["a@x.example"],"subject":"s","text":"t"})", 400, "invalid_request"},
      {R"({"to":[],"cc":["bot@agents.example"],"subject":"s","text":"t"})", 400, "invalid_request"},
      {R"({"to":[)" + many + R"(],"subject":"s","text":"t"})", 400, "too_many_recipients"},
      {R"({"to":["nobody"],"subject":"s","text":"t"})", 400, "invalid_recipient"},
      {R"({"to":["a@x.example, b@x.example"],"subject":"s","text":"t"})", 400, "invalid_recipient"},
      {R"({"to":["Name\r\nBcc: x@y.example <a@x.example>"],"subject":"s","text":"t"})", 400,
       "invalid_recipient"},
      {R"({"to":["\"Na\nme\" <a@x.example>"],"subject":"s","text":"t"})", 400, "invalid_recipient"},
      {R"({"to":["a@x.example"],"cc":["a b@x.example"],"subject":"s","text":"t"})", 400, "invalid_recipient"},
      {"{" + to + R"("subject":"s","text":"t","conversation_id":"a\r\nb"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","conversation_id":")" + std::string(201, 'c') + R"("})", 422,
       "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","reply_to":"a@x.example, b@x.example"})", 400,
       "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","reply_to":"x\r\nBcc: y@z.example"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","attachments":[)" + eleven + "]}", 400, "invalid_request"},
      {attachment("f", "text/plain", "!!!"), 400, "invalid_attachment"},
      {attachment("f", "text/plain", "YQ"), 400, "invalid_attachment"},
      {"{" + to + R"("subject":"s","text":"t","attachments":[{"filename":"f"}]})", 422, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","unsubscribe":null})", 422, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","unsubscribe":{"mode":"none"}})", 422, "invalid_request"},
      {R"({"to":["a@x.example","b@x.example"],"subject":"s","text":"t","unsubscribe":{"mode":"managed"}})",
       400, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","unsubscribe":{"mode":"managed"}})", 501, "not_implemented"},
      {"{" + to + R"("template_id":"tmpl_1","template_alias":"a"})", 400, "invalid_request"},
      {"{" + to + R"("template_id":"tmpl_1","subject":"s"})", 400, "invalid_request"},
      {"{" + to + R"("subject":"s","text":"t","template_data":{}})", 400, "invalid_request"},
      {"{" + to + R"("template_id":"tmpl_1","template_data":{"a":1}})", 404, "template_not_found"}};
  const auto before = row_counts();
  for (const BadSend& bad : cases) {
    EXPECT_THAT(keyed(kMessages, bad.body, "k"), Refused(bad.status, bad.code)) << bad.body.substr(0, 200);
  }
  EXPECT_EQ(row_counts(), before);
  EXPECT_THAT(keyed(kMessages, mail("a@x.example", "s"), "k"), Answered(202));
}

TEST_P(SendApiTest, TheMessageAboutLineBreaksNamesThem) {
  const Reply reply = send("a@x.example", "a\r\nb");
  EXPECT_THAT(std::string(reply.json.at("error").at("message").as_string()), HasSubstr("CR/LF"));
  const Reply many = post(kMessages, R"({"to":["x"],"subject":"","text":""})");
  EXPECT_THAT(many, Refused(400, "invalid_request")) << "texts are judged before addresses";
}

TEST_P(SendApiTest, SizesAreLimitedOneByOneAndTogether) {
  const std::string mebibyte(1024 * 1024 / 3 * 4, 'A');  // base64 of just under 1 MiB
  const auto with = [&](std::size_t each, int parts) {
    std::string list;
    for (int i = 0; i < parts; ++i) {
      list +=
          (i ? std::string(",") : std::string()) + R"({"filename":"f","content_type":"text/plain","data":")";
      for (std::size_t k = 0; k < each; ++k) list += mebibyte;
      list += "\"}";
    }
    return mail("a@x.example", "s", "\"attachments\":[" + list + "]");
  };
  const auto before = row_counts();
  const auto scope = [](const Reply& reply) {
    return std::string(reply.json.at("error").at("details").at("scope").as_string());
  };
  const Reply one = post(kMessages, with(11, 1));
  EXPECT_THAT(one, Refused(413, "payload_too_large"));
  EXPECT_EQ(scope(one), "attachment");
  EXPECT_EQ(one.json.at("error").at("details").at("filename").as_string(), "f");
  EXPECT_EQ(one.json.at("error").at("details").at("max_bytes").as_int64(), 10'485'760);
  const Reply total = post(kMessages, with(9, 3));
  EXPECT_THAT(total, Refused(413, "payload_too_large"));
  EXPECT_EQ(scope(total), "attachments_total");
  const Reply composed = post(kMessages, with(6, 2));
  EXPECT_THAT(composed, Refused(413, "payload_too_large"));
  EXPECT_EQ(scope(composed), "composed_message");
  const Reply body = post(kMessages, std::string(40 * 1024 * 1024 + 1, ' '));
  EXPECT_THAT(body, Refused(413, "payload_too_large"));
  EXPECT_EQ(scope(body), "request_body");
  EXPECT_EQ(row_counts(), before);
}

TEST_P(SendApiTest, OtherMediaTypesAreRefused) {
  const auto as = [&](const std::string& type) {
    return ask({"POST", kMessages, mail("a@x.example", "s"), ada_, {{"Content-Type", type}}});
  };
  EXPECT_THAT(as("text/plain"), Refused(415, "unsupported_media_type"));
  EXPECT_THAT(as("application/json; charset=utf-8"), Answered(202));
}

TEST_P(SendApiTest, WhoIsNobodyHearsOfTheBodyFirstAndOfTheCredentialThen) {
  EXPECT_THAT(ask({.method = "POST", .target = kMessages, .body = "{"}), Refused(400, "invalid_request"));
  EXPECT_THAT(ask({.method = "POST", .target = kMessages, .body = "{}"}), Refused(422, "invalid_request"));
  EXPECT_THAT(ask({.method = "POST", .target = kMessages, .body = mail("nobody", "")}),
              Refused(401, "unauthorized"));
}

}  // namespace
}  // namespace countersign::test
