// The WebSockets of this node, as the settings want them.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "agent/ws/hub.hpp"
#include "daemon/config.hpp"
#include "daemon/instruments.hpp"
#include "daemon/wakes.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

[[nodiscard]] agent::ws::HubOptions hub_options(const Config& config);
/// The references must outlive the hub.
[[nodiscard]] agent::ws::HubHooks hub_hooks(Instruments& instruments, Wakes& wakes);
/// What a restored dump left in the log is moved to its beginning (journal::adopt). Throws as write does.
void adopt_log(store::Database& database);
/// As many files as the system lets this process have: each connection is one.
void raise_file_limit();

}  // namespace countersign::daemon
