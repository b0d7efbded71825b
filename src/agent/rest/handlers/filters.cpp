#include "agent/rest/handlers/filters.hpp"

#include "agent/rest/handlers/drafts.hpp"
#include "base/text.hpp"

namespace countersign::agent::rest {
namespace {

std::optional<ApiError> read_time(const Call& call, std::string_view name, std::optional<UtcTime>& time) {
  const std::optional<std::string> text = call.query_text(name);
  if (!text) return std::nullopt;
  time = parse_rfc3339(*text);
  if (time) return std::nullopt;
  return invalid_filter(std::string(name) + " must be an RFC 3339 time");
}

}  // namespace

ApiError invalid_filter(std::string message) {
  return api_error(ErrorCode::invalid_filter, std::move(message));
}

Result<Range, ApiError> read_range(const Call& call) {
  Range range;
  if (auto error = read_time(call, "since", range.since)) return unexpected(std::move(*error));
  if (auto error = read_time(call, "until", range.until)) return unexpected(std::move(*error));
  if (range.since && range.until && *range.since >= *range.until) {
    return unexpected(invalid_filter("since must be before until"));
  }
  return range;
}

std::string instant_text(const Call& call, std::string_view parameter) {
  const auto time = parse_rfc3339(call.query_text(parameter).value_or(""));
  return time ? to_rfc3339(*time) : std::string();
}

bool valid_conversation_id(std::string_view id) {
  return code_points(id) <= kConversationIdCharactersMax &&
         id.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace countersign::agent::rest
