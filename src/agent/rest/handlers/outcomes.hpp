// Refusals that sending and approving have in common, in the terms of the API.
#pragma once

#include <string>
#include <vector>

#include "agent/rest/errors.hpp"
#include "hold/loop.hpp"

namespace countersign::agent::rest {

[[nodiscard]] ApiError sender_domain_not_verified();
/// addresses   the caller's own recipients, so naming them tells nothing new.
[[nodiscard]] ApiError recipient_suppressed(const std::vector<std::string>& addresses);
[[nodiscard]] ApiError answers_too_often(const hold::AnswersTooOften& often);

}  // namespace countersign::agent::rest
