// Signing a command-line client in through the browser (contract §4.5): the client listens on this machine,
// the person says yes, the browser carries a key over. Internal to console.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "console/context.hpp"

namespace countersign::console {

inline constexpr std::string_view kCliLogin = "/api/auth/login";
inline constexpr std::string_view kCliPage = "/console/cli";

/// `http://HOST:PORT` of a callback that leads to this machine: http, without user, to `localhost` or a
/// loopback address. Nothing for any other.
[[nodiscard]] std::optional<std::string> callback_origin(std::string_view callback);

/// Answers both paths.
Awaitable<net::Response> answer_cli_login(Context& context, net::Request request);

}  // namespace countersign::console
