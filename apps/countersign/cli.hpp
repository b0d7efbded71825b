// The command line of the one binary: which subcommand, with which settings.
#pragma once

#include <ostream>

namespace countersign::cli {

/// Runs what the arguments ask for and returns the exit status (daemon/commands.hpp).
/// Reads the process environment. Throws EnvironmentError as the subcommands do.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace countersign::cli
