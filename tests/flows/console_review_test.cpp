// What a reviewer does in the console: the queue, a message as it is, deciding, taking back.
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "flows/console_fixture.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsoleReviewTest : public ReviewerFixture {};
COUNTERSIGN_ON_EVERY_STORE(ConsoleReviewTest);

TEST_P(ConsoleReviewTest, TheRestApiAnswersInTheNameOfThePerson) {
  const Browser browser = sign_in(kOwner);
  const json::object account = json_of(ask("GET", "/console/api/v1/account", browser));
  EXPECT_EQ(text(account.at("user").at("email")), kOwner);
  EXPECT_EQ(account.at("scope"), "account");
  const json::object made =
      json_of(ask("POST", "/console/api/v1/agents", browser, R"({"email":"new@agents.example"})"), 201);
  EXPECT_EQ(made.at("email"), "new@agents.example");
}

TEST_P(ConsoleReviewTest, TheQueueIsOrderedByWhatEndsFirst) {
  const Browser browser = sign_in(kOwner);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(hold(fmt::format("number {}", i)).str());
    office_.pass(1min);
  }
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const json::object page = json_of(ask("GET", "/console/api/reviews?limit=2&cursor=" + cursor, browser));
    EXPECT_EQ(page.at("total"), 5);
    for (const json::value& item : page.at("items").as_array()) {
      seen.emplace_back(item.at("id").as_string());
      EXPECT_EQ(item.at("revision"), 1);
      EXPECT_EQ(item.at("attachment_count"), 2);
      EXPECT_EQ(item.at("on_expiry"), "reject");
      EXPECT_FALSE(item.at("snippet").as_string().empty());
    }
    cursor = page.at("next_cursor").is_null() ? "" : std::string(page.at("next_cursor").as_string());
  } while (!cursor.empty());
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(ask("GET", "/console/api/reviews?cursor=nonsense", browser).status, 400);
  EXPECT_EQ(ask("GET", "/console/api/reviews?limit=0", browser).status, 422);
}

// Ten thousand of them are read by every page that is open.
TEST_P(ConsoleReviewTest, AnItemOfTheQueueIsSmallHoweverLargeItsMessageIs) {
  const Browser browser = sign_in(kOwner);
  mailbox::Draft draft = draft_to({std::string(kStranger)});
  draft.text = std::string(100'000, 't');
  draft.html = "<p>" + std::string(100'000, 'h') + "</p>";
  draft.attachments = {{"large.bin", "application/octet-stream", std::string(500'000, 'a')}};
  office_.hold(kAgent, draft);
  const net::Response page = ask("GET", "/console/api/reviews?limit=100", browser);
  EXPECT_EQ(json_of(page).at("total"), 1);
  EXPECT_LT(page.body.size(), 1'500U) << page.body;
}

TEST_P(ConsoleReviewTest, ADraftIsShownWholeWithItsAttachments) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  const json::object body = json_of(ask("GET", review(id, "body"), browser));
  EXPECT_THAT(json::serialize(body.at("headers")), HasSubstr(R"(["Subject","Figures"])"));
  EXPECT_EQ(text(body.at("hold").at("id")), id.str());
  EXPECT_TRUE(body.at("decision").is_null());
  EXPECT_TRUE(body.at("source_url").is_null());
  EXPECT_EQ(body.at("attachments").as_array().size(), 2U);
  EXPECT_THAT(json::serialize(body.at("warnings")), HasSubstr("attachment_program"));

  const net::Response page = ask("GET", review(id, "attachments/1"), browser);
  EXPECT_EQ(page.body, "<script>1</script>");
  EXPECT_EQ(page.headers.get("Content-Type"), "application/octet-stream");
  EXPECT_EQ(page.headers.get("Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(code_of(ask("GET", review(id, "attachments/2"), browser)), "attachment_not_found");
  EXPECT_EQ(ask("GET", review(id, "attachments/x"), browser).status, 422);
  EXPECT_EQ(ask("GET", review(id, "source"), browser).status, 404);
}

TEST_P(ConsoleReviewTest, WhatWasSentIsShownWithItsSourceAndWhoDecided) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  const json::object approved = approve(browser, id, R"({"subject":"Corrected"})");
  EXPECT_TRUE(approved.at("undo_token").is_null());
  const json::object body = json_of(ask("GET", review(id, "body"), browser));
  EXPECT_TRUE(body.at("hold").is_null());
  EXPECT_EQ(body.at("decision").at("as"), "approved");
  EXPECT_EQ(text(body.at("decision").at("by")), kOwner);
  EXPECT_EQ(body.at("decision").at("edited"), true);
  const net::Response source = ask("GET", std::string(body.at("source_url").as_string()), browser);
  EXPECT_EQ(source.headers.get("Content-Type"), "text/plain");
  EXPECT_THAT(source.body, HasSubstr("Subject: Corrected\r\n"));
}

TEST_P(ConsoleReviewTest, AnApprovalIsTakenBackInTime) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  const json::object approved = approve(browser, id, R"({"subject":"Corrected","undo_seconds":10})");
  EXPECT_EQ(approved.at("status"), "accepted");
  EXPECT_EQ(text(approved.at("undo_until")), to_rfc3339(office_.now() + 10s));
  EXPECT_THAT(office_.claim(), IsEmpty());
  office_.pass(9s);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, undo_body(approved)).body, "{}");
  EXPECT_EQ(office_.message(id).review_status, mailbox::ReviewStatus::pending_review);
  EXPECT_EQ(office_.message(id).subject, "Figures");
  office_.expect_sound();
  EXPECT_EQ(code_of(ask("POST", review(id, "undo"), browser, undo_body(approved))), "too_late");
}

TEST_P(ConsoleReviewTest, AnApprovalThatIsOnItsWayIsNotTakenBack) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  const json::object approved = approve(browser, id, R"({"undo_seconds":10})");
  office_.pass(10s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  const net::Response late = ask("POST", review(id, "undo"), browser, undo_body(approved));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(code_of(late), "too_late");
  office_.expect_sound();
}

TEST_P(ConsoleReviewTest, UndoTakesNoNonsense) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, R"({"undo_seconds":61})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, R"({"undo_seconds":"1"})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, "[]").status, 400);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, R"({"undo_token":"x"})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, "").status, 400);
}

TEST_P(ConsoleReviewTest, TheSlowerReviewerIsToldWhoDecidedWhat) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  const json::object rejected = json_of(ask("POST", "/console/api/v1/reviews/" + id.str() + "/reject",
                                            browser, R"({"reason":"not like this"})"));
  EXPECT_EQ(rejected.at("status"), "review_rejected");
  for (const std::string& path : {review(id, "approve"), "/console/api/v1/reviews/" + id.str() + "/approve",
                                  "/console/api/v1/reviews/" + id.str() + "/reject"}) {
    const net::Response late = ask("POST", path, browser, "{}");
    const json::object refusal = json_of(late, 409).at("error").as_object();
    EXPECT_EQ(refusal.at("code"), "message_not_pending");
    const json::value& decision = refusal.at("details").at("decision");
    EXPECT_EQ(decision.at("as"), "rejected");
    EXPECT_EQ(text(decision.at("by")), kOwner);
    EXPECT_EQ(decision.at("reason"), "not like this");
  }
}

TEST_P(ConsoleReviewTest, TheRevisionThatWasSeenIsTheOneThatIsApproved) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  net::Request request = page_request("POST", review(id, "approve"), browser, "{}");
  request.headers.add("If-Match", "\"7\"");
  EXPECT_EQ(code_of(ask(request)), "conflict");
  request.headers.set("If-Match", "\"1\"");
  EXPECT_EQ(ask(request).status, 202);
}

}  // namespace
}  // namespace countersign::test
