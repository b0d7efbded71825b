// The request for a WebSocket (RFC 6455 §4.2.1).
#pragma once

#include <optional>
#include <string_view>

#include "net/http_message.hpp"

namespace countersign::agent::ws {

enum class UpgradeFault : std::uint8_t {
  no_upgrade,     // a plain request
  other_version,  // than 13
  bad_key,        // Sec-WebSocket-Key is not 16 bytes in base64
};
/// What keeps a GET from being a request for a WebSocket; nothing: it is one.
[[nodiscard]] std::optional<UpgradeFault> fault_of_upgrade(const net::Headers& headers);

}  // namespace countersign::agent::ws
