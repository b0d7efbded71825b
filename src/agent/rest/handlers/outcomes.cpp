#include "agent/rest/handlers/outcomes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace countersign::agent::rest {

ApiError sender_domain_not_verified() {
  return api_error(ErrorCode::domain_not_verified, 403, "the agent's domain is not verified");
}

ApiError recipient_suppressed(const std::vector<std::string>& addresses) {
  return api_error(ErrorCode::recipient_suppressed,
                   fmt::format("on a suppression list: {}", fmt::join(addresses, ", ")));
}

ApiError answers_too_often(const hold::AnswersTooOften& often) {
  ApiError error = rate_limited(often.retry_after_seconds);
  error.message = fmt::format(
      "the agent answers {} too often, as machines in a loop do; a reply that waits for review is to be "
      "decided first",
      often.address);
  return error;
}

}  // namespace countersign::agent::rest
