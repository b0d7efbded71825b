#include "provider/smtp/verdict.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace countersign::provider::smtp {
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

}  // namespace

Ruling rule(Phase phase, int code) noexcept {
  const auto* row = std::ranges::find_if(kTable, [&](const Row& candidate) {
    return (!candidate.phase || *candidate.phase == phase) && code >= candidate.code_min &&
           code <= candidate.code_max;
  });
  return row == kTable.end() ? kSessionFault : row->ruling;
}

}  // namespace countersign::provider::smtp
