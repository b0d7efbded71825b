// Coming into the console from outside: passwords, guessing, sessions, the first person.
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "account/session.hpp"
#include "flows/console_fixture.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::HasSubstr;

class ConsoleSignInTest : public ReviewerFixture {
 protected:
  static constexpr std::string_view kNewPassword = "staple battery horse";

  net::Request password_request(const Browser& browser, std::string_view present,
                                std::string_view wanted = kNewPassword) {
    const json::object body{{"password", present}, {"new_password", wanted}};
    return page_request("PUT", "/console/api/password", browser, json::serialize(body));
  }
  int session_status(const Browser& browser) { return ask("GET", "/console/api/session", browser).status; }
  std::string stored_hash() {
    return db().read([](store::ReadTx& tx) { return account::find_password(tx, kOwner)->hash; });
  }
};
COUNTERSIGN_ON_EVERY_STORE(ConsoleSignInTest);

TEST_P(ConsoleSignInTest, APersonSignsInAndOut) {
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

TEST_P(ConsoleSignInTest, AWrongPasswordAndAnUnknownAddressReadAlike) {
  office_.add_account("nopassword@example.com");
  const net::Response wrong = try_sign_in(kOwner, "wrong horse battery");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(code_of(wrong), "invalid_credentials");
  EXPECT_EQ(try_sign_in("nobody@example.com", kPassword).body, wrong.body);
  EXPECT_EQ(try_sign_in("nopassword@example.com", kPassword).body, wrong.body);
  EXPECT_EQ(wrong.headers.find("Set-Cookie"), std::nullopt);
}

TEST_P(ConsoleSignInTest, GuessingIsSlowedDownAndTheRightPasswordWithIt) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(try_sign_in(kOwner, "guess number").status, 401) << i;
  const net::Response throttled = try_sign_in(kOwner, kPassword);
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(code_of(throttled), "rate_limited");
  EXPECT_EQ(throttled.headers.get("Retry-After"), "900");
  office_.pass(15min);
  sign_in(kOwner);
}

TEST_P(ConsoleSignInTest, GuessingManyAddressesIsSlowedDownByWhereItComesFrom) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(try_sign_in(fmt::format("{}@example.com", i), "guess").status, 401);
  EXPECT_EQ(try_sign_in(kOwner, kPassword).status, 429);
  net::Request elsewhere =
      page_request("POST", "/console/api/session", {},
                   R"({"email":"owner@example.com","password":"correct horse battery"})");
  elsewhere.peer_address = "192.0.2.2";
  EXPECT_EQ(ask(elsewhere).status, 200);
}

TEST_P(ConsoleSignInTest, SigningInNeverTakesUpATokenThatABrowserBrought) {
  const Browser planted{"countersign_session=" + std::string(64, 'a'), ""};
  const Browser first = browser_of(try_sign_in(kOwner, kPassword, planted));
  EXPECT_NE(first.cookie, planted.cookie);
  EXPECT_EQ(ask("GET", "/console/api/session", planted).status, 401);
  const Browser second = browser_of(try_sign_in(kOwner, kPassword, first));
  EXPECT_NE(second.cookie, first.cookie);
  EXPECT_EQ(ask("GET", "/console/api/session", first).status, 401) << "the old one ended";
  EXPECT_EQ(ask("GET", "/console/api/session", second).status, 200);
}

TEST_P(ConsoleSignInTest, ASessionEndsWhenItIsIdleAndInAnyCase) {
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

TEST_P(ConsoleSignInTest, SigningOutEverywhereEndsEveryBrowserOfTheAccount) {
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

TEST_P(ConsoleSignInTest, AHashOfAnotherCostIsMadeAnewAtSignIn) {
  const std::string weak = console::hash_password(kPassword, {32, 1});
  (void)db().write([&](store::Tx& tx) {
    account::set_password(tx, office_.owner(), weak, office_.now());
    return std::monostate{};
  });
  sign_in(kOwner);
  EXPECT_THAT(stored_hash(), HasSubstr("m=64,"));
  sign_in(kOwner);
}

TEST_P(ConsoleSignInTest, APersonChangesThePasswordAndEveryOtherBrowserIsOut) {
  set_password(office_.add_account("other@example.com"), kPassword);
  const Browser others = sign_in("other@example.com");
  const Browser elsewhere = sign_in(kOwner);
  const Browser before = sign_in(kOwner);
  const net::Response changed = ask(password_request(before, kPassword));
  const Browser browser = browser_of(changed);
  EXPECT_EQ(text(json_of(changed).at("email")), kOwner);
  EXPECT_NE(browser.cookie, before.cookie);
  EXPECT_NE(browser.csrf, before.csrf);
  EXPECT_EQ(session_status(browser), 200);
  EXPECT_EQ(session_status(before), 401) << "its token is another one";
  EXPECT_EQ(session_status(elsewhere), 401);
  EXPECT_EQ(session_status(others), 200);
  EXPECT_EQ(code_of(try_sign_in(kOwner, kPassword)), "invalid_credentials");
  sign_in(kOwner, kNewPassword);
  sign_in("other@example.com", kPassword);
}

TEST_P(ConsoleSignInTest, AChangeNeedsThePresentPassword) {
  const Browser browser = sign_in(kOwner);
  const std::string before = stored_hash();
  const net::Response refused = ask(password_request(browser, "wrong horse battery"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(code_of(refused), "wrong_password");
  EXPECT_EQ(refused.headers.find("Set-Cookie"), std::nullopt);
  EXPECT_EQ(stored_hash(), before);
  EXPECT_EQ(session_status(browser), 200);
}

TEST_P(ConsoleSignInTest, ANewPasswordThatWillNotDoIsNoAttempt) {
  const Browser browser = sign_in(kOwner);
  const std::string before = stored_hash();
  const auto refused_at = [&](const net::Request& request) {
    const json::object refusal = json_of(ask(request), 422).at("error").as_object();
    return text(refusal.at("details").at("fields").at(0).at("location"));
  };
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(refused_at(password_request(browser, kPassword, "eleven char")), "body.new_password");
  }
  EXPECT_EQ(refused_at(password_request(browser, kPassword, "")), "body.new_password");
  EXPECT_EQ(refused_at(password_request(browser, kPassword, std::string(1025, 'x'))), "body.new_password");
  EXPECT_EQ(refused_at(password_request(browser, std::string(1025, 'x'))), "body.password");
  EXPECT_EQ(refused_at(page_request("PUT", "/console/api/password", browser, R"({"password":"x"})")),
            "body.new_password");
  EXPECT_EQ(refused_at(page_request("PUT", "/console/api/password", browser,
                                    R"({"password":7,"new_password":"staple battery horse"})")),
            "body.password");
  EXPECT_EQ(ask(page_request("PUT", "/console/api/password", browser, "[]")).status, 400);
  EXPECT_EQ(stored_hash(), before);
  EXPECT_EQ(ask(password_request(browser, kPassword)).status, 200);
}

TEST_P(ConsoleSignInTest, GuessingThePresentPasswordIsSlowedDownLikeSigningIn) {
  const Browser browser = sign_in(kOwner);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(code_of(ask(password_request(browser, "guess number"))), "wrong_password") << i;
  }
  EXPECT_EQ(code_of(try_sign_in(kOwner, "guess number")), "invalid_credentials") << "counted together";
  const net::Response throttled = ask(password_request(browser, kPassword));
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.headers.get("Retry-After"), "900");
  EXPECT_EQ(try_sign_in(kOwner, kPassword).status, 429);
  office_.pass(15min);
  EXPECT_EQ(ask(password_request(browser, kPassword)).status, 200);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(try_sign_in(kOwner, "guess number").status, 401) << "forgiven " << i;
}

TEST_P(ConsoleSignInTest, OfTwoChangesAtOneMomentOneHolds) {
  for (int round = 0; round < 10; ++round) {
    const Browser one = sign_in(kOwner);
    const Browser two = sign_in(kOwner);
    const std::vector<net::Response> answers =
        ask_at_once({password_request(one, kPassword, "the first of both"),
                     password_request(two, kPassword, "the second of both")});
    const bool first_won = answers[0].status == 200;
    ASSERT_NE(first_won, answers[1].status == 200) << answers[0].body << answers[1].body;
    EXPECT_EQ(session_status(browser_of(answers[first_won ? 0 : 1])), 200);
    EXPECT_EQ(try_sign_in(kOwner, first_won ? "the second of both" : "the first of both").status, 401);
    sign_in(kOwner, first_won ? "the first of both" : "the second of both");
    set_password(office_.owner(), kPassword);
  }
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

}  // namespace
}  // namespace countersign::test
