// Errors of the REST API: the closed set of codes (contract vocabulary §1) and the one envelope they travel
// in.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rest/response.hpp"

namespace countersign::agent::rest {

enum class ErrorCode : std::uint8_t {
  address_in_trash,
  agent_taken,
  alias_taken,
  attachment_not_found,
  attachment_too_large,
  blocked_by_policy,
  conflict,
  domain_has_agents,
  domain_not_registered,
  domain_not_verified,
  domain_taken,
  error,
  events_log_disabled,
  forbidden,
  gone,
  idempotency_in_flight,
  idempotency_key_reuse,
  inbound_mx_check_failed,
  inbound_mx_missing,
  internal_error,
  invalid_attachment,
  invalid_cursor,
  invalid_domain,
  invalid_event_type,
  invalid_expires_at,
  invalid_filter,
  invalid_recipient,
  invalid_request,
  invalid_scope,
  invalid_slug,
  invalid_template,
  invalid_webhook_url,
  limit_exceeded,
  limits_unavailable,
  message_held,
  message_not_pending,
  message_not_yet_delivered,
  method_not_allowed,
  not_found,
  not_implemented,
  not_in_trash,
  payload_too_large,
  rate_limited,
  recipient_suppressed,
  reserved_domain,
  send_in_progress,
  starter_template_not_found,
  template_limit_reached,
  template_not_found,
  template_render_failed,
  template_rendered_empty,
  too_many_recipients,
  unauthorized,
  unsupported_media_type,
  webhook_cooldown,
  webhook_disabled,
  webhook_limit_reached,
};

enum class ErrorFamily : std::uint8_t {
  auth,
  availability,
  capacity,
  idempotency,
  not_found,
  server,
  size,
  state,
  validation
};

/// What is fixed about a code.
struct ErrorFacts {
  ErrorCode code;
  std::string_view name;  // as on the wire
  int status;             // the usual one
  int other_status;       // a second one the contract allows, or 0
  ErrorFamily family;
  bool retryable;
};
[[nodiscard]] const ErrorFacts& facts(ErrorCode code);
/// All codes, in alphabetical order.
[[nodiscard]] std::span<const ErrorFacts> all_errors();
[[nodiscard]] std::string_view to_string(ErrorFamily family);

/// One place in a request that is wrong: `body.to[0]`, `query.limit`, `path.email`, or empty.
struct FieldError {
  std::string location;
  std::string message;  // never echoes the value
  friend bool operator==(const FieldError&, const FieldError&) = default;
};

/// Everything an error answer says but the request id.
struct ApiError {
  ErrorCode code;
  int status;
  std::string message;
  std::optional<boost::json::object> details = {};
  std::int64_t retry_after_seconds = 0;  // > 0: a Retry-After header
};

/// `code` with its usual status. An invalid_request gets `details.fields` with one entry of empty location.
[[nodiscard]] ApiError api_error(ErrorCode code, std::string message);
/// The same with another status that the contract allows for the code (domain_not_verified 403).
[[nodiscard]] ApiError api_error(ErrorCode code, int status, std::string message);

// The errors that carry typed details or a fixed text.
[[nodiscard]] ApiError unauthorized();  // one text for whatever was wrong (§2)
[[nodiscard]] ApiError forbidden();
[[nodiscard]] ApiError not_found();
[[nodiscard]] ApiError invalid_request(std::vector<FieldError> fields, int status);
[[nodiscard]] ApiError rate_limited(std::int64_t retry_after_seconds);
[[nodiscard]] ApiError too_many_recipients(std::int64_t max_recipients, std::int64_t provided);
/// scope: request_body, composed_message, attachment, attachments_total. filename: attachment only, or empty.
[[nodiscard]] ApiError payload_too_large(std::string_view scope, std::uint64_t actual_bytes,
                                         std::uint64_t max_bytes, std::string_view filename = {});
/// resource: agents, domains, messages_month, storage_bytes.
[[nodiscard]] ApiError limit_exceeded(std::string_view resource, std::int64_t limit, std::int64_t current,
                                      std::string_view plan_code);
[[nodiscard]] ApiError limits_unavailable(std::int64_t retry_after_seconds);
/// 503 internal_error with Retry-After: the surroundings failed, the same call may succeed later.
[[nodiscard]] ApiError unavailable(std::int64_t retry_after_seconds);
/// 503 for the one case in which it is not known whether the request was carried out (delivery.md §5).
[[nodiscard]] ApiError outcome_unknown(std::int64_t retry_after_seconds);
[[nodiscard]] ApiError internal_error();

/// The envelope, with WWW-Authenticate on 401 and Retry-After where the error names it.
[[nodiscard]] Response error_response(const ApiError& error, std::string_view request_id);

}  // namespace countersign::agent::rest
