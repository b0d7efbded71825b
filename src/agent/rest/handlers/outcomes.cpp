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

}  // namespace countersign::agent::rest
