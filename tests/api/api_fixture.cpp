#include "api/api_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "account/principal.hpp"
#include "agent/rest/router.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "support/conforming_events.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;

constexpr std::array kCounted{
    std::pair{"agents", store::Query("test.count_agents", "SELECT COUNT(*) FROM agents")},
    std::pair{"api_keys", store::Query("test.count_api_keys", "SELECT COUNT(*) FROM api_keys")},
    std::pair{"messages", store::Query("test.count_messages", "SELECT COUNT(*) FROM messages")},
    std::pair{"contents", store::Query("test.count_contents", "SELECT COUNT(*) FROM message_contents")},
    std::pair{"attachments",
              store::Query("test.count_attachments", "SELECT COUNT(*) FROM draft_attachments")},
    std::pair{"labels", store::Query("test.count_labels", "SELECT COUNT(*) FROM message_labels")},
    std::pair{"recipients", store::Query("test.count_recipients", "SELECT COUNT(*) FROM message_recipients")},
    std::pair{"submissions", store::Query("test.count_submissions", "SELECT COUNT(*) FROM submissions")},
    std::pair{"lifecycle", store::Query("test.count_lifecycle", "SELECT COUNT(*) FROM lifecycle")},
    std::pair{"events", store::Query("test.count_events", "SELECT COUNT(*) FROM events")},
    std::pair{"usage", store::Query("test.count_usage", "SELECT COUNT(*) FROM usage_counters")},
    std::pair{"keys", store::Query("test.count_keys", "SELECT COUNT(*) FROM idempotency_keys")}};

constexpr store::Query kStoredAnswers("test.stored_answers",
                                      "SELECT body FROM idempotency_keys ORDER BY key");

std::string operation_of(const Ask& ask) {
  const std::string path = ask.target.substr(0, ask.target.find('?'));
  const auto routed = rest::route(ask.method, path);
  const auto* match = std::get_if<rest::Match>(&routed);
  return match && match->operation->declared ? std::string(match->operation->id) : std::string();
}

rest::ApiSettings settings(account::Limits limits, rest::SearchLimits search, std::string public_url) {
  rest::ApiSettings settings{
      std::string(kSharedDomain), std::move(public_url), "", "maildir", limits, "secret"};
  settings.http_address = "192.0.2.1:8080";
  settings.search = search;
  return settings;
}

}  // namespace

outbox::SendResult StoppableSendStep::send(store::Tx& tx, const account::Agent& agent,
                                           const mailbox::Message& message, const mailbox::Draft& draft,
                                           UtcTime now) {
  if (before_send) before_send();
  return step_.send(tx, agent, message, draft, now);
}

std::string Reply::text(std::string_view member) const {
  const json::value* value = json.as_object().if_contains(member);
  if (value == nullptr || !value->is_string()) {
    ADD_FAILURE() << "no text " << member << " in " << body;
    return {};
  }
  return std::string(value->as_string());
}

bool Reply::has(std::string_view member) const { return json.as_object().contains(member); }

std::string Reply::error_code() const {
  const json::object* object = json.if_object();
  const json::value* error = object ? object->if_contains("error") : nullptr;
  return error ? std::string(error->at("code").as_string()) : std::string();
}

std::string Reply::next_cursor() const {
  const json::value& cursor = json.at("next_cursor");
  return cursor.is_null() ? std::string() : std::string(cursor.as_string());
}

ApiTest::ApiTest(rest::ServerOptions options, account::Limits limits, rest::SearchLimits search,
                 std::string public_url)
    : api_(db(), send_step_, settings(limits, search, std::move(public_url))),
      server_(options, clock_, hooks()) {
  static const bool quiet = (log::configure(log::Level::error, log::Format::text), true);
  EXPECT_TRUE(quiet);
  api_.attach(server_);
  db().write([&](store::Tx& tx) {
    for (const auto& [id, email] :
         {std::pair{ada_id_, "ada@owner.example"}, {eve_id_, "eve@owner.example"}}) {
      EXPECT_TRUE(account::create_user(tx, id, email, clock_.now()).has_value());
    }
    account::Principal ada;
    ada.user = ada_id_;
    for (const std::string& email : {kBot, std::string("sister@agents.example")}) {
      EXPECT_TRUE(account::create_agent(tx, ada, {email, "Bot"}, kSharedDomain, clock_.now()).has_value());
    }
    return std::monostate{};
  });
  ada_ = make_key(ada_id_, account::Scope::account, "");
  eve_ = make_key(eve_id_, account::Scope::account, "");
  bot_ = make_key(ada_id_, account::Scope::agent, kBot);
  for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { io_.run(); });
}

ApiTest::~ApiTest() {
  try {
    expect_events_conform(db());
  } catch (const store::Unavailable&) {  // the test has stopped the store
  }
  db().stop();  // what the last request left behind on the store ends before the API does
  work_.reset();
  threads_.clear();
}

rest::ServerHooks ApiTest::hooks() {
  rest::ServerHooks hooks;
  hooks.subject = [this](std::string authorization) {
    return api_.subject(std::move(authorization), clock_.now());
  };
  return hooks;
}

std::string ApiTest::make_key(const UserId& user, account::Scope scope, const std::string& agent) {
  account::NewApiKey key;
  const std::string plaintext = account::key_plaintext(scope, random_hex(64));
  key.id = ApiKeyId(random_id("apk_"));
  key.user = user;
  key.name = "first";
  key.key_hash = sha256_hex(plaintext);
  key.key_prefix = plaintext.substr(0, 16);
  key.scope = scope;
  key.agent_email = agent;
  db().write([&](store::Tx& tx) {
    account::create_key(tx, key, clock_.now());
    return std::monostate{};
  });
  return plaintext;
}

std::future<rest::Response> ApiTest::start(const Ask& ask) {
  net::Request request;
  request.method = ask.method;
  request.target = ask.target;
  const std::size_t question = ask.target.find('?');
  request.path = ask.target.substr(0, question);
  if (question != std::string::npos) request.query = ask.target.substr(question + 1);
  if (!ask.key.empty()) request.headers.add("Authorization", "Bearer " + ask.key);
  for (const net::Header& header : ask.headers) request.headers.add(header.name, header.value);
  request.peer_address = "127.0.0.1";
  request.request_id = "req_0123456789abcdef01234567";
  const std::uint64_t max = server_.service().body_bytes_max(request.method, request.path);
  if (ask.body.size() > max) {
    request.body_too_large = {ask.body.size(), max};
  } else {
    request.body = ask.body;
  }
  return boost::asio::co_spawn(io_, server_.respond(std::move(request)), boost::asio::use_future);
}

Reply ApiTest::finish(const Ask& ask, rest::Response response) {
  Reply reply{response.status, response.headers, response.body, nullptr};
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/json") << ask.target;
  boost::system::error_code error;
  reply.json = json::parse(reply.body, error);
  EXPECT_FALSE(error) << reply.body;
  const std::string operation = operation_of(ask);
  if (!operation.empty()) {
    for (const rest::FieldError& fault : contract_.check_response(operation, reply.status, reply.json)) {
      ADD_FAILURE() << operation << " " << reply.status << ": " << fault.location << " " << fault.message
                    << " in " << reply.body;
    }
  }
  if (reply.status >= 400) {
    EXPECT_EQ(reply.json.at("error").at("request_id").as_string(), "req_0123456789abcdef01234567");
    EXPECT_FALSE(reply.error_code().empty());
  }
  return reply;
}

Reply ApiTest::ask(const Ask& ask) { return finish(ask, start(ask).get()); }

std::string ApiTest::mail(const std::string& to, const std::string& subject, const std::string& more) {
  json::object body{{"to", json::array{to}}, {"subject", subject}, {"text", "the text"}};
  std::string text = json::serialize(body);
  if (more.empty()) return text;
  text.back() = ',';
  return text + more + "}";
}

std::string ApiTest::receive(const std::string& subject, const std::string& more) {
  const Reply sent = send(kBot, subject, more);
  EXPECT_THAT(sent, Answered(200));
  const Reply list = get(kBotPath + "/messages?read_status=all&limit=1");
  EXPECT_EQ(list.items().at(0).at("subject").as_string(), subject);
  return std::string(list.items().at(0).at("id").as_string());
}

void ApiTest::hold_everything(const std::string& holds) {
  const Reply reply = put(kBotPath + "/protection",
                          R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{"policy":"allowlist",)"
                          R"("action":"review","allowlist":[]},"scan":{}},"holds":)" +
                              holds + "}");
  EXPECT_THAT(reply, Answered(200));
}

std::string ApiTest::held(const std::string& subject, const std::string& more) {
  const Reply reply = send("person@elsewhere.example", subject, more);
  EXPECT_THAT(reply, Answered(202));
  EXPECT_EQ(reply.text("status"), "pending_review");
  return reply.text("message_id");
}

void ApiTest::hand_over(outbox::Verdict verdict) {
  using namespace std::chrono_literals;
  const UtcTime now = clock_.now();
  const auto claims = db().write(
      [&](store::Tx& tx) { return outbox::claim(tx, {"worker", now + 1s, now + 60s, 32, UserId()}); });
  ASSERT_FALSE(claims.empty());
  for (const outbox::Claim& claim : claims) {
    const bool recorded = db().write([&](store::Tx& tx) {
      EXPECT_TRUE(outbox::fence(tx, claim, {"worker", "smtp", now + 2s, now + 60s}));
      const bool answered = verdict != outbox::Verdict::unknown;
      outbox::Answer answer;
      answer.verdict = verdict;
      answer.phase = "final_dot";
      answer.code = verdict == outbox::Verdict::accepted ? 250 : answered ? 550 : 0;
      answer.text = answered ? "as it is" : "connection reset";
      answer.provider = "smtp";
      answer.provider_message_id = verdict == outbox::Verdict::accepted ? "queue-1" : "";
      return outbox::record(tx, claim, answer, now + 3s);
    });
    EXPECT_TRUE(recorded);
  }
}

std::map<std::string, std::int64_t> ApiTest::row_counts() {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [name, query] : kCounted) counts[name] = count(query);
  return counts;
}

std::vector<std::string> ApiTest::stored_answers() {
  return db().read([](store::ReadTx& tx) {
    std::vector<std::string> out;
    const store::Rows rows = tx.query(kStoredAnswers);
    for (const store::Row row : rows) out.push_back(row.text(0));
    return out;
  });
}

std::int64_t ApiTest::count(const store::Query& query) {
  return db().read([&](store::ReadTx& tx) { return tx.query(query).front().integer(0); });
}

}  // namespace countersign::test
