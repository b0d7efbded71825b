#include "provider/transport.hpp"

namespace countersign::provider {

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::connect:
      return "connect";
    case Phase::tls:
      return "tls";
    case Phase::greeting:
      return "greeting";
    case Phase::hello:
      return "hello";
    case Phase::auth:
      return "auth";
    case Phase::reset:
      return "reset";
    case Phase::mail:
      return "mail";
    case Phase::rcpt:
      return "rcpt";
    case Phase::data:
      return "data";
    case Phase::body:
      return "body";
    case Phase::final_dot:
      return "final_dot";
    case Phase::request:
      return "request";
    case Phase::write:
      return "write";
  }
  return "";
}

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::accepted:
      return "accepted";
    case Verdict::refused:
      return "refused";
    case Verdict::deferred:
      return "deferred";
    case Verdict::session_fault:
      return "session_fault";
    case Verdict::lost_lease:
      return "lost_lease";
    case Verdict::unknown:
      return "unknown";
  }
  return "";
}

std::string_view to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::session:
      return "session";
    case Scope::message:
      return "message";
    case Scope::recipient:
      return "recipient";
  }
  return "";
}

}  // namespace countersign::provider
