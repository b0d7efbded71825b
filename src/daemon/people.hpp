// The console of a node: its settings, and the way from a session to the REST API.
#pragma once

#include <memory>

#include "agent/rest/server.hpp"
#include "console/console.hpp"
#include "daemon/config.hpp"
#include "daemon/instruments.hpp"
#include "net/http_server.hpp"

namespace countersign::daemon {

[[nodiscard]] console::PasswordCost password_cost(const Config& config);

/// Nothing when the console is off. The references must outlive it. committed   called after its commits
[[nodiscard]] std::unique_ptr<console::Console> make_console(const Config& config, store::Database& database,
                                                             const Clock& clock, agent::rest::Server& server,
                                                             Instruments& instruments,
                                                             std::function<void()> committed);

/// Both on one port: the console has what is below /console, the API the rest. console   may be null
[[nodiscard]] net::HttpService with_console(net::HttpService api, console::Console* console);

}  // namespace countersign::daemon
