// Bodies of requests about webhooks: checked as far as that needs neither store nor DNS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/rest/errors.hpp"
#include "agent/rest/request.hpp"
#include "base/result.hpp"
#include "webhook/subscription.hpp"

namespace countersign::agent::rest {

/// The members that the body has. Refuses an empty list of events, URLs that are none, texts that are too
/// long and filter entries that cannot match.
[[nodiscard]] Result<countersign::webhook::Change, ApiError> read_webhook_change(const Call& call);

[[nodiscard]] ApiError invalid_webhook_url(std::string message);

}  // namespace countersign::agent::rest
