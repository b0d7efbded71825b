#include "daemon/websockets.hpp"

#include <sys/resource.h>

#include "base/id.hpp"
#include "base/log.hpp"
#include "journal/tail.hpp"

namespace countersign::daemon {

agent::ws::HubOptions hub_options(const Config& config) {
  agent::ws::HubOptions options;
  options.node = random_id("node_");
  options.connections_max = config.websocket.connections_max;
  options.ping_interval = config.websocket.ping_interval;
  options.pong_timeout = config.websocket.pong_timeout;
  options.write_timeout = config.websocket.write_timeout;
  options.poll_interval = config.websocket.poll_interval;
  options.check_interval = config.websocket.check_interval;
  options.message_bytes_max = config.websocket.message_bytes_max;
  options.frames_per_minute_max = config.websocket.frames_per_minute_max;
  return options;
}

agent::ws::HubHooks hub_hooks(Instruments& instruments, Wakes& wakes) {
  agent::ws::HubHooks hooks;
  hooks.opened = [&instruments] { instruments.websocket_opened(); };
  hooks.closed = [&instruments](std::string_view why) { instruments.websocket_closed(why); };
  hooks.pushed = [&instruments](std::optional<std::chrono::microseconds> age) {
    instruments.websocket_pushed(age);
  };
  hooks.took_over = [&wakes] { wakes.wake(Topic::listeners); };
  return hooks;
}

void adopt_log(store::Database& database) {
  const bool moved = database.write([](store::Tx& tx) { return journal::adopt(tx); });
  if (moved) log::info("node.log_adopted");
}

void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) log::warn("node.file_limit_stays");
}

}  // namespace countersign::daemon
