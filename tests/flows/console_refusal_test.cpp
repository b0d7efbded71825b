// What the console refuses: who is not signed in, pages of another session, other sites, what is another's.
#include <gmock/gmock.h>

#include "flows/console_fixture.hpp"
#include "flows/snapshot.hpp"

namespace countersign::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ConsoleRefusalTest : public ReviewerFixture {
 protected:
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
COUNTERSIGN_ON_EVERY_STORE(ConsoleRefusalTest);

TEST_P(ConsoleRefusalTest, EveryOperationRefusesWhoIsNotSignedIn) {
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

TEST_P(ConsoleRefusalTest, EveryOperationThatChangesSomethingRefusesAPageOfAnotherSession) {
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

TEST_P(ConsoleRefusalTest, EveryOperationRefusesAnotherSite) {
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

TEST_P(ConsoleRefusalTest, WhatIsAnothersLooksMissing) {
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

TEST_P(ConsoleRefusalTest, ASessionIsNothingToTheRestApi) {
  const Browser browser = sign_in(kOwner);
  EXPECT_EQ(ask_rest(page_request("GET", "/v1/account", browser)).status, 401);
  const std::string token = browser.cookie.substr(browser.cookie.find('=') + 1);
  net::Request as_key = page_request("GET", "/v1/account");
  as_key.headers.add("Authorization", "Bearer " + token);
  EXPECT_EQ(ask_rest(as_key).status, 401);
}

TEST_P(ConsoleRefusalTest, EveryAnswerKeepsThePageToItself) {
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

TEST_P(ConsoleRefusalTest, UnknownPathsAndMethodsAreToldApart) {
  const Browser browser = sign_in(kOwner);
  EXPECT_EQ(ask("GET", "/console/api/none", browser).status, 404);
  const net::Response wrong = ask("PUT", "/console/api/session", browser);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.get("Allow"), "GET, POST, DELETE");
  EXPECT_EQ(ask("GET", "/console/api/v1/none", browser).status, 404);
}

}  // namespace
}  // namespace countersign::test
