// The console from outside: who comes in, what is refused, and what a reviewer can do there.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "account/session.hpp"
#include "base/crypto.hpp"
#include "flows/console_fixture.hpp"
#include "flows/snapshot.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kAgent = "writer@agents.example";
constexpr std::string_view kOwner = "owner@example.com";
constexpr std::string_view kPassword = "correct horse battery";
constexpr std::string_view kStranger = "someone@elsewhere.example";

std::string text(const json::value& value) { return std::string(value.as_string()); }

class ConsoleTest : public ConsoleFixture {
 protected:
  ConsoleTest() {
    office_.add_agent(kAgent);
    office_.hold_all(kAgent);
    set_password(office_.owner(), kPassword);
  }

  MessageId hold(const std::string& subject = "Figures") {
    mailbox::Draft draft = draft_to({std::string(kStranger)});
    draft.subject = subject;
    draft.attachments = {{"figures.csv", "text/csv", "1,2,3"},
                         {"page.html", "text/html", "<script>1</script>"}};
    return office_.hold(kAgent, draft);
  }
  std::string review(const MessageId& id, std::string_view what) {
    return fmt::format("/console/api/reviews/{}/{}", id.str(), what);
  }
  json::object approve(const Browser& browser, const MessageId& id, const std::string& body) {
    const net::Response response = ask("POST", review(id, "approve"), browser, body);
    EXPECT_EQ(response.status, 202) << response.body;
    return json::parse(response.body).as_object();
  }
  static std::string undo_body(const json::object& approved) {
    return json::serialize(json::object{{"undo_token", approved.at("undo_token")}});
  }

  /// Every operation below /console/api, of the console and of the REST API.
  static std::vector<std::pair<std::string, std::string>> all_operations() {
    std::vector<std::pair<std::string, std::string>> all;
    for (const console::RouteInfo& route : console::routes()) {
      if (route.needs_session) all.emplace_back(route.method, route.path);
    }
    for (const agent::rest::Operation& operation : agent::rest::operations()) {
      all.emplace_back(operation.method, "/console/api" + std::string(operation.path));
    }
    return all;
  }
  static std::string filled(std::string path, const MessageId& message) {
    const std::pair<std::string_view, std::string> values[] = {
        {"{agent}", std::string(kAgent)}, {"{email}", std::string(kAgent)},
        {"{id}", message.str()},          {"{index}", "0"},
        {"{address}", "a@b.example"},     {"{delivery_id}", "whd_1"}};
    for (const auto& [name, value] : values) {
      for (std::size_t at = path.find(name); at != std::string::npos; at = path.find(name)) {
        path.replace(at, name.size(), value);
      }
    }
    return path;
  }
};
COUNTERSIGN_ON_EVERY_STORE(ConsoleTest);

// --- coming in -------------------------------------------------------------------------------------------

TEST_P(ConsoleTest, APersonSignsInAndOut) {
  EXPECT_EQ(code_of(ask("GET", "/console/api/session")), "unauthorized");
  const net::Response welcome = try_sign_in(" Owner@Example.com", kPassword);
  const json::object session = json_of(welcome);
  EXPECT_EQ(text(session.at("email")), kOwner);
  EXPECT_EQ(text(session.at("account_id")), office_.owner().str());
  EXPECT_EQ(session.at("version"), "1.2.3");
  EXPECT_EQ(text(session.at("shared_domain")), kSharedDomain);
  EXPECT_THAT(std::string(welcome.headers.get("Set-Cookie")), HasSubstr("HttpOnly; SameSite=Strict"));
  const Browser browser = browser_of(welcome);
  EXPECT_EQ(json_of(ask("GET", "/console/api/session", browser)), session);

  EXPECT_EQ(ask("DELETE", "/console/api/session", browser).status, 204);
  EXPECT_EQ(code_of(ask("GET", "/console/api/session", browser)), "unauthorized");
}

TEST_P(ConsoleTest, AWrongPasswordAndAnUnknownAddressReadAlike) {
  office_.add_account("nopassword@example.com");
  const net::Response wrong = try_sign_in(kOwner, "wrong horse battery");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(code_of(wrong), "invalid_credentials");
  EXPECT_EQ(try_sign_in("nobody@example.com", kPassword).body, wrong.body);
  EXPECT_EQ(try_sign_in("nopassword@example.com", kPassword).body, wrong.body);
  EXPECT_EQ(wrong.headers.find("Set-Cookie"), std::nullopt);
}

TEST_P(ConsoleTest, GuessingIsSlowedDownAndTheRightPasswordWithIt) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(try_sign_in(kOwner, "guess number").status, 401) << i;
  const net::Response throttled = try_sign_in(kOwner, kPassword);
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(code_of(throttled), "rate_limited");
  EXPECT_EQ(throttled.headers.get("Retry-After"), "900");
  office_.pass(15min);
  sign_in(kOwner);
}

TEST_P(ConsoleTest, GuessingManyAddressesIsSlowedDownByWhereItComesFrom) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(try_sign_in(fmt::format("{}@example.com", i), "guess").status, 401);
  EXPECT_EQ(try_sign_in(kOwner, kPassword).status, 429);
  net::Request elsewhere =
      page_request("POST", "/console/api/session", {},
                   R"({"email":"owner@example.com","password":"correct horse battery"})");
  elsewhere.peer_address = "192.0.2.2";
  EXPECT_EQ(ask(elsewhere).status, 200);
}

TEST_P(ConsoleTest, SigningInNeverTakesUpATokenThatABrowserBrought) {
  const Browser planted{"countersign_session=" + std::string(64, 'a'), ""};
  const Browser first = browser_of(try_sign_in(kOwner, kPassword, planted));
  EXPECT_NE(first.cookie, planted.cookie);
  EXPECT_EQ(ask("GET", "/console/api/session", planted).status, 401);
  const Browser second = browser_of(try_sign_in(kOwner, kPassword, first));
  EXPECT_NE(second.cookie, first.cookie);
  EXPECT_EQ(ask("GET", "/console/api/session", first).status, 401) << "the old one ended";
  EXPECT_EQ(ask("GET", "/console/api/session", second).status, 200);
}

TEST_P(ConsoleTest, ASessionEndsWhenItIsIdleAndInAnyCase) {
  const Browser browser = sign_in(kOwner);
  office_.pass(12h - 1s);
  EXPECT_EQ(ask("GET", "/console/api/session", browser).status, 200);
  office_.pass(12h);
  EXPECT_EQ(ask("GET", "/console/api/session", browser).status, 401);
  const Browser busy = sign_in(kOwner);
  for (int i = 0; i < 14 * 3 - 1; ++i) {
    office_.pass(8h);
    ASSERT_EQ(ask("GET", "/console/api/session", busy).status, 200) << i;
    ASSERT_EQ(ask("GET", "/console/api/v1/account", busy).status, 200) << i;
  }
  office_.pass(8h);
  EXPECT_EQ(ask("GET", "/console/api/session", busy).status, 401);
}

TEST_P(ConsoleTest, SigningOutEverywhereEndsEveryBrowserOfTheAccount) {
  const Browser one = sign_in(kOwner);
  const Browser two = sign_in(kOwner);
  const UserId other = office_.add_account("other@example.com");
  set_password(other, kPassword);
  const Browser others = sign_in("other@example.com");
  EXPECT_EQ(ask("DELETE", "/console/api/sessions", one).status, 204);
  EXPECT_EQ(ask("GET", "/console/api/session", one).status, 401);
  EXPECT_EQ(ask("GET", "/console/api/session", two).status, 401);
  EXPECT_EQ(ask("GET", "/console/api/session", others).status, 200);
}

TEST_P(ConsoleTest, AHashOfAnotherCostIsMadeAnewAtSignIn) {
  const std::string weak = console::hash_password(kPassword, {32, 1});
  const auto stored = [&] {
    return db().read([](store::ReadTx& tx) { return account::find_password(tx, kOwner)->hash; });
  };
  (void)db().write([&](store::Tx& tx) {
    account::set_password(tx, office_.owner(), weak, office_.now());
    return std::monostate{};
  });
  sign_in(kOwner);
  EXPECT_THAT(stored(), HasSubstr("m=64,"));
  sign_in(kOwner);
}

class ConsoleSetupTest : public ConsoleFixture {
 protected:
  net::Response set_up(const std::string& token, const std::string& email = "me@example.com",
                       const std::string& password = "correct horse battery") {
    const json::object body{{"token", token}, {"email", email}, {"password", password}};
    return ask("POST", "/console/api/setup", {}, json::serialize(body));
  }
  std::string link_token() {
    const std::string link = console_->make_setup_link();
    EXPECT_THAT(link, HasSubstr("/console/setup#"));
    return link.substr(link.find('#') + 1);
  }
  bool needed() { return json_of(ask("GET", "/console/api/setup")).at("needed").as_bool(); }
};
COUNTERSIGN_ON_EVERY_STORE(ConsoleSetupTest);

TEST_P(ConsoleSetupTest, TheFirstPersonComesInByTheLinkAndNobodyAfter) {
  EXPECT_TRUE(needed());
  const std::string token = link_token();
  const std::string another = link_token();
  EXPECT_EQ(code_of(set_up("0")), "forbidden");
  EXPECT_EQ(code_of(set_up(token, "me@example.com", "short")), "invalid_request");
  EXPECT_EQ(code_of(set_up(token, "nobody")), "invalid_request");
  const Browser browser = browser_of(set_up(token));
  EXPECT_EQ(text(json_of(ask("GET", "/console/api/session", browser)).at("email")), "me@example.com");
  EXPECT_FALSE(needed());
  EXPECT_EQ(code_of(set_up(token)), "forbidden");
  EXPECT_EQ(code_of(set_up(another)), "forbidden");
  EXPECT_EQ(console_->make_setup_link(), "");
  sign_in("me@example.com");
}

TEST_P(ConsoleSetupTest, ThePersonOfAnAccountThatExistsTakesItOver) {
  const json::object session = json_of(set_up(link_token(), std::string(kOwner)));
  EXPECT_EQ(text(session.at("account_id")), office_.owner().str());
}

TEST_P(ConsoleSetupTest, TheLinkIsOverAfterADay) {
  const std::string token = link_token();
  office_.pass(24h);
  EXPECT_EQ(code_of(set_up(token)), "forbidden");
}

// --- refusals --------------------------------------------------------------------------------------------

TEST_P(ConsoleTest, EveryOperationRefusesWhoIsNotSignedIn) {
  const MessageId id = hold();
  const Snapshot before = snapshot_of(db());
  for (const auto& [method, path] : all_operations()) {
    SCOPED_TRACE(method + " " + path);
    const net::Response nobody = ask(method, filled(path, id));
    EXPECT_EQ(nobody.status, 401);
    EXPECT_EQ(code_of(nobody), "unauthorized");
    net::Request with_key = page_request(method, filled(path, id));
    with_key.headers.add("Authorization", "Bearer e2a_acct_" + std::string(64, '0'));
    EXPECT_EQ(ask(with_key).status, 401);
  }
  EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
}

TEST_P(ConsoleTest, EveryOperationThatChangesSomethingRefusesAPageOfAnotherSession) {
  const MessageId id = hold();
  const Browser browser = sign_in(kOwner);
  const Browser other_session = sign_in(kOwner);
  const Snapshot before = snapshot_of(db());
  for (const auto& [method, path] : all_operations()) {
    if (method == "GET") continue;
    SCOPED_TRACE(method + " " + path);
    for (const std::string& csrf : {std::string(), std::string("wrong"), other_session.csrf}) {
      const net::Response response = ask(method, filled(path, id), {browser.cookie, csrf});
      EXPECT_EQ(response.status, 403);
      EXPECT_EQ(code_of(response), "csrf_mismatch");
    }
  }
  EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
}

TEST_P(ConsoleTest, EveryOperationRefusesAnotherSite) {
  const MessageId id = hold();
  const Browser browser = sign_in(kOwner);
  const Snapshot before = snapshot_of(db());
  auto all = all_operations();
  all.emplace_back("POST", "/console/api/session");
  all.emplace_back("POST", "/console/api/setup");
  for (const auto& [method, path] : all) {
    SCOPED_TRACE(method + " " + path);
    for (const char* site : {"cross-site", "same-site"}) {
      net::Request request = page_request(method, filled(path, id), browser);
      request.headers.set("Sec-Fetch-Site", site);
      EXPECT_EQ(ask(request).status, 403);
    }
    net::Request request = page_request(method, filled(path, id), browser);
    request.headers.set("Origin", "https://evil.example");
    const net::Response response = ask(request);
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(code_of(response), "forbidden");
  }
  EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
}

TEST_P(ConsoleTest, WhatIsAnothersLooksMissing) {
  const MessageId id = hold();
  set_password(office_.add_account("other@example.com"), kPassword);
  const Browser other = sign_in("other@example.com");
  const Snapshot before = snapshot_of(db());
  const std::string rules =
      R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{},"undo_token":"1"})";
  for (const auto& [method, path] : all_operations()) {
    if (path.find('{') == std::string::npos) continue;
    const bool rest = path.starts_with("/console/api/v1");
    if (rest && method != "GET" && method != "DELETE") continue;  // their bodies are looked at first
    SCOPED_TRACE(method + " " + path);
    const std::string body = method == "POST" ? rules : "";
    const bool approval = path.ends_with("/approve");
    const net::Response foreign = ask(method, filled(path, id), other, approval ? "{}" : body);
    const net::Response missing =
        ask(method, filled(path, MessageId("msg_" + std::string(32, '0'))), other, approval ? "{}" : body);
    EXPECT_TRUE(foreign.status == 404 || (rest && foreign.status >= 400)) << foreign.status << foreign.body;
    EXPECT_EQ(foreign.status, missing.status);
    EXPECT_EQ(foreign.body, missing.body);
  }
  EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
}

TEST_P(ConsoleTest, ASessionIsNothingToTheRestApi) {
  const Browser browser = sign_in(kOwner);
  EXPECT_EQ(ask_rest(page_request("GET", "/v1/account", browser)).status, 401);
  const std::string token = browser.cookie.substr(browser.cookie.find('=') + 1);
  net::Request as_key = page_request("GET", "/v1/account");
  as_key.headers.add("Authorization", "Bearer " + token);
  EXPECT_EQ(ask_rest(as_key).status, 401);
}

TEST_P(ConsoleTest, EveryAnswerKeepsThePageToItself) {
  const Browser browser = sign_in(kOwner);
  for (const char* path : {"/console/", "/console/reviews", "/console/api/session", "/console/api/none",
                           "/console/api/v1/account", "/console/assets/none.js"}) {
    const net::Response response = ask("GET", path, browser);
    EXPECT_THAT(std::string(response.headers.get("Content-Security-Policy")),
                testing::AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self';"),
                               Not(HasSubstr("unsafe"))))
        << path;
    EXPECT_EQ(response.headers.get("Referrer-Policy"), "no-referrer") << path;
    EXPECT_EQ(response.headers.get("Cross-Origin-Opener-Policy"), "same-origin") << path;
  }
}

TEST_P(ConsoleTest, UnknownPathsAndMethodsAreToldApart) {
  const Browser browser = sign_in(kOwner);
  EXPECT_EQ(ask("GET", "/console/api/none", browser).status, 404);
  const net::Response wrong = ask("PUT", "/console/api/session", browser);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.get("Allow"), "GET, POST, DELETE");
  EXPECT_EQ(ask("GET", "/console/api/v1/none", browser).status, 404);
}

// --- reviewing -------------------------------------------------------------------------------------------

TEST_P(ConsoleTest, TheRestApiAnswersInTheNameOfThePerson) {
  const Browser browser = sign_in(kOwner);
  const json::object account = json_of(ask("GET", "/console/api/v1/account", browser));
  EXPECT_EQ(text(account.at("user").at("email")), kOwner);
  EXPECT_EQ(account.at("scope"), "account");
  const json::object made =
      json_of(ask("POST", "/console/api/v1/agents", browser, R"({"email":"new@agents.example"})"), 201);
  EXPECT_EQ(made.at("email"), "new@agents.example");
}

TEST_P(ConsoleTest, TheQueueIsOrderedByWhatEndsFirst) {
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

TEST_P(ConsoleTest, ADraftIsShownWholeWithItsAttachments) {
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

TEST_P(ConsoleTest, WhatWasSentIsShownWithItsSourceAndWhoDecided) {
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

TEST_P(ConsoleTest, AnApprovalIsTakenBackInTime) {
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

TEST_P(ConsoleTest, AnApprovalThatIsOnItsWayIsNotTakenBack) {
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

TEST_P(ConsoleTest, UndoTakesNoNonsense) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, R"({"undo_seconds":61})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, R"({"undo_seconds":"1"})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "approve"), browser, "[]").status, 400);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, R"({"undo_token":"x"})").status, 422);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, "").status, 400);
}

TEST_P(ConsoleTest, TheSlowerReviewerIsToldWhoDecidedWhat) {
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

TEST_P(ConsoleTest, TheRevisionThatWasSeenIsTheOneThatIsApproved) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  net::Request request = page_request("POST", review(id, "approve"), browser, "{}");
  request.headers.add("If-Match", "\"7\"");
  EXPECT_EQ(code_of(ask(request)), "conflict");
  request.headers.set("If-Match", "\"1\"");
  EXPECT_EQ(ask(request).status, 202);
}

// --- a command-line client signs in ----------------------------------------------------------------------

TEST_P(ConsoleTest, ACommandLineClientGetsAKeyWhenThePersonSaysYes) {
  const std::string wish = "cli_callback=http%3A%2F%2F127.0.0.1%3A4711%2Fdone&cli_state=a%26b";
  const net::Response begun = ask("GET", "/api/auth/login?" + wish);
  EXPECT_EQ(begun.status, 302);
  const std::string page(begun.headers.get("Location"));
  EXPECT_THAT(ask("GET", page).body, HasSubstr("Sign in first"));
  const Browser browser = sign_in(kOwner);
  const net::Response question = ask("GET", page, browser);
  EXPECT_THAT(question.body, testing::AllOf(HasSubstr(kOwner), HasSubstr("http://127.0.0.1:4711")));
  EXPECT_THAT(question.body, Not(HasSubstr("e2a_")));
  EXPECT_THAT(std::string(question.headers.get("Content-Security-Policy")),
              HasSubstr("form-action 'self' http://127.0.0.1:4711;"));

  EXPECT_EQ(ask("POST", "/console/cli", browser, wish).status, 403) << "without the page's word";
  net::Request foreign = page_request("POST", "/console/cli", browser, wish + "&csrf_token=" + browser.csrf);
  foreign.headers.set("Origin", "https://evil.example");
  EXPECT_EQ(ask(foreign).status, 403);
  const net::Response yes = ask("POST", "/console/cli", browser, wish + "&csrf_token=" + browser.csrf);
  EXPECT_THAT(yes.body, testing::AllOf(HasSubstr("action=\"http://127.0.0.1:4711/done\""),
                                       HasSubstr("name=\"cli_state\" value=\"a&amp;b\""),
                                       HasSubstr(fmt::format("value=\"{}\"", kAgent))));
  const std::size_t at = yes.body.find("e2a_acct_");
  ASSERT_NE(at, std::string::npos);
  net::Request with_key = page_request("GET", "/v1/account");
  with_key.headers.add("Authorization", "Bearer " + yes.body.substr(at, 73));
  EXPECT_EQ(ask_rest(with_key).status, 200);
}

TEST_P(ConsoleTest, AKeyIsCarriedToThisMachineOnly) {
  const Browser browser = sign_in(kOwner);
  for (const char* callback :
       {"https://localhost/x", "http://example.com/", "http://localhost@evil.example/",
        "http://localhost.evil.example", "http://10.0.0.1/", "http://[::2]/", "http://localhost:99999/",
        "http://localhost/%22%3E", "ftp://localhost/", "http://localhost:80;x/"}) {
    const std::string wish = fmt::format("?cli_callback={}&cli_state=s", callback);
    const int status = ask("GET", "/api/auth/login" + wish, browser).status;
    EXPECT_EQ(status, 400) << callback;
    EXPECT_EQ(ask("GET", "/console/cli" + wish, browser).status, 400) << callback;
  }
  EXPECT_EQ(ask("GET", "/api/auth/login?cli_state=s", browser).status, 400);
  EXPECT_EQ(ask("GET", "/api/auth/login", browser).status, 302);
  for (const char* callback : {"http://localhost/", "http://127.0.0.1:80/x?y", "http://[::1]:8080/"}) {
    EXPECT_EQ(ask("GET", fmt::format("/api/auth/login?cli_callback={}&cli_state=s", callback)).status, 302);
  }
}

// --- seeing how things stand -----------------------------------------------------------------------------

TEST_P(ConsoleTest, TheOverviewCountsWhatWaitsAndHowLongThingsTook) {
  const Browser browser = sign_in(kOwner);
  const MessageId first = hold();
  hold();
  office_.pass(90s);
  approve(browser, first, "{}");
  office_.pass(1s);
  json::object view = json_of(ask("GET", "/console/api/overview", browser));
  EXPECT_EQ(view.at("held"), 1);
  EXPECT_EQ(view.at("queued"), 1);
  EXPECT_EQ(view.at("health"), "ok");
  EXPECT_EQ(view.at("relay").at("state"), "closed");
  office_.pass(3s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  view = json_of(ask("GET", "/console/api/overview", browser));
  EXPECT_EQ(view.at("queued"), 0);
  const json::value& decisions = view.at("decision_seconds").as_array().back();
  EXPECT_EQ(decisions.at("count"), 1);
  EXPECT_EQ(decisions.at("p50").as_double(), 90.0);
  const json::value& deliveries = view.at("delivery_seconds").as_array().back();
  EXPECT_NEAR(deliveries.at("p90").as_double(), 4.0, 0.001);
  EXPECT_EQ(view.at("decision_seconds").as_array().size(), 24U);
  EXPECT_TRUE(view.at("decision_seconds").as_array().front().at("p50").is_null());
}

TEST_P(ConsoleTest, ATimelineTellsWhatHappenedInOrder) {
  const Browser browser = sign_in(kOwner);
  const MessageId id = hold();
  office_.pass(1min);
  const json::object approved = approve(browser, id, R"({"undo_seconds":10})");
  office_.pass(1s);
  EXPECT_EQ(ask("POST", review(id, "undo"), browser, undo_body(approved)).status, 200);
  office_.pass(1min);
  approve(browser, id, R"({"text":"another text"})");
  office_.pass(1s);
  EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1U);
  const std::string path = fmt::format("/console/api/messages/{}/{}/timeline", kAgent, id.str());
  const json::object view = json_of(ask("GET", path, browser));
  std::vector<std::string> kinds;
  std::string last;
  for (const json::value& item : view.at("items").as_array()) {
    if (item.at("kind") != "event") kinds.emplace_back(item.at("kind").as_string());
    EXPECT_LE(last, std::string(item.at("at").as_string()));
    last = std::string(item.at("at").as_string());
  }
  EXPECT_THAT(kinds, ElementsAre("written", "held", "decided", "queued", "held", "edited", "decided",
                                 "queued", "attempt"));
  const json::value& attempt = view.at("items").as_array().back();
  EXPECT_THAT(json::serialize(view), HasSubstr(R"("actor":"owner@example.com")"));
  (void)attempt;
  EXPECT_EQ(
      ask("GET", "/console/api/messages/other@agents.example/" + id.str() + "/timeline", browser).status,
      404);
}

TEST_P(ConsoleTest, ADryRunSaysWhatOtherRulesWouldHaveDone) {
  const Browser browser = sign_in(kOwner);
  hold("one");
  approve(browser, hold("two"), "{}");
  const Snapshot before = snapshot_of(db());
  const std::string path = fmt::format("/console/api/protection/{}/dry-run", kAgent);
  const auto run = [&](std::string_view outbound) {
    return json_of(ask(
        "POST", path, browser,
        fmt::format(R"({{"inbound":{{"gate":{{}},"scan":{{}}}},"outbound":{},"holds":{{}}}})", outbound)));
  };
  const json::object open = run(R"({"gate":{"policy":"open"},"scan":{"sensitivity":"off"}})");
  EXPECT_EQ(open.at("would_hold"), 0);
  const json::object strict = run(
      R"({"gate":{"policy":"allowlist","action":"review","allowlist":[]},"scan":{"sensitivity":"high"}})");
  EXPECT_GE(strict.at("checked").as_int64(), 1);
  EXPECT_GE(strict.at("would_hold").as_int64(), 1);
  EXPECT_EQ(strict.at("examples").as_array().front().at("action"), "review");
  EXPECT_EQ(ask("POST", path, browser, R"({"inbound":{}})").status, 422);
  EXPECT_EQ(ask("POST", path, browser,
                R"({"inbound":{"gate":{"policy":"x"},"scan":{}},"outbound":{"gate":{},"scan":{}}})")
                .status,
            422);
  EXPECT_THAT(differences(before, snapshot_of(db())), IsEmpty());
}

TEST_P(ConsoleTest, APageThatIsOpenHearsWhatHappens) {
  const Browser browser = sign_in(kOwner);
  hold("before");
  const net::Response stream = ask("GET", "/console/api/stream", browser);
  EXPECT_EQ(stream.headers.get("Content-Type"), "text/event-stream");
  ASSERT_TRUE(stream.stream);
  const auto next = [&] {
    auto piece = boost::asio::co_spawn(io_, stream.stream(), boost::asio::use_future);
    io_.restart();
    io_.run();
    return piece.get();
  };
  EXPECT_THAT(next().value_or(""), HasSubstr("retry: "));
  const MessageId id = hold("after");
  EXPECT_EQ(next(),
            fmt::format("data: {{\"type\":\"email.review_requested\",\"message_id\":\"{}\",\"agent\":\"{}\"}}"
                        "\n\n",
                        id.str(), kAgent));
  EXPECT_EQ(ask("DELETE", "/console/api/session", browser).status, 204);
  EXPECT_EQ(next(), std::nullopt);
}

}  // namespace
}  // namespace countersign::test
