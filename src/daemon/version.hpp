// The version of this program; CMake passes the project's.
#pragma once

#include <string_view>

namespace countersign::daemon {

inline constexpr std::string_view kVersion = COUNTERSIGN_VERSION;

}  // namespace countersign::daemon
