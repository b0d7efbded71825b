#include "provider/verdict.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace countersign::provider {
namespace {

struct Row {
  std::optional<Phase> phase;  // nothing: every phase
  int code_min;
  int code_max;
  Ruling ruling;
};

constexpr Ruling kSessionFault{Scope::session, Verdict::session_fault};

// The first row that matches rules; what no row matches is a fault of the session.
constexpr std::array kTable{
    // HTTP. A status of the class 4xx says that the request was at fault and not carried out (RFC 9110
    // §15.5).
    // A 5xx says that the server failed "to fulfil an apparently valid request" (§15.6), not at which point:
    // a
    // message may have been taken before. AWS says the same of its own ("the request processing has failed
    // because of an unknown error", SES API v2, Common Errors; and that a 5xx or a timeout does not tell
    // whether the operation happened: Amazon Builders' Library, Making retries safe with idempotent APIs).
    // A redirect is not followed: somebody else than the provider answers.
    Row{Phase::request, 200, 299, {Scope::message, Verdict::accepted}},
    Row{Phase::request, 300, 399, kSessionFault},
    Row{Phase::request, 401, 401, kSessionFault},  // credentials
    Row{Phase::request, 403, 405, kSessionFault},  // permission, path, method: the same for every message
    Row{Phase::request, 407, 408, kSessionFault},  // a proxy wants credentials; the request came too slowly
    Row{Phase::request, 413, 413, {Scope::message, Verdict::refused}},  // too large
    Row{Phase::request, 421, 421, kSessionFault},
    Row{Phase::request, 422, 422, {Scope::message, Verdict::refused}},
    Row{Phase::request, 429, 429, kSessionFault},  // too many requests
    Row{Phase::request, 400, 499, {Scope::message, Verdict::deferred}},
    Row{Phase::request, 0, 999, {Scope::message, Verdict::unknown}},

    // Said of one recipient, 454 is about that recipient (Postfix's defer_unauth_destination).
    Row{Phase::rcpt, 454, 454, {Scope::recipient, Verdict::deferred}},

    // The service closes (RFC 5321 §3.8), throttles or cannot authenticate just now (RFC 4954 §6, and Amazon
    // SES for its sending rate), or wants credentials or TLS first (RFC 4954 §6, RFC 3207 §4). All of them
    // would meet every other message too. After the final dot they are still definite: not taken.
    Row{std::nullopt, 421, 421, kSessionFault},
    Row{std::nullopt, 454, 454, kSessionFault},
    Row{std::nullopt, 530, 530, kSessionFault},

    Row{Phase::greeting, 200, 299, {Scope::session, Verdict::accepted}},
    Row{Phase::hello, 200, 299, {Scope::session, Verdict::accepted}},
    Row{Phase::tls, 200, 299, {Scope::session, Verdict::accepted}},
    Row{Phase::auth, 200, 299, {Scope::session, Verdict::accepted}},
    Row{Phase::reset, 200, 299, {Scope::session, Verdict::accepted}},

    Row{Phase::mail, 200, 299, {Scope::message, Verdict::accepted}},
    Row{Phase::mail, 400, 499, {Scope::message, Verdict::deferred}},
    Row{Phase::mail, 500, 599, {Scope::message, Verdict::refused}},

    Row{Phase::rcpt, 200, 299, {Scope::recipient, Verdict::accepted}},
    Row{Phase::rcpt, 400, 499, {Scope::recipient, Verdict::deferred}},
    // "Too many recipients" of older servers, to be read as 452 (RFC 5321 §4.5.3.1.10).
    Row{Phase::rcpt, 552, 552, {Scope::recipient, Verdict::deferred}},
    Row{Phase::rcpt, 500, 599, {Scope::recipient, Verdict::refused}},

    Row{Phase::data, 354, 354, {Scope::message, Verdict::accepted}},
    Row{Phase::data, 400, 499, {Scope::message, Verdict::deferred}},
    Row{Phase::data, 500, 599, {Scope::message, Verdict::refused}},

    // A connection that breaks inside the content may break because of the content (size, a filter), so it
    // costs an attempt: otherwise one such message would be tried for days and hold up the relay.
    Row{Phase::body, kNoAnswer, kNoAnswer, {Scope::message, Verdict::deferred}},
    Row{Phase::body, 400, 499, {Scope::message, Verdict::deferred}},
    Row{Phase::body, 500, 599, {Scope::message, Verdict::refused}},

    Row{Phase::final_dot, 200, 299, {Scope::message, Verdict::accepted}},
    Row{Phase::final_dot, 400, 499, {Scope::message, Verdict::deferred}},
    Row{Phase::final_dot, 500, 599, {Scope::message, Verdict::refused}},
    Row{Phase::final_dot, 0, 399, {Scope::message, Verdict::unknown}},
};

struct NamedRow {
  Service service;
  std::string_view name;
  Ruling ruling;
};

constexpr Ruling kRefused{Scope::message, Verdict::refused};
constexpr Ruling kDeferred{Scope::message, Verdict::deferred};
constexpr Ruling kUnknown{Scope::message, Verdict::unknown};

// The name decides whatever 4xx it comes with. What is not named here is ruled by its status.
constexpr std::array kNamed{
    // SES API v2, SendEmail: Errors, and Common Error Types.
    NamedRow{Service::ses, "MessageRejected", kRefused},
    NamedRow{Service::ses, "BadRequestException", kRefused},
    NamedRow{Service::ses, "ValidationException", kRefused},
    // The MX record of a custom MAIL FROM domain: of one sending domain, and its owner can put it right.
    NamedRow{Service::ses, "MailFromDomainNotVerifiedException", kDeferred},
    NamedRow{Service::ses, "AccountSuspendedException", kSessionFault},
    NamedRow{Service::ses, "SendingPausedException", kSessionFault},
    NamedRow{Service::ses, "NotFoundException", kSessionFault},  // the configuration set
    NamedRow{Service::ses, "TooManyRequestsException", kSessionFault},
    NamedRow{Service::ses, "ThrottlingException", kSessionFault},
    NamedRow{Service::ses, "Throttling", kSessionFault},
    NamedRow{Service::ses, "LimitExceededException", kSessionFault},
    NamedRow{Service::ses, "AccessDeniedException", kSessionFault},
    NamedRow{Service::ses, "NotAuthorized", kSessionFault},
    NamedRow{Service::ses, "OptInRequired", kSessionFault},
    NamedRow{Service::ses, "ExpiredTokenException", kSessionFault},
    NamedRow{Service::ses, "ExpiredToken", kSessionFault},
    NamedRow{Service::ses, "RequestExpired", kSessionFault},
    NamedRow{Service::ses, "RequestTimeTooSkewed", kSessionFault},
    NamedRow{Service::ses, "IncompleteSignature", kSessionFault},
    NamedRow{Service::ses, "IncompleteSignatureException", kSessionFault},
    NamedRow{Service::ses, "InvalidSignatureException", kSessionFault},
    NamedRow{Service::ses, "SignatureDoesNotMatch", kSessionFault},
    NamedRow{Service::ses, "InvalidClientTokenId", kSessionFault},
    NamedRow{Service::ses, "UnrecognizedClientException", kSessionFault},
    NamedRow{Service::ses, "MissingAuthenticationTokenException", kSessionFault},
    NamedRow{Service::ses, "MissingAuthenticationToken", kSessionFault},
    NamedRow{Service::ses, "InvalidAction", kSessionFault},
    NamedRow{Service::ses, "UnknownOperationException", kSessionFault},

    // Resend, API reference: Errors. A 403 of this name is an unverified sending domain (or a test account
    // writing to strangers): of one sending domain, and its owner can put it right. The same name with 400 or
    // 422 is a fault in the fields, which is why its status is looked at below.
    NamedRow{Service::resend, "validation_error", kRefused},
    NamedRow{Service::resend, "invalid_attachment", kRefused},
    NamedRow{Service::resend, "invalid_from_address", kRefused},
    NamedRow{Service::resend, "invalid_parameter", kRefused},
    NamedRow{Service::resend, "missing_required_field", kRefused},
    NamedRow{Service::resend, "invalid_api_key", kSessionFault},
    NamedRow{Service::resend, "missing_api_key", kSessionFault},
    NamedRow{Service::resend, "restricted_api_key", kSessionFault},
    NamedRow{Service::resend, "invalid_access", kSessionFault},
    NamedRow{Service::resend, "invalid_region", kSessionFault},
    NamedRow{Service::resend, "rate_limit_exceeded", kSessionFault},
    NamedRow{Service::resend, "daily_quota_exceeded", kSessionFault},
    NamedRow{Service::resend, "monthly_quota_exceeded", kSessionFault},
    // An earlier request with this key is still being worked at, or came with other bytes: either way it
    // exists, and this answer does not say what became of it.
    NamedRow{Service::resend, "concurrent_idempotent_requests", kUnknown},
    NamedRow{Service::resend, "invalid_idempotent_request", kUnknown},
};

}  // namespace

Ruling rule(Phase phase, int code) noexcept {
  const auto* row = std::ranges::find_if(kTable, [&](const Row& candidate) {
    return (!candidate.phase || *candidate.phase == phase) && code >= candidate.code_min &&
           code <= candidate.code_max;
  });
  return row == kTable.end() ? kSessionFault : row->ruling;
}

Ruling rule(Service service, int status, std::string_view error_name) noexcept {
  const bool client_error = status >= 400 && status <= 499;
  if (!client_error) return rule(Phase::request, status);
  if (service == Service::resend && status == 403 && error_name == "validation_error") return kDeferred;
  const auto* row = std::ranges::find_if(kNamed, [&](const NamedRow& candidate) {
    return candidate.service == service && candidate.name == error_name;
  });
  return row == kNamed.end() ? rule(Phase::request, status) : row->ruling;
}

}  // namespace countersign::provider
