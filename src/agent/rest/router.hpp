// The table of operations and the way from method and path to one of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::agent::rest {

inline constexpr std::uint64_t kBodyBytesDefault = 1024 * 1024;    // contract §1
inline constexpr std::uint64_t kBodyBytesSend = 40 * 1024 * 1024;  // send and approve

/// Which limiter stands before an operation (contract §8).
enum class LimiterKind : std::uint8_t { none, poll, registration, download };
/// Whose credential an operation takes (operations.md §11). The handlers check it.
enum class Caller : std::uint8_t { none, account, account_or_agent };

/// One operation of the API. Its parameters and schemas are in api/openapi.json under the same id.
struct Operation {
  std::string_view id;
  std::string_view method;
  std::string_view path;  // `/v1/agents/{email}/messages`
  Caller caller = Caller::account;
  LimiterKind limiter = LimiterKind::none;
  std::uint64_t body_bytes_max = kBodyBytesDefault;
  bool keyed = false;    // honours Idempotency-Key
  bool declared = true;  // in api/openapi.json; else the handler checks what it is given
};

/// The declared ones.
[[nodiscard]] std::span<const Operation> operations();
/// A bug when there is no such operation.
[[nodiscard]] const Operation& operation(std::string_view id);

/// A path parameter, percent-decoded.
struct PathValue {
  std::string name;
  std::string value;
};

struct Match {
  const Operation* operation;
  std::vector<PathValue> path;
};
struct WrongMethod {
  std::string allow;  // for the Allow header
};
struct NoSuchPath {};

/// Finds the operation. Segments are split at `/` before they are decoded, so that `%2F` separates nothing;
/// a segment that does not decode, or not to UTF-8 without NUL, matches no parameter. HEAD is not GET here.
[[nodiscard]] std::variant<Match, WrongMethod, NoSuchPath> route(std::string_view method,
                                                                 std::string_view raw_path);

/// True for `/v1` and everything below it, where errors are JSON.
[[nodiscard]] bool is_api_path(std::string_view raw_path);

}  // namespace countersign::agent::rest
