#include "console/answer.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::console {
namespace json = boost::json;
namespace {

// style-src data: — a mail stands in a sandboxed srcdoc frame, which inherits the policy of its page and
// takes its harmless declarations from one data: style sheet (web/API.md). Inline styles and scripts stay
// refused.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' data:; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self' blob:; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'";

constexpr std::int64_t kRetrySeconds = 2;

}  // namespace

Refusal unauthorized() { return {401, "unauthorized", "sign in first"}; }
Refusal forbidden(std::string message) { return {403, "forbidden", std::move(message)}; }
Refusal not_found() { return {404, "not_found", "not found"}; }

Refusal rate_limited(std::int64_t retry_after_seconds) {
  Refusal refusal{429, "rate_limited", "too many attempts; wait a while"};
  refusal.details["retry_after_seconds"] = retry_after_seconds;
  refusal.retry_after_seconds = retry_after_seconds;
  return refusal;
}

Refusal unavailable() {
  Refusal refusal{503, "internal_error", "the server cannot do this at the moment; try again"};
  refusal.retry_after_seconds = kRetrySeconds;
  return refusal;
}

Refusal internal_error() { return {500, "internal_error", "internal error"}; }

Refusal invalid(int status, std::string_view location, std::string_view message) {
  Refusal refusal{status, "invalid_request", "the request is not valid"};
  json::array fields;
  fields.push_back(json::object{{"location", location}, {"message", message}});
  refusal.details["fields"] = std::move(fields);
  return refusal;
}

net::Response json_answer(int status, const json::value& value) {
  net::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  response.body = json::serialize(value);
  return response;
}

net::Response no_content() {
  net::Response response;
  response.status = 204;
  response.headers.add("Cache-Control", "no-store");
  return response;
}

net::Response refusal_answer(const Refusal& refusal, std::string_view request_id) {
  json::object error{{"code", refusal.code}, {"message", refusal.message}, {"request_id", request_id}};
  if (!refusal.details.empty()) error["details"] = refusal.details;
  net::Response response = json_answer(refusal.status, json::object{{"error", std::move(error)}});
  if (refusal.retry_after_seconds) {
    response.headers.add("Retry-After", std::to_string(*refusal.retry_after_seconds));
  }
  return response;
}

void add_page_headers(net::Response& response) {
  if (!response.headers.find("Content-Security-Policy")) {
    response.headers.add("Content-Security-Policy", std::string(kPolicy));
  }
  if (!response.headers.find("Referrer-Policy")) response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
}

json::value timestamp_or_null(const std::optional<UtcTime>& time) {
  if (!time) return nullptr;
  return timestamp(*time);
}

json::array array_of(const std::vector<std::string>& items) {
  json::array out;
  out.reserve(items.size());
  for (const std::string& item : items) out.emplace_back(item);
  return out;
}

}  // namespace countersign::console
