// What stands before every operation: where a request comes from, and the session that its cookie names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/http_message.hpp"

namespace countersign::console {

inline constexpr std::string_view kCookie = "countersign_session";
inline constexpr std::size_t kTokenDigits = 64;

/// True unless the browser says that another site is behind the request. A request that changes something
/// must say where it comes from (Origin, or Sec-Fetch-Site of the Fetch standard), as every browser does.
/// public_url   of this server, may be empty
[[nodiscard]] bool is_same_origin(const net::Request& request, std::string_view public_url);

/// The session token of the cookie; nothing when there is none that could be one.
[[nodiscard]] std::optional<std::string> session_token(const net::Headers& headers);

/// The form in which the store knows a token.
[[nodiscard]] std::string token_hash(std::string_view token);
/// What a page of the session says with everything that changes something. Follows from the token, so that it
/// is bound to the session and ends with it; who reads it learns nothing about the token.
[[nodiscard]] std::string csrf_token(std::string_view token);

/// What stands in a setup link: until when it holds, signed. It works as long as nobody has a password.
[[nodiscard]] std::string setup_token(std::string_view secret, UtcTime expires);
[[nodiscard]] bool is_setup_token(std::string_view token, std::string_view secret, UtcTime now);

/// The Set-Cookie field that hands a token out, or takes it back when it is empty.
[[nodiscard]] std::string cookie_of(std::string_view token, std::int64_t lifetime_seconds, bool secure);

}  // namespace countersign::console
