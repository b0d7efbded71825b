// Answers of the REST API: JSON with a fixed member order (Boost.JSON keeps the order of insertion).
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "base/time.hpp"
#include "net/http_message.hpp"

namespace countersign::agent::rest {

using Response = net::Response;

/// `value` as application/json. UTF-8 is not escaped.
[[nodiscard]] Response json_response(int status, const boost::json::value& value);
/// Text that already is JSON (a stored answer that is replayed, an embedded document).
[[nodiscard]] Response json_text_response(int status, std::string text);
[[nodiscard]] Response text_response(int status, std::string text);

/// The page envelope of every list (operations.md §0): `next_cursor` null when the string is empty.
[[nodiscard]] boost::json::object page(boost::json::array items, const std::string& next_cursor);

/// A timestamp member: RFC 3339, UTC, six digits.
[[nodiscard]] inline boost::json::string timestamp(UtcTime time) {
  return boost::json::string(to_rfc3339(time));
}

}  // namespace countersign::agent::rest
