// The REST API as a service for net::HttpServer: routing, limits, validation, errors, log and counters around
// the handlers, in the order that clients see (operations.md, "Order of checks"). Knows no account and no
// mail.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/rest/limiter.hpp"
#include "agent/rest/request.hpp"
#include "base/time.hpp"
#include "net/http_server.hpp"

namespace countersign::agent::rest {

struct ServerOptions {
  RateLimit poll{240, std::chrono::minutes(1)};
  RateLimit registration{200, std::chrono::hours(1)};
  RateLimit send{60, std::chrono::minutes(1)};
  RateLimit download{120, std::chrono::minutes(1)};
  /// The store, when other nodes use it too: then limits are those of all nodes together (decision 0014).
  store::Database* shared = nullptr;
};

/// Who a credential belongs to, for the limiters.
struct LimitSubject {
  std::string user_id;
  bool exempt = false;  // accounts of class internal or system (contract §8)
};

/// What a finished request is reported as. `operation` is an operation id or one of: health, ready, metrics,
/// openapi, unmatched.
struct Finished {
  std::string_view operation;
  int status;
  std::chrono::microseconds duration;
};

/// Connections to the rest of the program; each may be left empty.
struct ServerHooks {
  /// The user of an Authorization header, or nothing when it authenticates nobody.
  std::function<boost::asio::awaitable<std::optional<LimitSubject>>(std::string authorization)> subject;
  /// Empty: ready. Else the reason why not.
  std::function<boost::asio::awaitable<std::string>()> not_ready_because;
  /// The text of GET /metrics (Prometheus exposition format).
  std::function<std::string()> metrics;
  std::function<void(const Finished&)> finished;
};

/// A path without an operation that another part of the program answers: its own format, none of the
/// contract's envelopes, limits or validation.
struct Mount {
  std::string path;                  // whole, compared exactly
  std::string method = "POST";       // others are answered 405; empty: `respond` sees to that
  std::string name;                  // what requests are reported as
  std::uint64_t body_bytes_max = 0;  // beyond: `respond` is called with body_too_large set
  /// The request's peer_address is the client's, as a proxy in front names it.
  std::function<boost::asio::awaitable<Response>(net::Request)> respond;
};

class Server {
 public:
  /// Compiles the embedded api/openapi.json. `clock` must outlive the server.
  Server(ServerOptions options, const Clock& clock, ServerHooks hooks);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Gives an operation its handler, before the server is used. An operation without one answers 501
  /// not_implemented. An unknown id is a bug.
  void handle(std::string_view operation_id, Handler handler);

  /// Gives a path to somebody else, before the server is used. A path that is taken is a bug.
  void mount(Mount mount);

  /// Answers one request; the entry for the HTTP server and, in tests, for calls without a socket.
  [[nodiscard]] boost::asio::awaitable<Response> respond(net::Request request);
  /// Answers one request to the API (a path under `/v1`) that a browser with a session makes. Its credentials
  /// are the session alone: the caller has removed whatever else the request carried.
  [[nodiscard]] boost::asio::awaitable<Response> respond(net::Request request, SessionCaller session);
  /// How many body bytes are taken.
  [[nodiscard]] std::uint64_t body_bytes_max(std::string_view method, std::string_view path) const;
  /// This server as what net::HttpServer asks for. The server must outlive it.
  [[nodiscard]] net::HttpService service();

  /// One more send of the agent (send, approve), asked by the handlers at their place in the order.
  [[nodiscard]] boost::asio::awaitable<RateDecision> take_send(std::string agent_address, UtcTime now);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::agent::rest
