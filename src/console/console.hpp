// The console: what people see of the program in a browser. It signs them in, serves the pages, and answers
// what the pages ask (web/API.md). Mail, decisions and transport are the business of the modules below; what
// the REST API can do it lets the REST API do, with the session in place of a key.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "account/sign_in.hpp"
#include "base/time.hpp"
#include "console/password.hpp"
#include "net/http_message.hpp"
#include "store/database.hpp"

namespace countersign::console {

/// A person whom the console has let in, for the REST API.
struct Grant {
  std::string token_hash;
  std::string user_id;
  bool exempt = false;  // from the limiters
  Duration undo_for{};  // approvals can be taken back for so long
};

struct ConsoleSettings {
  std::string public_url;  // where browsers reach the server; empty: wherever they say
  std::string shared_domain;
  std::string version;
  std::string secret;     // of the deployment, the same on every node; signs setup links
  std::string transport;  // name of the way out, "smtp", …
  account::Limits limits;
  std::string plan_code = "default";  // of the account that the set-up makes
  bool screening = true;
  std::chrono::seconds session_idle{std::chrono::hours(12)};
  std::chrono::seconds session_max{std::chrono::days(14)};
  account::AttemptLimit attempts_per_person{10, std::chrono::minutes(15)};
  account::AttemptLimit attempts_per_address{50, std::chrono::minutes(15)};
  PasswordCost password_cost;
  std::size_t streams_max = 64;  // pages of one node that hear of news at a time
  std::chrono::milliseconds stream_poll{1000};
  std::chrono::milliseconds stream_heartbeat{std::chrono::seconds(20)};  // web/src/lib/live.ts counts on it
  /// Answers a request to `/v1/…` in the name of the person.
  std::function<boost::asio::awaitable<net::Response>(net::Request, Grant)> api;
  /// How many body bytes such a request may have.
  std::function<std::uint64_t(std::string_view method, std::string_view path)> api_body_bytes_max;
  /// Called after a commit: there may be events to be told.
  std::function<void()> committed = [] {};
  /// A finished request: the operation, the status, how long it took.
  std::function<void(std::string_view, int, std::chrono::microseconds)> finished = {};
};

class Console {
 public:
  /// The references must outlive the console; the console must outlive its last request.
  Console(store::Database& database, const Clock& clock, ConsoleSettings settings);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Whether a path is the console's.
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] std::uint64_t body_bytes_max(std::string_view method, std::string_view path) const;
  [[nodiscard]] boost::asio::awaitable<net::Response> respond(net::Request request);

  /// A link by which the first person comes in, for a day and from any node; empty when somebody can sign in
  /// already. Blocks. Without a public URL it begins with the path.
  [[nodiscard]] std::string make_setup_link();
  /// Ends what waits: streams of news.
  void stop();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// An operation of the console's own.
struct RouteInfo {
  std::string_view method;
  std::string_view path;  // `/console/api/reviews/{id}/undo`
  bool needs_session = true;
};
[[nodiscard]] std::span<const RouteInfo> routes();

}  // namespace countersign::console
