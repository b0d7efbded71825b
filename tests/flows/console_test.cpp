// The console from outside: a command-line client that signs in, and how things stand.
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "flows/console_fixture.hpp"
#include "flows/snapshot.hpp"
#include "support/overtaking.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Far beyond what a test takes; only a page that hangs gets there.
constexpr std::chrono::minutes kHeardWithin{10};

class ConsoleTest : public ReviewerFixture {};
COUNTERSIGN_ON_EVERY_STORE(ConsoleTest);
class ConsoleOnPostgresTest : public ConsoleTest {
 protected:
  void happens(store::Tx& tx, const std::string& message) {
    const journal::Subject subject{office_.owner(), std::string(kAgent), MessageId(message), "",
                                   journal::Direction::outbound};
    journal::emit(tx, subject, journal::EventType::email_sent, {}, office_.now());
  }
};
COUNTERSIGN_ON_POSTGRES(ConsoleOnPostgresTest);

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
  EXPECT_EQ(ask("PUT", "/api/auth/login", browser).headers.get("Allow"), "GET");
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
  const auto next = [&] { return next_of(stream); };
  EXPECT_THAT(next().value_or(""), HasSubstr("retry: "));
  const MessageId id = hold("after");
  EXPECT_EQ(next(),
            fmt::format("data: {{\"type\":\"email.review_requested\",\"message_id\":\"{}\",\"agent\":\"{}\"}}"
                        "\n\n",
                        id.str(), kAgent));
  EXPECT_EQ(ask("DELETE", "/console/api/session", browser).status, 204);
  EXPECT_EQ(next(), std::nullopt);
}

TEST_P(ConsoleTest, APageThatIsOpenHearsThatNothingHappens) {
  console::ConsoleSettings at_every_look = settings();
  at_every_look.stream_heartbeat = 0ms;
  console_ = std::make_unique<console::Console>(db(), office_.clock(), std::move(at_every_look));
  const Browser browser = sign_in(kOwner);
  const net::Response stream = ask("GET", "/console/api/stream", browser);
  ASSERT_TRUE(stream.stream);
  const auto next = [&] { return next_of(stream); };
  // A browser tells its page of an event that has data, and of no comment.
  EXPECT_EQ(next(), "retry: 2000\nevent: ping\ndata: {}\n\n");
  EXPECT_EQ(next(), "event: ping\ndata: {}\n\n");
  EXPECT_EQ(next(), "event: ping\ndata: {}\n\n");
}

// Its positions are given out before it commits, however much later that is.
TEST_P(ConsoleOnPostgresTest, APageThatIsOpenHearsOfWhatIsCommittedLate) {
  static constexpr store::Query kRoundTrip("console_test.round_trip", "SELECT 1");
  const Browser browser = sign_in(kOwner);
  const net::Response stream = ask("GET", "/console/api/stream", browser);
  ASSERT_TRUE(stream.stream);
  std::promise<void> written;
  std::promise<void> go_on;
  std::thread late([&] {
    (void)db().write([&](store::Tx& tx) {
      happens(tx, "msg_late");
      (void)tx.query(kRoundTrip);  // it has its position now
      written.set_value();
      go_on.get_future().wait();
      return std::monostate{};
    });
  });
  written.get_future().wait();
  (void)db().write([&](store::Tx& tx) {
    for (int i = 0; i < 600; ++i) happens(tx, fmt::format("msg_{}", i));
    return std::monostate{};
  });

  std::string heard;
  const auto listen = [&] { return boost::asio::co_spawn(io_, stream.stream(), boost::asio::use_future); };
  const auto comes = [&](const std::future<std::optional<std::string>>& piece) {
    const auto begun = std::chrono::steady_clock::now();
    while (piece.wait_for(0s) != std::future_status::ready) {
      if (std::chrono::steady_clock::now() - begun > kHeardWithin) return false;
      io_.restart();
      io_.run_one_for(100ms);
    }
    return true;
  };
  auto next = listen();
  if (comes(next)) heard += next.get().value_or("");  // the greeting
  // Time for a reader that goes by positions to read past the late one.
  next = listen();
  io_.restart();
  io_.run_for(100ms);
  go_on.set_value();
  late.join();
  for (int pieces = 0; pieces < 9 && comes(next); ++pieces) {
    heard += next.get().value_or("");
    if (heard.find("msg_599") != std::string::npos) break;
    next = listen();
  }
  EXPECT_THAT(heard, HasSubstr("\"msg_late\""));
  EXPECT_THAT(heard, HasSubstr("\"msg_599\""));
}

}  // namespace
}  // namespace countersign::test
