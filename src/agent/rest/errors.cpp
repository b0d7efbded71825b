#include "agent/rest/errors.hpp"

#include <array>
#include <boost/json/array.hpp>

#include "base/assert.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

using Family = ErrorFamily;
using Code = ErrorCode;

// In the order of the enum; contract vocabulary §1.
constexpr std::array kFacts = {
    ErrorFacts{Code::address_in_trash, "address_in_trash", 409, 0, Family::state, false},
    ErrorFacts{Code::agent_taken, "agent_taken", 409, 0, Family::state, false},
    ErrorFacts{Code::alias_taken, "alias_taken", 409, 0, Family::state, false},
    ErrorFacts{Code::attachment_not_found, "attachment_not_found", 404, 0, Family::not_found, false},
    ErrorFacts{Code::attachment_too_large, "attachment_too_large", 413, 0, Family::size, false},
    ErrorFacts{Code::blocked_by_policy, "blocked_by_policy", 403, 0, Family::auth, false},
    ErrorFacts{Code::conflict, "conflict", 409, 0, Family::state, false},
    ErrorFacts{Code::domain_has_agents, "domain_has_agents", 400, 0, Family::state, false},
    ErrorFacts{Code::domain_not_registered, "domain_not_registered", 400, 0, Family::state, false},
    ErrorFacts{Code::domain_not_verified, "domain_not_verified", 400, 403, Family::state, false},
    ErrorFacts{Code::domain_taken, "domain_taken", 409, 0, Family::state, false},
    ErrorFacts{Code::error, "error", 400, 0, Family::server, false},
    ErrorFacts{Code::events_log_disabled, "events_log_disabled", 501, 0, Family::availability, false},
    ErrorFacts{Code::forbidden, "forbidden", 403, 0, Family::auth, false},
    ErrorFacts{Code::gone, "gone", 410, 0, Family::not_found, false},
    ErrorFacts{Code::idempotency_in_flight, "idempotency_in_flight", 409, 0, Family::idempotency, true},
    ErrorFacts{Code::idempotency_key_reuse, "idempotency_key_reuse", 422, 0, Family::idempotency, false},
    ErrorFacts{Code::inbound_mx_check_failed, "inbound_mx_check_failed", 503, 0, Family::availability, true},
    ErrorFacts{Code::inbound_mx_missing, "inbound_mx_missing", 400, 0, Family::state, false},
    ErrorFacts{Code::internal_error, "internal_error", 500, 503, Family::server, true},
    ErrorFacts{Code::invalid_attachment, "invalid_attachment", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_cursor, "invalid_cursor", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_domain, "invalid_domain", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_event_type, "invalid_event_type", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_expires_at, "invalid_expires_at", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_filter, "invalid_filter", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_recipient, "invalid_recipient", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_request, "invalid_request", 400, 422, Family::validation, false},
    ErrorFacts{Code::invalid_scope, "invalid_scope", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_slug, "invalid_slug", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_template, "invalid_template", 400, 0, Family::validation, false},
    ErrorFacts{Code::invalid_webhook_url, "invalid_webhook_url", 400, 0, Family::validation, false},
    ErrorFacts{Code::limit_exceeded, "limit_exceeded", 402, 0, Family::capacity, false},
    ErrorFacts{Code::limits_unavailable, "limits_unavailable", 503, 0, Family::availability, true},
    ErrorFacts{Code::message_held, "message_held", 409, 0, Family::state, false},
    ErrorFacts{Code::message_not_pending, "message_not_pending", 409, 0, Family::state, false},
    ErrorFacts{Code::message_not_yet_delivered, "message_not_yet_delivered", 409, 0, Family::state, true},
    ErrorFacts{Code::method_not_allowed, "method_not_allowed", 405, 0, Family::server, false},
    ErrorFacts{Code::not_found, "not_found", 404, 0, Family::not_found, false},
    ErrorFacts{Code::not_implemented, "not_implemented", 501, 0, Family::availability, false},
    ErrorFacts{Code::not_in_trash, "not_in_trash", 409, 0, Family::state, false},
    ErrorFacts{Code::payload_too_large, "payload_too_large", 413, 0, Family::size, false},
    ErrorFacts{Code::rate_limited, "rate_limited", 429, 0, Family::capacity, true},
    ErrorFacts{Code::recipient_suppressed, "recipient_suppressed", 422, 0, Family::validation, false},
    ErrorFacts{Code::reserved_domain, "reserved_domain", 400, 0, Family::validation, false},
    ErrorFacts{Code::send_in_progress, "send_in_progress", 409, 0, Family::state, false},
    ErrorFacts{Code::starter_template_not_found, "starter_template_not_found", 404, 0, Family::not_found,
               false},
    ErrorFacts{Code::template_limit_reached, "template_limit_reached", 400, 0, Family::capacity, false},
    ErrorFacts{Code::template_not_found, "template_not_found", 404, 0, Family::not_found, false},
    ErrorFacts{Code::template_render_failed, "template_render_failed", 400, 0, Family::validation, false},
    ErrorFacts{Code::template_rendered_empty, "template_rendered_empty", 400, 0, Family::validation, false},
    ErrorFacts{Code::too_many_recipients, "too_many_recipients", 400, 0, Family::validation, false},
    ErrorFacts{Code::unauthorized, "unauthorized", 401, 0, Family::auth, false},
    ErrorFacts{Code::unsupported_media_type, "unsupported_media_type", 415, 0, Family::server, false},
    ErrorFacts{Code::webhook_cooldown, "webhook_cooldown", 409, 0, Family::state, false},
    ErrorFacts{Code::webhook_disabled, "webhook_disabled", 409, 0, Family::state, false},
    ErrorFacts{Code::webhook_limit_reached, "webhook_limit_reached", 400, 0, Family::capacity, false},
};

constexpr bool in_enum_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (static_cast<std::size_t>(kFacts[i].code) != i) return false;
  }
  return true;
}
static_assert(in_enum_order());
static_assert(kFacts.size() == static_cast<std::size_t>(Code::webhook_limit_reached) + 1);

json::object fields_details(const std::vector<FieldError>& fields) {
  json::array list;
  for (const FieldError& field : fields) {
    list.push_back(json::object{{"location", field.location}, {"message", field.message}});
  }
  return {{"fields", std::move(list)}};
}

}  // namespace

const ErrorFacts& facts(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  CS_ASSERT(index < kFacts.size());
  return kFacts[index];
}

std::span<const ErrorFacts> all_errors() { return kFacts; }

std::string_view to_string(ErrorFamily family) {
  switch (family) {
    case Family::auth:
      return "auth";
    case Family::availability:
      return "availability";
    case Family::capacity:
      return "capacity";
    case Family::idempotency:
      return "idempotency";
    case Family::not_found:
      return "not_found";
    case Family::server:
      return "server";
    case Family::size:
      return "size";
    case Family::state:
      return "state";
    case Family::validation:
      return "validation";
  }
  CS_ASSERT(false);
}

ApiError api_error(ErrorCode code, std::string message) {
  return api_error(code, facts(code).status, std::move(message));
}

ApiError api_error(ErrorCode code, int status, std::string message) {
  ApiError error{.code = code, .status = status, .message = std::move(message)};
  if (code == Code::invalid_request) error.details = fields_details({{"", error.message}});
  return error;
}

ApiError unauthorized() { return api_error(Code::unauthorized, "missing or invalid credentials"); }

ApiError forbidden() { return api_error(Code::forbidden, "this credential does not permit the operation"); }

ApiError not_found() { return api_error(Code::not_found, "not found"); }

ApiError invalid_request(std::vector<FieldError> fields, int status) {
  ApiError error{.code = Code::invalid_request, .status = status, .message = "the request is not valid"};
  if (fields.size() == 1) {
    error.message = fields.front().location.empty() ? fields.front().message
                                                    : fields.front().location + ": " + fields.front().message;
  }
  error.details = fields_details(fields);
  return error;
}

ApiError rate_limited(std::int64_t retry_after_seconds) {
  ApiError error = api_error(Code::rate_limited, "too many requests");
  error.details = json::object{{"retry_after_seconds", retry_after_seconds}};
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

ApiError too_many_recipients(std::int64_t max_recipients, std::int64_t provided) {
  ApiError error = api_error(Code::too_many_recipients, "too many recipients over to, cc and bcc");
  error.details = json::object{{"max_recipients", max_recipients}, {"provided", provided}};
  return error;
}

ApiError payload_too_large(std::string_view scope, std::uint64_t actual_bytes, std::uint64_t max_bytes,
                           std::string_view filename) {
  ApiError error = api_error(Code::payload_too_large, "the payload is larger than the limit");
  error.details = json::object{{"scope", scope},
                               {"actual_bytes", static_cast<std::int64_t>(actual_bytes)},
                               {"max_bytes", static_cast<std::int64_t>(max_bytes)}};
  if (!filename.empty()) error.details->insert_or_assign("filename", filename);
  return error;
}

ApiError limit_exceeded(std::string_view resource, std::int64_t limit, std::int64_t current,
                        std::string_view plan_code) {
  ApiError error = api_error(Code::limit_exceeded, "the plan's limit is reached");
  error.details = json::object{{"resource", resource}, {"limit", limit}, {"current", current}};
  if (!plan_code.empty()) error.details->insert_or_assign("plan_code", plan_code);
  return error;
}

ApiError limits_unavailable(std::int64_t retry_after_seconds) {
  ApiError error = api_error(Code::limits_unavailable, "limits cannot be read now");
  error.details = json::object{{"retry_after_seconds", retry_after_seconds}};
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

ApiError unavailable(std::int64_t retry_after_seconds) {
  ApiError error = api_error(Code::internal_error, 503, "temporarily unavailable, try again");
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

ApiError outcome_unknown(std::int64_t retry_after_seconds) {
  ApiError error =
      api_error(Code::internal_error, 503,
                "the database did not say whether this was done; ask for the result, or repeat the request "
                "with the same Idempotency-Key");
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

ApiError internal_error() { return api_error(Code::internal_error, "internal error"); }

Response error_response(const ApiError& error, std::string_view request_id) {
  json::object body{{"code", facts(error.code).name}, {"message", error.message}, {"request_id", request_id}};
  if (error.details) body.emplace("details", *error.details);
  Response response = json_response(error.status, json::object{{"error", std::move(body)}});
  if (error.status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"e2a\"");
  if (error.retry_after_seconds > 0) {
    response.headers.add("Retry-After", std::to_string(error.retry_after_seconds));
  }
  return response;
}

}  // namespace countersign::agent::rest
