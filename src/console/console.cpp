#include "console/console.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "account/session.hpp"
#include "base/assert.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "console/assets.hpp"
#include "console/cli_login.hpp"
#include "console/context.hpp"
#include "console/guard.hpp"

namespace countersign::console {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

constexpr std::string_view kRoot = "/console";
constexpr std::string_view kApi = "/console/api";
constexpr std::string_view kRest = "/console/api/v1";
constexpr std::uint64_t kBodyBytesMax = 64 * 1024;
constexpr std::uint64_t kBodyBytesApprove = 40 * 1024 * 1024;  // contract §1
constexpr std::chrono::hours kSetupLinkLifetime{24};

struct Route {
  RouteInfo info;
  Handler handler;
  std::uint64_t body_bytes_max = kBodyBytesMax;
};

constexpr std::array kRoutes = {
    Route{{"GET", "/console/api/session"}, get_session},
    Route{{"POST", "/console/api/session", false}, sign_in},
    Route{{"DELETE", "/console/api/session"}, sign_out},
    Route{{"DELETE", "/console/api/sessions"}, sign_out_everywhere},
    Route{{"PUT", "/console/api/password"}, change_password},
    Route{{"GET", "/console/api/setup", false}, get_setup},
    Route{{"POST", "/console/api/setup", false}, set_up},
    Route{{"GET", "/console/api/reviews"}, list_reviews},
    Route{{"GET", "/console/api/reviews/{id}/body"}, get_body},
    Route{{"GET", "/console/api/reviews/{id}/attachments/{index}"}, get_attachment},
    Route{{"GET", "/console/api/reviews/{id}/source"}, get_source},
    Route{{"POST", "/console/api/reviews/{id}/approve"}, approve_review, kBodyBytesApprove},
    Route{{"POST", "/console/api/reviews/{id}/undo"}, undo_approval},
    Route{{"GET", "/console/api/overview"}, get_overview},
    Route{{"GET", "/console/api/messages/{agent}/{id}/timeline"}, get_timeline},
    Route{{"POST", "/console/api/protection/{agent}/dry-run"}, dry_run},
    Route{{"GET", "/console/api/stream"}, stream_news},
};

constexpr std::array kInfos = [] {
  std::array<RouteInfo, kRoutes.size()> infos{};
  for (std::size_t i = 0; i < kRoutes.size(); ++i) infos[i] = kRoutes[i].info;
  return infos;
}();

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool matches(std::string_view form, std::string_view path, std::vector<std::string>& values) {
  values.clear();
  while (form.starts_with('/') && path.starts_with('/')) {
    const std::string_view expected = take_segment(form);
    auto segment = net::percent_decode(take_segment(path));
    if (!segment) return false;
    if (!expected.starts_with('{')) {
      if (*segment != expected) return false;
      continue;
    }
    if (segment->empty() || !is_utf8(*segment) || segment->find('\0') != std::string::npos) return false;
    values.push_back(std::move(*segment));
  }
  return form.empty() && path.empty();
}

// Contract §8: CF-Connecting-IP when present, else the peer.
std::string client_of(const net::Request& request) {
  if (const auto given = request.headers.find("CF-Connecting-IP")) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(*given), error);
    if (!error) return address.to_string();
  }
  return request.peer_address;
}

}  // namespace

std::span<const RouteInfo> routes() { return kInfos; }

Result<json::object, Refusal> read_object(const net::Request& request) {
  if (request.body_too_large) return unexpected(Refusal{413, "payload_too_large", "the body is too large"});
  boost::system::error_code error;
  json::value body = json::parse(request.body, error);
  if (error || !body.is_object()) return unexpected(invalid(400, "body", "must be a JSON object"));
  return std::move(body.as_object());
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return net::percent_decode(equals == std::string_view::npos ? std::string_view()
                                                                : pair.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

struct Console::Impl : Context {
  using Context::Context;

  Awaitable<net::Response> respond(net::Request request) {
    if (request.request_id.empty()) request.request_id = "req_" + random_hex(24);
    const auto begun = std::chrono::steady_clock::now();
    const std::string request_id = request.request_id;
    std::string_view name = "console";
    auto work = dispatch(std::move(request), name);
    net::Response response = co_await guarded(std::move(work), request_id);
    add_page_headers(response);
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    if (settings.finished) settings.finished(name, response.status, took);
    co_return response;
  }

  static Awaitable<net::Response> guarded(Awaitable<net::Response> work, const std::string& request_id) {
    Refusal refusal = internal_error();
    try {
      co_return co_await std::move(work);
    } catch (const EnvironmentError& fault) {
      log::warn("console.request_failed", {{"request_id", request_id}, {"error", fault.what()}});
      if (fault.retryable()) refusal = unavailable();
    } catch (const std::exception& fault) {
      log::error("console.request_failed", {{"request_id", request_id}, {"error", fault.what()}});
    }
    co_return refusal_answer(refusal, request_id);
  }

  Awaitable<net::Response> dispatch(net::Request request, std::string_view& name) {
    const bool api = request.path == kApi || request.path.starts_with(std::string(kApi) + "/");
    if (request.path == kCliLogin || request.path == kCliPage) {
      auto login = answer_cli_login(*this, std::move(request));
      co_return co_await std::move(login);
    }
    if (!api) co_return serve_asset(request);
    name = "console_api";
    const std::string request_id = request.request_id;
    auto work = answer(std::move(request));
    const Answer answered = co_await std::move(work);
    if (!answered) co_return refusal_answer(answered.error(), request_id);
    co_return *answered;
  }

  Awaitable<Answer> answer(net::Request request) {
    if (!is_same_origin(request, settings.public_url)) {
      co_return unexpected(forbidden("the request comes from another site, or does not say from which"));
    }
    const bool rest = request.path == kRest || request.path.starts_with(std::string(kRest) + "/");
    const Route* route = nullptr;
    Visit visit;
    if (!rest) {
      std::string allow;
      route = find(request, visit.path, allow);
      if (route == nullptr) co_return refuse_path(request, allow);
    }
    visit.client = client_of(request);
    visit.now = clock.now();
    visit.request = std::move(request);
    if (rest || route->info.needs_session) {
      const std::optional<Refusal> refusal = co_await admit(visit);
      if (refusal) co_return unexpected(*refusal);
    }
    if (rest) {
      net::Request asked = visit.request;
      auto work = ask_api(*this, visit, std::move(asked), Duration(0));
      co_return co_await std::move(work);
    }
    co_return co_await route->handler(*this, visit);
  }

  static const Route* find(const net::Request& request, std::vector<std::string>& values,
                           std::string& allow) {
    for (const Route& route : kRoutes) {
      if (!matches(route.info.path, request.path, values)) continue;
      if (route.info.method == request.method) return &route;
      allow += (allow.empty() ? "" : ", ") + std::string(route.info.method);
    }
    return nullptr;
  }

  static Answer refuse_path(const net::Request& request, const std::string& allow) {
    if (allow.empty()) return unexpected(Refusal{404, "not_found", "no such route"});
    net::Response response =
        refusal_answer(Refusal{405, "method_not_allowed", "method not allowed"}, request.request_id);
    response.headers.add("Allow", allow);
    return response;
  }

  // The session of the request, and for what changes something the word of the page.
  Awaitable<std::optional<Refusal>> admit(Visit& visit) {
    const auto token = session_token(visit.request.headers);
    if (!token) co_return unauthorized();
    auto body = [hash = token_hash(*token), now = visit.now, limits = settings.limits](store::ReadTx& tx) {
      return account::authenticate_session(tx, hash, now, limits);
    };
    const std::optional<account::Principal> person = co_await store::read(database, std::move(body));
    if (!person) co_return unauthorized();
    if (visit.request.method != "GET") {
      const std::string_view given = visit.request.headers.get("X-CSRF-Token");
      if (!equal_constant_time(given, csrf_token(*token))) {
        co_return Refusal{403, "csrf_mismatch", "the page is not of this session; load it again"};
      }
    }
    visit.person = *person;
    visit.token = *token;
    co_await note_use(*person, visit.now);
    co_return std::nullopt;
  }

  // Once a minute at most. A store that cannot write does not keep people from looking.
  Awaitable<void> note_use(const account::Principal& person, UtcTime now) {
    if (person.last_used_at && *person.last_used_at >= now - account::kKeyUseResolution) co_return;
    auto body = [session = person.session, now](store::Tx& tx) {
      account::touch_session(tx, session, now);
      return std::monostate{};
    };
    try {
      co_await store::write(database, std::move(body));
    } catch (const EnvironmentError& fault) {
      log::warn("console.use_not_noted", {{"error", fault.what()}});
    }
  }
};

Console::Console(store::Database& database, const Clock& clock, ConsoleSettings settings)
    : impl_(std::make_unique<Impl>(database, clock, std::move(settings))) {
  CS_ASSERT(impl_->settings.api && impl_->settings.api_body_bytes_max && !impl_->settings.secret.empty());
}

Console::~Console() {
  impl_->hashers.join();
  impl_->workers.join();
}

bool Console::owns(std::string_view path) {
  return path == kRoot || path == kCliLogin || path.starts_with(std::string(kRoot) + "/");
}

std::uint64_t Console::body_bytes_max(std::string_view method, std::string_view path) const {
  if (path.starts_with(std::string(kRest) + "/")) {
    return impl_->settings.api_body_bytes_max(method, path.substr(kApi.size()));
  }
  std::vector<std::string> ignored;
  for (const Route& route : kRoutes) {
    if (route.info.method == method && matches(route.info.path, path, ignored)) return route.body_bytes_max;
  }
  return kBodyBytesMax;
}

Awaitable<net::Response> Console::respond(net::Request request) { return impl_->respond(std::move(request)); }

std::string Console::make_setup_link() {
  const bool somebody =
      impl_->database.read([](store::ReadTx& tx) { return account::anybody_has_password(tx); });
  if (somebody) return {};
  const std::string token = setup_token(impl_->settings.secret, impl_->clock.now() + kSetupLinkLifetime);
  return impl_->settings.public_url + "/console/setup#" + token;
}

void Console::stop() { impl_->stopping = true; }

}  // namespace countersign::console
