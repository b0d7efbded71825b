// What the program's subcommands do, behind the command line.
//
// Each returns the exit status: kExitOk, or what went wrong. A fault of the surroundings leaves as
// EnvironmentError, which main() reports as kExitEnvironment.
#pragma once

#include <ostream>
#include <string_view>

#include "daemon/config.hpp"

namespace countersign::daemon {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;      // check found a violation; bootstrap found the account to exist
inline constexpr int kExitUsage = 2;        // the command line or the settings are wrong
inline constexpr int kExitEnvironment = 3;  // store, disk, network, address in use

/// Runs the server until SIGTERM or SIGINT, then drains for at most config.stop_timeout.
int serve(const Config& config);

/// Creates the account `email` and prints one account key, `e2a_acct_` + 64 hexadecimal digits, on a line of
/// its own; it cannot be shown again. Returns kExitRefused, with a reason on `out`, when there is such an
/// account or it is no address.
int bootstrap(const Config& config, std::string_view email, std::ostream& out);

/// Checks the invariants of delivery over the store and writes a verdict to `out`. Changes nothing.
/// Returns kExitRefused when one is violated.
int check(const Config& config, std::ostream& out);

}  // namespace countersign::daemon
