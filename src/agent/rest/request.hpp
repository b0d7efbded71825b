// Call: a request that was routed, limited and validated, as handlers receive it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/rest/errors.hpp"
#include "agent/rest/response.hpp"
#include "agent/rest/router.hpp"
#include "base/time.hpp"
#include "net/http_message.hpp"

namespace countersign::agent::rest {

/// The value of a declared query parameter: text, integer, boolean, comma-separated list.
using QueryValue = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

/// Who calls when it is no program with a key: a person's browser, which the console has let in.
struct SessionCaller {
  std::string token_hash;  // admits in place of a key (account::authenticate_session)
  std::string user_id;
  bool exempt = false;  // accounts of class internal or system (contract §8)
  Duration undo_for{};  // approvals wait this long and can be taken back meanwhile
};

/// One validated request. Asking for a parameter that the operation does not declare is a bug.
class Call {
 public:
  struct Parts {
    const Operation* operation = nullptr;
    net::Request request;
    std::vector<PathValue> path;
    std::vector<std::pair<std::string, QueryValue>> query;  // given ones and declared defaults
    boost::json::value body;
    std::string client_address;
    UtcTime received;
    std::optional<SessionCaller> session;
  };
  explicit Call(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] const Operation& operation() const noexcept { return *parts_.operation; }
  /// A path parameter, percent-decoded, otherwise as sent (not trimmed or lower-cased).
  [[nodiscard]] const std::string& path(std::string_view name) const;

  /// Query parameters: what was given, else the default that api/openapi.json declares, else nothing.
  [[nodiscard]] std::optional<std::string> query_text(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> query_integer(std::string_view name) const;
  /// False when absent.
  [[nodiscard]] bool query_flag(std::string_view name) const;
  /// Empty when absent. Blank entries are kept, so that the handler may refuse them.
  [[nodiscard]] std::vector<std::string> query_list(std::string_view name) const;

  /// The Authorization header as sent, or nothing.
  [[nodiscard]] std::optional<std::string_view> authorization() const;
  /// The browser that calls; nothing: a program does.
  [[nodiscard]] const std::optional<SessionCaller>& session() const noexcept { return parts_.session; }
  /// Nothing when absent or empty.
  [[nodiscard]] std::optional<std::string_view> idempotency_key() const;

  /// The body, valid by its schema, members that were null and optional removed. Empty for operations
  /// without a body. It lives in the memory of this call: copy what must outlive it.
  [[nodiscard]] const boost::json::object& body() const;
  [[nodiscard]] const boost::json::value* member(std::string_view name) const {
    return body().if_contains(name);
  }
  /// A text member of the body, or nothing.
  [[nodiscard]] std::optional<std::string_view> body_text(std::string_view name) const;
  /// An array of texts; empty when absent.
  [[nodiscard]] std::vector<std::string> body_texts(std::string_view name) const;
  /// The bytes as they came, for the idempotency fingerprint.
  [[nodiscard]] std::string_view body_bytes() const noexcept { return parts_.request.body; }

  [[nodiscard]] const net::Headers& headers() const noexcept { return parts_.request.headers; }
  [[nodiscard]] const std::string& client_address() const noexcept { return parts_.client_address; }
  [[nodiscard]] const std::string& request_id() const noexcept { return parts_.request.request_id; }
  [[nodiscard]] UtcTime received() const noexcept { return parts_.received; }

  /// The error envelope with this call's request id.
  [[nodiscard]] Response refuse(const ApiError& error) const { return error_response(error, request_id()); }
  [[nodiscard]] Response refuse(ErrorCode code, std::string message) const {
    return refuse(api_error(code, std::move(message)));
  }

 private:
  Parts parts_;
};

/// Answers one operation. The call lives until the answer is complete. A thrown EnvironmentError becomes 503
/// with Retry-After, any other exception 500; their texts reach the log only.
using Handler = std::function<boost::asio::awaitable<Response>(const Call&)>;

}  // namespace countersign::agent::rest
