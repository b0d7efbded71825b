// Filters that several lists take.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/rest/errors.hpp"
#include "agent/rest/request.hpp"
#include "base/result.hpp"

namespace countersign::agent::rest {

[[nodiscard]] ApiError invalid_filter(std::string message);

/// `since` and `until` of a list; refuses what is no RFC 3339 time and since ≥ until.
struct Range {
  std::optional<UtcTime> since;
  std::optional<UtcTime> until;
};
[[nodiscard]] Result<Range, ApiError> read_range(const Call& call);
/// The instant that a parameter names, in one form however it was written, for filters_text; empty without
/// one.
[[nodiscard]] std::string instant_text(const Call& call, std::string_view parameter);

/// At most 200 characters, no CR or LF.
[[nodiscard]] bool valid_conversation_id(std::string_view id);

}  // namespace countersign::agent::rest
