// HTTP messages as this program sees them: plain values, no library type.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

struct Header {
  std::string name;
  std::string value;
};

/// Header fields in the order they came. Names compare without regard to ASCII case.
class Headers {
 public:
  /// Appends; a field of the same name stays.
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  /// Replaces every field of that name.
  void set(std::string_view name, std::string value);
  /// The value of the first field of that name. The view lives as long as the field does.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// The value of the first field of that name, or empty.
  [[nodiscard]] std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

 private:
  std::vector<Header> fields_;
};

/// A body that was refused before it was read to its end.
struct BodyTooLarge {
  std::uint64_t actual_bytes;  // Content-Length, or what a chunked body had announced when it was refused
  std::uint64_t max_bytes;
};

struct Request {
  std::string method;  // as sent; methods are case-sensitive (RFC 9110 §9.1)
  std::string target;  // the raw request target
  std::string path;    // what stands before `?`, not decoded
  std::string query;   // what stands after it, not decoded
  Headers headers;
  std::string body;  // empty when body_too_large is set
  std::optional<BodyTooLarge> body_too_large;
  std::string peer_address;  // numeric, without port; IPv4-mapped addresses as IPv4
  std::string request_id;    // X-Request-Id as sent, else `req_` + 24 hex
};

class Takeover;

struct Response {
  int status = 200;
  Headers headers;  // without Content-Length, Connection, Date and X-Request-Id, which the server adds
  std::string body;
  /// Set: nothing is written, and the connection is given away (takeover.hpp).
  std::shared_ptr<Takeover> takeover = {};
  /// Gives the body piece by piece instead; nothing ends it. The connection ends with it, and it ends with
  /// the connection: whoever gives pieces should give one now and then, since only then a client that has
  /// gone is noticed. Its waits are its own business.
  std::function<boost::asio::awaitable<std::optional<std::string>>()> stream = {};
};

/// ASCII case-insensitive equality, for header names and tokens.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Percent-decoding (RFC 3986 §2.1). Nothing for an incomplete or non-hexadecimal escape.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace countersign::net
