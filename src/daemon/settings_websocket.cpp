// Whoever listens to events on a WebSocket.
#include "daemon/setting_rows.hpp"

namespace countersign::daemon {

std::vector<Setting> websocket_settings() {
  return {
      number("websocket.connections_max", 20'000, {1, kMillion},
             "WebSockets that may be open at a time, beside http.connections_max.",
             [](Config& c, std::int64_t v) { c.websocket.connections_max = static_cast<std::size_t>(v); }),
      number("websocket.ping_interval_ms", 30'000, kTimeout, "Pause between a pong and the next ping.",
             [](Config& c, std::int64_t v) { c.websocket.ping_interval = std::chrono::milliseconds(v); }),
      number("websocket.pong_timeout_ms", 10'000, kTimeout, "For the answer to a ping.",
             [](Config& c, std::int64_t v) { c.websocket.pong_timeout = std::chrono::milliseconds(v); }),
      number("websocket.write_timeout_ms", 30'000, kTimeout,
             "For one event to be taken by its client, which else is cut off; also for the handshake.",
             [](Config& c, std::int64_t v) { c.websocket.write_timeout = std::chrono::milliseconds(v); }),
      number("websocket.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks at the log of events.",
             [](Config& c, std::int64_t v) { c.websocket.poll_interval = std::chrono::milliseconds(v); }),
      number("websocket.check_interval_ms", 5000, {10, 3'600'000},
             "Longest time that a revoked key or a deleted agent goes on listening.",
             [](Config& c, std::int64_t v) { c.websocket.check_interval = std::chrono::milliseconds(v); }),
      number("websocket.message_bytes_max", 65'536, {125, kMillion},
             "Largest message taken from a client; nobody reads them.",
             [](Config& c, std::int64_t v) { c.websocket.message_bytes_max = static_cast<std::size_t>(v); }),
      number(
          "websocket.frames_per_minute_max", 600, kAnyLimit, "Frames of any kind that one client may send.",
          [](Config& c, std::int64_t v) { c.websocket.frames_per_minute_max = static_cast<std::size_t>(v); }),
  };
}

}  // namespace countersign::daemon
