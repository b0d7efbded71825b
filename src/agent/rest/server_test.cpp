// What clients see around the handlers: routes, order of checks, limits, errors and headers.
#include "agent/rest/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstring>

#include "agent/rest/schema.hpp"
#include "base/error.hpp"

namespace countersign::agent::rest {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RestServerTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}, ServerHooks hooks = {}) {
    hooks.finished = [this](const Finished& finished) {
      finished_.push_back(std::string(finished.operation) + " " + std::to_string(finished.status));
    };
    server_ = std::make_unique<Server>(options, clock_, std::move(hooks));
    for (const Operation& operation : operations()) {
      server_->handle(operation.id, [](const Call& call) -> asio::awaitable<Response> {
        const json::object seen{{"operation", call.operation().id}, {"body", call.body()}};
        co_return json_response(200, seen);
      });
    }
  }

  Response ask(net::Request request) {
    if (request.request_id.empty()) request.request_id = "req_test";
    if (request.peer_address.empty()) request.peer_address = "192.0.2.1";
    asio::io_context io;
    auto answer = asio::co_spawn(io, server_->respond(std::move(request)), asio::use_future);
    io.run();
    return answer.get();
  }

  Response ask(std::string method, std::string path, std::string body = "", net::Headers headers = {}) {
    const std::size_t mark = path.find('?');
    net::Request request{.method = std::move(method), .path = path.substr(0, mark)};
    if (mark != std::string::npos) request.query = path.substr(mark + 1);
    request.headers = std::move(headers);
    request.body = std::move(body);
    return ask(std::move(request));
  }

  ManualClock clock_{from_us(1'800'000'000'000'000)};
  std::unique_ptr<Server> server_;
  std::vector<std::string> finished_;
};

net::Headers fields(std::initializer_list<net::Header> list) {
  net::Headers headers;
  for (const net::Header& field : list) headers.add(field.name, field.value);
  return headers;
}

// `CODE` of an error envelope that keeps the rules of every envelope; else what is wrong with it.
std::string code_of(const Response& response) {
  if (response.headers.get("Content-Type") != "application/json") return "not JSON";
  const json::value body = json::parse(response.body);
  const json::object& error = body.at("error").as_object();
  if (error.at("request_id").as_string() != "req_test") return "another request id";
  if (error.at("message").as_string().empty()) return "no message";
  return std::string(error.at("code").as_string());
}

std::vector<std::string> places_of(const Response& response) {
  std::vector<std::string> places;
  const json::value body = json::parse(response.body);
  for (const json::value& field : body.at("error").at("details").at("fields").as_array()) {
    places.emplace_back(field.at("location").as_string());
  }
  return places;
}

std::string operation_of(const Response& response) {
  const json::value body = json::parse(response.body);
  const json::value* operation = body.as_object().if_contains("operation");
  return operation ? std::string(operation->as_string()) : response.body;
}

TEST_F(RestServerTest, UnknownPathsAreJsonWithinTheApiAndTextOutside) {
  start();
  for (const char* path : {"/v1", "/v1/", "/v1/nothing", "/v1/agents/", "/v1/agents//messages", "/v1/info/",
                           "/v1/agents/a@b/messages/m/other", "/v1/agents/%zz", "/v1/agents/%00",
                           "/v1/agents/%ff", "/v1/agents/a%2Fb/c%2Fd/e"}) {
    const Response response = ask("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(code_of(response), "not_found") << path;
  }
  for (const char* path : {"/", "/v10/info", "/V1/info", "/nothing", "*", ""}) {
    const Response response = ask("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(std::string(response.headers.get("Content-Type")), HasSubstr("text/plain")) << path;
  }
}

TEST_F(RestServerTest, KnownPathsWithAnotherMethodAre405) {
  start();
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"POST", "/v1/info"},
                                                        {"PUT", "/v1/agents/a@b/messages"},
                                                        {"DELETE", "/v1/agents/a@b/messages"},
                                                        {"HEAD", "/v1/info"},
                                                        {"get", "/v1/info"},
                                                        {"DELETE", "/v1/openapi.json"}}) {
    const Response response = ask(method, path);
    EXPECT_EQ(response.status, 405) << method << path;
    EXPECT_EQ(code_of(response), "method_not_allowed");
    EXPECT_FALSE(response.headers.get("Allow").empty());
  }
  EXPECT_EQ(ask("DELETE", "/v1/agents/a@b/messages").headers.get("Allow"), "GET, POST");
  const Response outside = ask("POST", "/api/health");
  EXPECT_EQ(outside.status, 405);
  EXPECT_THAT(std::string(outside.headers.get("Content-Type")), HasSubstr("text/plain"));
}

TEST_F(RestServerTest, AnEncodedSlashSeparatesNothing) {
  start();
  std::string seen;
  server_->handle("getAgent", [&](const Call& call) -> asio::awaitable<Response> {
    seen = call.path("email");
    co_return call.refuse(not_found());
  });
  for (const auto& [path, email] : std::vector<std::pair<std::string, std::string>>{
           {"/v1/agents/..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"},
           {"/v1/agents/a%40b.example", "a@b.example"},
           {"/v1/agents/A+x@b.example", "A+x@b.example"},
           {"/v1/agents/" + std::string(2000, 'a'), std::string(2000, 'a')},
           {"/v1/%61gents/x", "x"}}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
    EXPECT_EQ(seen, email);
  }
}

TEST_F(RestServerTest, EveryOperationReachesItsOwnHandler) {
  start();
  const auto sample = [](std::string_view path) {
    std::string text(path);
    for (const char* name : {"{email}", "{id}"}) {
      if (const auto at = text.find(name); at != std::string::npos) text.replace(at, std::strlen(name), "x");
    }
    return text;
  };
  for (const Operation& operation : operations()) {
    std::string body = "{}";
    if (operation.id == "sendMessage") body = R"({"to":[]})";
    if (operation.id == "replyToMessage") body = R"({"text":"t"})";
    if (operation.id == "forwardMessage") body = R"({"to":[],"text":"t"})";
    if (operation.id == "createAgentSuppression") body = R"({"address":"a@b"})";
    if (operation.id == "createAgent") body = R"({"email":"a@b"})";
    if (operation.id == "putAgentProtection") {
      body = R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})";
    }
    if (operation.id == "createWebhook") body = R"({"url":"u","events":["email.sent"]})";
    if (operation.id == "resolveHandover") body = R"({"as":"sent"})";
    if (operation.id.ends_with("ReviewSettings")) body = R"({"mute":false})";
    if (operation.id == "putDeliveryPolicy") body = R"({"on_unknown":"hold"})";
    const Response response =
        ask(std::string(operation.method), sample(operation.path) + "?confirm=DELETE", body);
    EXPECT_EQ(operation_of(response), operation.id);
  }
  EXPECT_EQ(finished_.size(), operations().size());
  EXPECT_EQ(finished_.front(), "getInfo 200");
}

TEST_F(RestServerTest, AnOperationWithoutAHandlerIsNotImplemented) {
  const SystemClock clock;
  server_ = std::make_unique<Server>(ServerOptions{}, clock, ServerHooks{});
  const Response response = ask("GET", "/v1/info");
  EXPECT_EQ(response.status, 501);
  EXPECT_EQ(code_of(response), "not_implemented");
}

TEST_F(RestServerTest, BodiesThatCannotBeReadAre400WithOnePlace) {
  start();
  for (const char* body : {"", "  ", "{", "{\"name\":\"\xff\"}", "nothing"}) {
    const Response response = ask("PATCH", "/v1/agents/x", body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(code_of(response), "invalid_request");
    EXPECT_THAT(places_of(response), ElementsAre("body"));
  }
}

TEST_F(RestServerTest, AllFaultsOfARequestAreInOneAnswer) {
  start();
  const Response response =
      ask("POST", "/v1/agents/x/messages", R"({"subject":1,"x":2})", fields({{"Idempotency-Key", "\xff"}}));
  EXPECT_EQ(response.status, 422);
  EXPECT_THAT(places_of(response),
              testing::UnorderedElementsAre("header.Idempotency-Key", "body", "body.subject", "body.x"));
  EXPECT_THAT(places_of(ask("DELETE", "/v1/agents/x?permanent=maybe")),
              ElementsAre("query.confirm", "query.permanent"));
  EXPECT_EQ(ask("PATCH", "/v1/agents/x", "[]").status, 422);
}

TEST_F(RestServerTest, TakesJsonByAnyOfItsNames) {
  start();
  for (const char* type : {"application/json", "application/json; charset=utf-8", "Application/JSON",
                           "application/vnd.x+json", "application/merge-patch+json ;v=1", ""}) {
    EXPECT_EQ(ask("PATCH", "/v1/agents/x", "{}", fields({{"Content-Type", type}})).status, 200) << type;
  }
  for (const char* type : {"text/plain", "text/json", "application/jsonp", "application/+json", "json",
                           "application/x-www-form-urlencoded"}) {
    const Response response = ask("PATCH", "/v1/agents/x", "{}", fields({{"Content-Type", type}}));
    EXPECT_EQ(response.status, 415) << type;
    EXPECT_EQ(code_of(response), "unsupported_media_type");
  }
}

TEST_F(RestServerTest, AnyBodyIsIgnoredWhereNoneIsDeclared) {
  start();
  for (const char* body : {"{}", "garbage", "\xff"}) {
    EXPECT_EQ(ask("POST", "/v1/agents/x/restore", body, fields({{"Content-Type", "text/plain"}})).status,
              200);
  }
}

TEST_F(RestServerTest, ALargeBodyIsRefusedWithItsSize) {
  start();
  net::Request request{.method = "POST", .path = "/v1/agents/x/messages"};
  request.body_too_large = net::BodyTooLarge{.actual_bytes = 50'000'000, .max_bytes = kBodyBytesSend};
  const Response response = ask(std::move(request));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(code_of(response), "payload_too_large");
  EXPECT_THAT(response.body,
              HasSubstr(R"({"scope":"request_body","actual_bytes":50000000,"max_bytes":41943040})"));

  const net::HttpService service = server_->service();
  EXPECT_EQ(service.body_bytes_max("POST", "/v1/agents/x/messages"), 41'943'040U);
  EXPECT_EQ(service.body_bytes_max("POST", "/v1/reviews/x/approve"), 41'943'040U);
  EXPECT_EQ(service.body_bytes_max("POST", "/v1/agents"), 1'048'576U);
  EXPECT_EQ(service.body_bytes_max("POST", "/nowhere"), 1'048'576U);
}

TEST_F(RestServerTest, HandlersSeeTheValidatedCall) {
  start();
  server_->handle("sendMessage", [&](const Call& call) -> asio::awaitable<Response> {
    EXPECT_EQ(call.query_text("wait"), "sent");
    EXPECT_EQ(call.idempotency_key(), "k-1");
    EXPECT_EQ(call.authorization(), "Bearer x");
    EXPECT_EQ(call.body_text("subject"), "\xc3\xa9");
    EXPECT_EQ(call.body_text("text"), std::nullopt);
    EXPECT_THAT(call.body_texts("to"), ElementsAre("a", "b"));
    EXPECT_EQ(call.body_bytes(), R"({ "to":["a","b"], "subject":"\u00e9", "text":null })");
    EXPECT_EQ(call.client_address(), "192.0.2.1");
    EXPECT_EQ(call.received(), clock_.now());
    co_return json_response(202, call.body());
  });
  const Response response =
      ask("POST", "/v1/agents/x/messages?wait=sent", R"({ "to":["a","b"], "subject":"\u00e9", "text":null })",
          fields({{"idempotency-key", "k-1"}, {"authorization", "Bearer x"}}));
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body, "{\"to\":[\"a\",\"b\"],\"subject\":\"\xc3\xa9\"}");

  server_->handle("createApiKey", [](const Call& call) -> asio::awaitable<Response> {
    EXPECT_EQ(call.idempotency_key(), std::nullopt) << "an empty key counts as none";
    co_return json_response(201, json::object());
  });
  EXPECT_EQ(ask("POST", "/v1/account/api-keys", "{}", fields({{"Idempotency-Key", ""}})).status, 201);
}

TEST_F(RestServerTest, FaultsOfTheSurroundingsAre503AndBugsAre500WithoutTheirTexts) {
  start();
  server_->handle("getInfo", [](const Call&) -> asio::awaitable<Response> {
    throw EnvironmentError("s3cret", true);
    co_return Response{};
  });
  server_->handle("getAccount", [](const Call&) -> asio::awaitable<Response> {
    throw std::runtime_error("s3cret");
    co_return Response{};
  });
  server_->handle("listReviews", [](const Call&) -> asio::awaitable<Response> {
    throw EnvironmentError("s3cret", false);
    co_return Response{};
  });
  const Response busy = ask("GET", "/v1/info");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(code_of(busy), "internal_error");
  const int wait = std::stoi(std::string(busy.headers.get("Retry-After")));
  EXPECT_GE(wait, 1);
  EXPECT_LE(wait, 5);
  for (const char* path : {"/v1/account", "/v1/reviews"}) {
    const Response broken = ask("GET", path);
    EXPECT_EQ(broken.status, 500);
    EXPECT_EQ(code_of(broken), "internal_error");
    EXPECT_THAT(broken.body, Not(HasSubstr("s3cret")));
  }
  EXPECT_THAT(busy.body, Not(HasSubstr("s3cret")));
  EXPECT_THAT(finished_, ElementsAre("getInfo 503", "getAccount 500", "listReviews 500"));
}

TEST_F(RestServerTest, PollingIsLimitedPerUserWithHeadersOnEveryAnswer) {
  ServerHooks hooks;
  hooks.subject = [](std::string authorization) -> asio::awaitable<std::optional<LimitSubject>> {
    if (authorization == "wrong") co_return std::nullopt;
    co_return LimitSubject{.user_id = authorization.substr(0, 1), .exempt = authorization == "exempt"};
  };
  start({.poll = {2, std::chrono::minutes(1)}}, hooks);
  const auto poll = [this](std::string_view who, std::string_view query = "") {
    return ask("GET", "/v1/agents/x/messages" + std::string(query), "",
               fields({{"Authorization", std::string(who)}}));
  };
  const Response first = poll("a1");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.get("RateLimit-Limit"), "2");
  EXPECT_EQ(first.headers.get("RateLimit-Remaining"), "1");
  EXPECT_EQ(first.headers.get("RateLimit-Reset"), "60");
  EXPECT_EQ(poll("a2", "?limit=0").headers.get("RateLimit-Remaining"), "0") << "on a 422 too";

  clock_.advance(std::chrono::seconds(10));
  const Response refused = poll("a1", "?limit=0");
  EXPECT_EQ(refused.status, 429) << "the limiter comes before validation";
  EXPECT_EQ(code_of(refused), "rate_limited");
  EXPECT_EQ(refused.headers.get("Retry-After"), "50");
  EXPECT_EQ(refused.headers.get("RateLimit-Remaining"), "0");
  EXPECT_THAT(refused.body, HasSubstr(R"("details":{"retry_after_seconds":50})"));
  EXPECT_THAT(Contract(openapi_document()).check_response("listMessages", 429, json::parse(refused.body)),
              IsEmpty());

  EXPECT_EQ(poll("b1").status, 200) << "another user";
  EXPECT_EQ(poll("wrong").status, 200) << "nobody, so the address counts";
  EXPECT_EQ(ask("GET", "/v1/agents/x/messages").headers.get("RateLimit-Remaining"), "0");
  EXPECT_EQ(ask("GET", "/v1/agents/x/messages").status, 429);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(poll("exempt").status, 200);
  EXPECT_EQ(ask("GET", "/v1/agents/x").headers.find("RateLimit-Limit"), std::nullopt);
  clock_.advance(std::chrono::seconds(50));
  EXPECT_EQ(poll("a1").status, 200);
}

TEST_F(RestServerTest, RateHeadersAreOnTheAnswersOfFailingHandlers) {
  start();
  server_->handle("getMessage", [](const Call&) -> asio::awaitable<Response> {
    throw EnvironmentError("gone", true);
    co_return Response{};
  });
  const Response response = ask("GET", "/v1/agents/x/messages/m");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.get("RateLimit-Limit"), "240");
}

TEST_F(RestServerTest, RegistrationIsLimitedPerClientAddress) {
  start({.registration = {1, std::chrono::hours(1)}});
  const auto create = [this](net::Headers headers) {
    return ask("POST", "/v1/agents", R"({"email":"a@b"})", std::move(headers)).status;
  };
  EXPECT_EQ(create({}), 200);
  EXPECT_EQ(create(fields({{"X-Forwarded-For", "198.51.100.9"}})), 429) << "never trusted";
  EXPECT_EQ(create(fields({{"CF-Connecting-IP", "198.51.100.7"}})), 200);
  EXPECT_EQ(create(fields({{"CF-Connecting-IP", "198.51.100.7"}})), 429);
  EXPECT_EQ(create(fields({{"CF-Connecting-IP", "no address"}})), 429) << "the peer counts";
  EXPECT_EQ(create(fields({{"CF-Connecting-IP", "2001:db8::1"}})), 200);
  EXPECT_EQ(create(fields({{"CF-Connecting-IP", "2001:DB8:0::1"}})), 429) << "one address, two spellings";
}

TEST_F(RestServerTest, SendsAreCountedPerAgent) {
  start({.send = {1, std::chrono::minutes(1)}});
  const auto allowed = [&](const std::string& agent) {
    asio::io_context io;
    auto decision = asio::co_spawn(io, server_->take_send(agent, clock_.now()), asio::use_future);
    io.run();
    return decision.get().allowed;
  };
  EXPECT_TRUE(allowed("a@x"));
  EXPECT_FALSE(allowed("a@x"));
  EXPECT_TRUE(allowed("b@x"));
}

TEST_F(RestServerTest, TheKeysOfAgentsAreNone) {
  start();
  const Response keys = ask("GET", "/.well-known/jwks.json");
  EXPECT_EQ(keys.status, 200);
  EXPECT_EQ(keys.body, R"({"keys":[]})");
  EXPECT_EQ(keys.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(ask("POST", "/.well-known/jwks.json").status, 405);
  EXPECT_THAT(finished_, ElementsAre("jwks 200", "jwks 405"));
}

TEST_F(RestServerTest, HealthNeedsNothingAndReadinessAsks) {
  std::string reason = "no database";
  ServerHooks hooks;
  hooks.not_ready_because = [&]() -> asio::awaitable<std::string> { co_return reason; };
  hooks.metrics = [] { return std::string("up 1\n"); };
  start({}, hooks);
  EXPECT_EQ(ask("GET", "/api/health").body, R"({"status":"ok"})");
  EXPECT_EQ(ask("HEAD", "/api/health").status, 200);
  const Response waiting = ask("GET", "/readyz");
  EXPECT_EQ(waiting.status, 503);
  EXPECT_EQ(waiting.body, R"({"status":"not_ready","reason":"no database"})");
  reason.clear();
  EXPECT_EQ(ask("GET", "/readyz").body, R"({"status":"ready"})");
  EXPECT_EQ(ask("GET", "/metrics").body, "up 1\n");
  EXPECT_THAT(finished_, ElementsAre("health 200", "health 200", "ready 503", "ready 200", "metrics 200"));
}

TEST_F(RestServerTest, AMountedPathBelongsToItsHandlerWithEverythingThatCame) {
  start();
  Mount mount{.path = "/webhooks/other", .name = "other", .body_bytes_max = 7, .respond = {}};
  mount.respond = [](net::Request request) -> asio::awaitable<Response> {
    Response response;
    response.status = request.body_too_large ? 413 : 200;
    response.body = request.body;
    co_return response;
  };
  server_->mount(std::move(mount));

  const Response taken = ask("POST", "/webhooks/other", "no JSON");
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body, "no JSON");
  const Response refused = ask("GET", "/webhooks/other");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.get("Allow"), "POST");
  EXPECT_EQ(ask("POST", "/webhooks/other/").status, 404);
  EXPECT_EQ(server_->service().body_bytes_max("POST", "/webhooks/other"), 7u);
  EXPECT_GT(server_->service().body_bytes_max("POST", "/webhooks/another"), 7u);
  EXPECT_THAT(finished_, ElementsAre("other 200", "other 405", "unmatched 404"));
}

TEST_F(RestServerTest, FaultsOfAMountedHandlerAreAnsweredAsThoseOfTheApi) {
  start();
  Mount mount{.path = "/webhooks/other", .name = "other", .body_bytes_max = 7, .respond = {}};
  mount.respond = [](net::Request) -> asio::awaitable<Response> {
    throw EnvironmentError("a secret", true);
    co_return Response();
  };
  server_->mount(std::move(mount));
  const Response response = ask("POST", "/webhooks/other");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, Not(HasSubstr("secret")));
}

TEST_F(RestServerTest, ServesItsOwnDescription) {
  start();
  const Response response = ask("GET", "/v1/openapi.json");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(response.body, openapi_document());
}

TEST_F(RestServerTest, WhatIsNoRequestGetsAnEnvelopeToo) {
  start();
  const net::HttpService service = server_->service();
  for (const auto& [status, code] : std::vector<std::pair<int, std::string>>{
           {400, "invalid_request"}, {408, "error"}, {431, "error"}, {503, "internal_error"}}) {
    const Response response = service.refuse(status, "req_test");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(code_of(response), code);
    EXPECT_EQ(response.headers.find("Retry-After").has_value(), status == 503);
  }
}

TEST_F(RestServerTest, OverASocketTheEnvelopeNamesTheRequestIdOfTheHeader) {
  start();
  asio::io_context io;
  net::HttpServer http(io, {}, server_->service());
  http.start();
  std::thread thread([&] { io.run(); });
  asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(http.port()));
  stream << "GET /v1/nothing HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine-7\r\nConnection: close\r\n\r\n";
  const std::string answer((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  EXPECT_THAT(answer, HasSubstr("X-Request-Id: mine-7\r\n"));
  EXPECT_THAT(answer, HasSubstr(R"("request_id":"mine-7")"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  io.stop();
  thread.join();
}

TEST(Errors, EveryKindKeepsTheEnvelope) {
  const Contract contract(openapi_document());
  const std::vector<ApiError> errors = {unauthorized(),
                                        forbidden(),
                                        not_found(),
                                        rate_limited(7),
                                        too_many_recipients(50, 51),
                                        payload_too_large("attachment", 11, 10, "f.txt"),
                                        limit_exceeded("agents", 1, 1, "free"),
                                        limits_unavailable(5),
                                        unavailable(2),
                                        internal_error(),
                                        invalid_request({{"body.to", "x"}}, 422),
                                        api_error(ErrorCode::domain_not_verified, 403, "x"),
                                        api_error(ErrorCode::invalid_request, "x")};
  for (const ApiError& error : errors) {
    const Response response = error_response(error, "req_test");
    EXPECT_EQ(code_of(response), facts(error.code).name);
    EXPECT_EQ(response.status, error.status);
    EXPECT_THAT(contract.check_response("createAgent", error.status, json::parse(response.body)), IsEmpty())
        << response.body;
    EXPECT_EQ(response.headers.get("WWW-Authenticate"), error.status == 401 ? "Bearer realm=\"e2a\"" : "");
    EXPECT_EQ(response.headers.find("Retry-After").has_value(), error.status == 429 || error.status == 503);
  }
  EXPECT_THAT(places_of(error_response(errors.back(), "req_test")), ElementsAre(""));
}

TEST(Responses, PagesAlwaysHaveBothMembers) {
  EXPECT_EQ(json::serialize(page({}, "")), R"({"items":[],"next_cursor":null})");
  EXPECT_EQ(json::serialize(page({1}, "c")), R"({"items":[1],"next_cursor":"c"})");
  EXPECT_EQ(timestamp(from_us(0)), "1970-01-01T00:00:00.000000Z");
}

}  // namespace
}  // namespace countersign::agent::rest
