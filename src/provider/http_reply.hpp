// From what the HTTP client knows to what a transport replies. The rules are in verdict.hpp.
#pragma once

#include <boost/json.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "net/http_client.hpp"
#include "provider/transport.hpp"
#include "provider/verdict.hpp"

namespace countersign::provider {

/// The reply to a hand-over whose request has no complete answer, after a passed fence. Nothing left: a fault
/// of the session. A part of the body: not taken, and it may be the content that broke it, so it costs an
/// attempt (as in the middle of DATA). All of it: unknown.
/// whom: the host that was spoken to, for the text.
[[nodiscard]] Reply unanswered(const net::HttpFailure& failure, std::string_view whom);

/// What was found in an answer; any bytes.
struct ReadAnswer {
  int status = 0;
  std::string error_name;  // the provider's own name for a fault, or empty
  std::string text;
  std::string message_id;  // the provider's, of what it accepted
};

/// The reply to an answer, after a passed fence. A success without a message id is none of the provider's,
/// and so it is unknown what it means.
[[nodiscard]] Reply answered(Service service, const ReadAnswer& answer);

/// The first member of these names that is a string, or empty; empty too when `value` is no object.
[[nodiscard]] std::string text_member(const boost::json::value& value,
                                      std::initializer_list<std::string_view> names);

/// A fault of the session before the fence was asked.
[[nodiscard]] Reply not_begun(Phase phase, std::string_view text);

/// A message that the provider cannot take, found out before the fence was asked.
[[nodiscard]] Reply refused_here(std::string_view text);

/// The lease was lost before the request.
[[nodiscard]] Reply lease_lost();

/// True for `https://…`, and for `http://…` towards this machine itself, where tests and tunnels are; false
/// for anything else, in particular with a query, a fragment or a user name.
[[nodiscard]] bool is_endpoint(std::string_view url) noexcept;

}  // namespace countersign::provider
