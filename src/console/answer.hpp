// Answers of the console: JSON in the envelopes of the contract (§2), and the headers that all of them carry.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/http_message.hpp"

namespace countersign::console {

/// Why a request is refused, in the terms of the contract.
struct Refusal {
  int status = 400;
  std::string_view code;
  std::string message;
  boost::json::object details{};
  std::optional<std::int64_t> retry_after_seconds{};
};

[[nodiscard]] Refusal unauthorized();
[[nodiscard]] Refusal forbidden(std::string message);
[[nodiscard]] Refusal not_found();
[[nodiscard]] Refusal rate_limited(std::int64_t retry_after_seconds);
[[nodiscard]] Refusal unavailable();
[[nodiscard]] Refusal internal_error();
/// One member of the body, query or path that will not do: "body.password".
[[nodiscard]] Refusal invalid(int status, std::string_view location, std::string_view message);

[[nodiscard]] net::Response json_answer(int status, const boost::json::value& value);
[[nodiscard]] net::Response no_content();
[[nodiscard]] net::Response refusal_answer(const Refusal& refusal, std::string_view request_id);

/// What keeps a page to itself: no frame, no foreign script, no referrer. On every answer below /console that
/// brings no policy of its own.
void add_page_headers(net::Response& response);

/// A timestamp member.
[[nodiscard]] inline boost::json::string timestamp(UtcTime time) {
  return boost::json::string(to_rfc3339(time));
}
/// The same, null when there is none.
[[nodiscard]] boost::json::value timestamp_or_null(const std::optional<UtcTime>& time);
[[nodiscard]] boost::json::array array_of(const std::vector<std::string>& items);

}  // namespace countersign::console
