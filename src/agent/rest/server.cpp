#include "agent/rest/server.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <map>
#include <utility>

#include "agent/rest/schema.hpp"
#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "store/error.hpp"

namespace countersign::agent::rest {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

constexpr std::size_t kRetrySpreadSeconds = 5;

// Contract §8: CF-Connecting-IP when present, else the peer; X-Forwarded-For never. What is no address is no
// client either, so that the field cannot be used to make up limiter keys.
std::string client_address_of(const net::Request& request) {
  if (const auto given = request.headers.find("CF-Connecting-IP")) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(*given), error);
    if (!error) return address.to_string();
  }
  return request.peer_address;
}

// application/json or application/ANYTHING+json, with or without parameters; empty means JSON (contract §1).
bool is_json_media_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  if (type.empty()) return true;
  constexpr std::string_view kTree = "application/";
  if (type.size() <= kTree.size() || !net::equal_ignoring_case(type.substr(0, kTree.size()), kTree)) {
    return false;
  }
  const std::string_view subtype = type.substr(kTree.size());
  constexpr std::string_view kSuffix = "+json";
  return net::equal_ignoring_case(subtype, "json") ||
         (subtype.size() > kSuffix.size() &&
          net::equal_ignoring_case(subtype.substr(subtype.size() - kSuffix.size()), kSuffix));
}

// Clients that were turned away together come back apart.
std::int64_t retry_after_seconds(std::string_view request_id) {
  return 1 + static_cast<std::int64_t>(std::hash<std::string_view>()(request_id) % kRetrySpreadSeconds);
}

ErrorCode code_of_protocol_fault(int status) {
  if (status == 400) return ErrorCode::invalid_request;
  if (status == 413) return ErrorCode::payload_too_large;
  return status >= 500 ? ErrorCode::internal_error : ErrorCode::error;
}

Response refuse_protocol_fault(int status, const std::string& request_id) {
  ApiError error = api_error(code_of_protocol_fault(status), status, "the request cannot be processed");
  if (status == 503) error.retry_after_seconds = retry_after_seconds(request_id);
  return error_response(error, request_id);
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, const Clock& clock, ServerHooks hooks)
      : contract_(openapi_document()),
        clock_(clock),
        hooks_(std::move(hooks)),
        poll_("poll", options.poll, options.shared),
        registration_("registration", options.registration, options.shared),
        send_("send", options.send, options.shared),
        download_("download", options.download, options.shared) {}

  void handle(std::string_view operation_id, Handler handler) {
    handlers_.insert_or_assign(&operation(operation_id), std::move(handler));
  }

  void mount(Mount mount) {
    CS_ASSERT(std::holds_alternative<NoSuchPath>(route("GET", mount.path)) && !mount.name.empty() &&
              mount.respond);
    std::string path = mount.path;
    const bool free = mounts_.emplace(std::move(path), std::move(mount)).second;
    CS_ASSERT(free);
  }

  [[nodiscard]] std::uint64_t body_bytes_max(std::string_view method, std::string_view path) const {
    if (const auto found = mounts_.find(path); found != mounts_.end()) return found->second.body_bytes_max;
    const auto routed = route(method, path);
    const auto* match = std::get_if<Match>(&routed);
    return match ? match->operation->body_bytes_max : kBodyBytesDefault;
  }

  asio::awaitable<RateDecision> take_send(std::string agent, UtcTime now) {
    return send_.take(std::move(agent), now);
  }

  asio::awaitable<Response> respond(net::Request request, std::optional<SessionCaller> session) {
    if (request.request_id.empty()) request.request_id = "req_" + random_hex(24);
    const auto begun = std::chrono::steady_clock::now();
    const std::string request_id = request.request_id;
    std::string_view name = "unmatched";
    auto work = dispatch(std::move(request), std::move(session), name);
    Response response = co_await guarded(std::move(work), request_id, name);
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    report(name, response.status, took, request_id);
    co_return response;
  }

 private:
  // Turns exceptions into answers: environment faults into 503, anything else into 500 (contract §2).
  static asio::awaitable<Response> guarded(asio::awaitable<Response> work, const std::string& request_id,
                                           const std::string_view& name) {
    try {
      co_return co_await std::move(work);
    } catch (const store::OutcomeUnknown& fault) {
      log_fault(name, request_id, fault.what());
      co_return error_response(outcome_unknown(retry_after_seconds(request_id)), request_id);
    } catch (const EnvironmentError& fault) {
      log_fault(name, request_id, fault.what(), fault.retryable() ? log::Level::warn : log::Level::error);
      const ApiError error =
          fault.retryable() ? unavailable(retry_after_seconds(request_id)) : internal_error();
      co_return error_response(error, request_id);
    } catch (const std::exception& fault) {
      log_fault(name, request_id, fault.what());
    }
    co_return error_response(internal_error(), request_id);
  }

  asio::awaitable<Response> dispatch(net::Request request, std::optional<SessionCaller> session,
                                     std::string_view& name) {
    if (const auto mounted = mounts_.find(request.path); mounted != mounts_.end()) {
      auto work = elsewhere(mounted->second, std::move(request), name);
      co_return co_await std::move(work);
    }
    if (!is_api_path(request.path)) co_return co_await outside_api(request, name);
    if (request.path == "/v1/openapi.json") co_return openapi(request, name);
    auto routed = route(request.method, request.path);
    if (const auto* wrong = std::get_if<WrongMethod>(&routed)) {
      co_return method_not_allowed(wrong->allow, request.request_id);
    }
    auto* match = std::get_if<Match>(&routed);
    if (!match) {
      co_return error_response(api_error(ErrorCode::not_found, "no such route"), request.request_id);
    }
    name = match->operation->id;
    auto work = limited(std::move(*match), std::move(request), std::move(session));
    co_return co_await std::move(work);
  }

  // The limiter in front of an operation, and its headers on whatever the operation answers.
  asio::awaitable<Response> limited(Match match, net::Request request, std::optional<SessionCaller> session) {
    const UtcTime now = clock_.now();
    const std::string client = client_address_of(request);
    const std::string request_id = request.request_id;
    const std::string_view name = match.operation->id;
    const auto decision = co_await decide(match.operation->limiter, request, session, client, now);
    if (decision && !decision->allowed) {
      Response refusal = error_response(rate_limited(decision->retry_after_seconds), request_id);
      add_rate_headers(refusal.headers, *decision);
      co_return refusal;
    }
    auto work = validated(std::move(match), std::move(request), std::move(session), client, now);
    Response response = co_await guarded(std::move(work), request_id, name);
    if (decision) add_rate_headers(response.headers, *decision);
    co_return response;
  }

  asio::awaitable<std::optional<RateDecision>> decide(LimiterKind kind, const net::Request& request,
                                                      const std::optional<SessionCaller>& session,
                                                      const std::string& client, UtcTime now) {
    if (kind == LimiterKind::none) co_return std::nullopt;
    if (kind == LimiterKind::download) co_return co_await download_.take(client, now);
    if (kind == LimiterKind::registration) {
      const RateDecision decision = co_await registration_.take(client, now);
      if (decision.allowed) co_return decision;
      const auto subject = co_await subject_of(request, session);  // exempt or not matters at the limit only
      if (subject && subject->exempt) co_return std::nullopt;
      co_return decision;
    }
    const auto subject = co_await subject_of(request, session);
    if (subject && subject->exempt) co_return std::nullopt;
    std::string key = subject ? "user " + subject->user_id : "address " + client;
    co_return co_await poll_.take(std::move(key), now);
  }

  asio::awaitable<std::optional<LimitSubject>> subject_of(const net::Request& request,
                                                          const std::optional<SessionCaller>& session) {
    if (session) co_return LimitSubject{session->user_id, session->exempt};
    const auto authorization = request.headers.find("Authorization");
    if (!authorization || !hooks_.subject) co_return std::nullopt;
    std::string credential(*authorization);
    co_return co_await hooks_.subject(std::move(credential));
  }

  // Parsing and validation, before any authentication (operations.md, "Order of checks").
  asio::awaitable<Response> validated(Match match, net::Request request, std::optional<SessionCaller> session,
                                      std::string client, UtcTime now) {
    const std::string_view id = match.operation->id;
    Call::Parts parts{.operation = match.operation,
                      .request = std::move(request),
                      .path = std::move(match.path),
                      .query = {},
                      .body = {},
                      .client_address = std::move(client),
                      .received = now,
                      .session = std::move(session)};
    std::vector<FieldError> faults;
    if (match.operation->declared) {
      parts.query = contract_.read_query(id, parts.request.query, faults);
      contract_.check_headers(id, parts.request.headers, faults);
      const auto refusal = check_body(parts, faults);
      if (refusal) co_return error_response(*refusal, parts.request.request_id);
    } else {
      parts.query = undeclared_query(parts.request.query);
    }
    if (!faults.empty()) {
      co_return error_response(invalid_request(std::move(faults), 422), parts.request.request_id);
    }
    const auto handler = handlers_.find(match.operation);
    if (handler == handlers_.end()) {
      co_return error_response(api_error(ErrorCode::not_implemented, "not implemented"),
                               parts.request.request_id);
    }
    const Call call(std::move(parts));
    co_return co_await handler->second(call);
  }

  // Reads the body into parts.body. An error: the body cannot be judged by a schema at all.
  std::optional<ApiError> check_body(Call::Parts& parts, std::vector<FieldError>& faults) const {
    const net::Request& request = parts.request;
    if (request.body_too_large) {
      return payload_too_large("request_body", request.body_too_large->actual_bytes,
                               request.body_too_large->max_bytes);
    }
    if (!contract_.has_body(parts.operation->id)) return std::nullopt;  // any body is ignored
    if (!request.body.empty() && !is_json_media_type(request.headers.get("Content-Type"))) {
      return api_error(ErrorCode::unsupported_media_type, "the request body must be application/json");
    }
    auto body = parse_json(request.body);
    if (!body) return invalid_request({{"body", std::string(to_string(body.error()))}}, 400);
    parts.body = std::move(*body);
    contract_.check_body(parts.operation->id, parts.body, faults);
    return std::nullopt;
  }

  static Response method_not_allowed(const std::string& allow, std::string_view request_id) {
    Response response =
        error_response(api_error(ErrorCode::method_not_allowed, "method not allowed"), request_id);
    response.headers.add("Allow", allow);
    return response;
  }

  Response openapi(const net::Request& request, std::string_view& name) const {
    name = "openapi";
    if (request.method != "GET" && request.method != "HEAD") {
      return method_not_allowed("GET, HEAD", request.request_id);
    }
    return json_text_response(200, std::string(openapi_document()));
  }

  static asio::awaitable<Response> elsewhere(const Mount& mount, net::Request request,
                                             std::string_view& name) {
    name = mount.name;
    if (!mount.method.empty() && request.method != mount.method) co_return wrong_method(mount.method);
    request.peer_address = client_address_of(request);
    auto work = mount.respond(std::move(request));
    co_return co_await std::move(work);
  }

  static Response wrong_method(std::string allow) {
    Response response = text_response(405, "method not allowed\n");
    response.headers.add("Allow", std::move(allow));
    return response;
  }

  asio::awaitable<Response> outside_api(const net::Request& request, std::string_view& name) {
    if (request.path == "/api/health") name = "health";
    if (request.path == "/readyz" && hooks_.not_ready_because) name = "ready";
    if (request.path == "/metrics" && hooks_.metrics) name = "metrics";
    if (request.path == "/.well-known/jwks.json") name = "jwks";
    if (name == "unmatched") co_return text_response(404, "not found\n");
    if (request.method != "GET" && request.method != "HEAD") co_return wrong_method("GET, HEAD");
    if (name == "ready") co_return co_await readiness();
    if (name == "metrics") {
      Response response = text_response(200, hooks_.metrics());
      response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      co_return response;
    }
    // Agents have no identity of their own here (contract §4.7), so there is no key to check one with.
    if (name == "jwks") co_return json_text_response(200, R"({"keys":[]})");
    co_return json_text_response(200, R"({"status":"ok"})");
  }

  asio::awaitable<Response> readiness() {
    const std::string reason = co_await hooks_.not_ready_because();
    if (reason.empty()) co_return json_text_response(200, R"({"status":"ready"})");
    const json::object body{{"status", "not_ready"}, {"reason", reason}};
    Response response = json_response(503, body);
    response.headers.add("Retry-After", "1");
    co_return response;
  }

  // A fault that passes by itself is a warning: an outage is alarming once, not once per request.
  static void log_fault(std::string_view name, const std::string& request_id, const char* what,
                        log::Level level = log::Level::error) {
    log::write(level, "rest.request_failed",
               {{"operation", name}, {"request_id", request_id}, {"error", what}});
  }

  // No path and no query in the log: they hold addresses.
  void report(std::string_view name, int status, std::chrono::microseconds took,
              const std::string& request_id) const {
    log::write(status >= 400 ? log::Level::info : log::Level::debug, "rest.request",
               {{"operation", name},
                {"status", status},
                {"duration_us", static_cast<std::int64_t>(took.count())},
                {"request_id", request_id}});
    if (hooks_.finished) hooks_.finished({.operation = name, .status = status, .duration = took});
  }

  const Contract contract_;
  const Clock& clock_;
  const ServerHooks hooks_;
  Limiter poll_;
  Limiter registration_;
  Limiter send_;
  Limiter download_;
  std::unordered_map<const Operation*, Handler> handlers_;
  std::map<std::string, Mount, std::less<>> mounts_;  // by path
};

Server::Server(ServerOptions options, const Clock& clock, ServerHooks hooks)
    : impl_(std::make_unique<Impl>(options, clock, std::move(hooks))) {}
Server::~Server() = default;

void Server::handle(std::string_view operation_id, Handler handler) {
  impl_->handle(operation_id, std::move(handler));
}

void Server::mount(Mount mount) { impl_->mount(std::move(mount)); }

asio::awaitable<Response> Server::respond(net::Request request) {
  return impl_->respond(std::move(request), std::nullopt);
}

asio::awaitable<Response> Server::respond(net::Request request, SessionCaller session) {
  CS_ASSERT(is_api_path(request.path) && !session.token_hash.empty());
  return impl_->respond(std::move(request), std::move(session));
}

std::uint64_t Server::body_bytes_max(std::string_view method, std::string_view path) const {
  return impl_->body_bytes_max(method, path);
}

net::HttpService Server::service() {
  net::HttpService service;
  service.respond = [this](net::Request request) { return impl_->respond(std::move(request), std::nullopt); };
  service.body_bytes_max = [this](std::string_view method, std::string_view path) {
    return impl_->body_bytes_max(method, path);
  };
  service.refuse = refuse_protocol_fault;
  return service;
}

asio::awaitable<RateDecision> Server::take_send(std::string agent_address, UtcTime now) {
  return impl_->take_send(std::move(agent_address), now);
}

}  // namespace countersign::agent::rest
