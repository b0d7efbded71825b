#include "flows/console_fixture.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <future>

#include "account/sign_in.hpp"

namespace countersign::test {
namespace json = boost::json;

ConsoleFixture::ConsoleFixture() {
  agent::rest::ApiSettings api;
  api.shared_domain = kSharedDomain;
  api.cursor_secret = std::string(32, 's');
  server_ = std::make_unique<agent::rest::Server>(agent::rest::ServerOptions{}, office_.clock(),
                                                  agent::rest::ServerHooks{});
  api_ = std::make_unique<agent::rest::Api>(db(), office_.send_step(), std::move(api));
  api_->attach(*server_);
  console_ = std::make_unique<console::Console>(db(), office_.clock(), settings());
}

console::ConsoleSettings ConsoleFixture::settings() {
  console::ConsoleSettings settings;
  settings.shared_domain = kSharedDomain;
  settings.version = "1.2.3";
  settings.secret = std::string(32, 's');
  settings.transport = "smtp";
  settings.password_cost = cost_;
  settings.stream_poll = std::chrono::milliseconds(5);
  settings.stream_heartbeat = std::chrono::hours(1);  // on a busy machine one would come before what happens
  settings.api = [this](net::Request request, console::Grant grant) {
    agent::rest::SessionCaller caller{grant.token_hash, grant.user_id, grant.exempt, grant.undo_for};
    return server_->respond(std::move(request), std::move(caller));
  };
  settings.api_body_bytes_max = [this](std::string_view method, std::string_view path) {
    return server_->body_bytes_max(method, path);
  };
  return settings;
}

net::Request ConsoleFixture::page_request(std::string method, std::string path, const Browser& browser,
                                          std::string body) const {
  net::Request request;
  request.method = std::move(method);
  request.target = path;
  const std::size_t mark = path.find('?');
  request.path = path.substr(0, mark);
  if (mark != std::string::npos) request.query = path.substr(mark + 1);
  request.headers.add("Host", "mail.example");
  request.headers.add("Sec-Fetch-Site", "same-origin");
  if (request.method != "GET") request.headers.add("Origin", "http://mail.example");
  if (!browser.cookie.empty()) request.headers.add("Cookie", browser.cookie);
  if (!browser.csrf.empty()) request.headers.add("X-CSRF-Token", browser.csrf);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

std::optional<std::string> ConsoleFixture::next_of(const net::Response& stream) {
  auto piece = boost::asio::co_spawn(io_, stream.stream(), boost::asio::use_future);
  io_.restart();
  io_.run();
  return piece.get();
}

net::Response ConsoleFixture::ask(net::Request request) { return ask_at_once({std::move(request)}).front(); }

std::vector<net::Response> ConsoleFixture::ask_at_once(std::vector<net::Request> requests) {
  std::vector<std::future<net::Response>> under_way;
  for (net::Request& request : requests) {
    if (request.request_id.empty()) request.request_id = "req_test";
    if (request.peer_address.empty()) request.peer_address = "192.0.2.1";
    under_way.push_back(
        boost::asio::co_spawn(io_, console_->respond(std::move(request)), boost::asio::use_future));
  }
  io_.restart();
  io_.run();
  std::vector<net::Response> answers;
  for (std::future<net::Response>& one : under_way) answers.push_back(one.get());
  return answers;
}

net::Response ConsoleFixture::ask_rest(net::Request request) {
  request.request_id = "req_test";
  request.peer_address = "192.0.2.1";
  auto answer = boost::asio::co_spawn(io_, server_->respond(std::move(request)), boost::asio::use_future);
  io_.restart();
  io_.run();
  return answer.get();
}

json::object ConsoleFixture::json_of(const net::Response& response, int status) {
  EXPECT_EQ(response.status, status) << response.body;
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error);
  EXPECT_TRUE(!error && body.is_object()) << response.body;
  return body.is_object() ? body.as_object() : json::object();
}

void ConsoleFixture::set_password(const UserId& user, std::string_view password) {
  const std::string hash = console::hash_password(password, cost_);
  (void)db().write([&](store::Tx& tx) {
    account::set_password(tx, user, hash, office_.now());
    return std::monostate{};
  });
}

net::Response ConsoleFixture::try_sign_in(std::string_view email, std::string_view password,
                                          const Browser& browser) {
  const json::object body{{"email", email}, {"password", password}};
  return ask("POST", "/console/api/session", browser, json::serialize(body));
}

Browser ConsoleFixture::sign_in(std::string_view email, std::string_view password) {
  return browser_of(try_sign_in(email, password));
}

Browser ConsoleFixture::browser_of(const net::Response& welcome) {
  Browser browser;
  browser.csrf = std::string(json_of(welcome).at("csrf_token").as_string());
  const std::string_view cookie = welcome.headers.get("Set-Cookie");
  browser.cookie = std::string(cookie.substr(0, cookie.find(';')));
  return browser;
}

std::string ConsoleFixture::code_of(const net::Response& response) {
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error);
  if (error || !body.is_object() || !body.as_object().contains("error")) return "no error: " + response.body;
  const json::object& refusal = body.at("error").as_object();
  if (refusal.at("request_id").as_string() != "req_test") return "another request id";
  return std::string(refusal.at("code").as_string());
}

ReviewerFixture::ReviewerFixture() {
  office_.add_agent(kAgent);
  office_.hold_all(kAgent);
  set_password(office_.owner(), kPassword);
}

MessageId ReviewerFixture::hold(const std::string& subject) {
  mailbox::Draft draft = draft_to({std::string(kStranger)});
  draft.subject = subject;
  draft.attachments = {{"figures.csv", "text/csv", "1,2,3"},
                       {"page.html", "text/html", "<script>1</script>"}};
  return office_.hold(kAgent, draft);
}

std::string ReviewerFixture::review(const MessageId& id, std::string_view what) {
  return fmt::format("/console/api/reviews/{}/{}", id.str(), what);
}

json::object ReviewerFixture::approve(const Browser& browser, const MessageId& id, const std::string& body) {
  const net::Response response = ask("POST", review(id, "approve"), browser, body);
  EXPECT_EQ(response.status, 202) << response.body;
  return json::parse(response.body).as_object();
}

std::string ReviewerFixture::undo_body(const json::object& approved) {
  return json::serialize(json::object{{"undo_token", approved.at("undo_token")}});
}

}  // namespace countersign::test
