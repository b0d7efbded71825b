// What people see in a browser.
#include "daemon/setting_rows.hpp"

namespace countersign::daemon {

std::vector<Setting> console_settings() {
  return {
      flag("console.enabled", true, "Serve the console, at `/console/` on the port of the API.",
           [](Config& c, bool v) { c.console.enabled = v; }),
      number("console.session_idle_minutes", 720, {1, 43'200},
             "A browser that asks nothing for so long is signed out.",
             [](Config& c, std::int64_t v) { c.console.session_idle = std::chrono::minutes(v); }),
      number("console.session_max_hours", 336, {1, 8'760},
             "A browser is signed out so long after signing in.",
             [](Config& c, std::int64_t v) { c.console.session_max = std::chrono::hours(v); }),
      number("console.attempts_per_person", 10, {1, 1'000},
             "Attempts to sign in as one person within 15 minutes.",
             [](Config& c, std::int64_t v) { c.console.attempts_per_person = v; }),
      number("console.attempts_per_address", 50, {1, 100'000},
             "Attempts to sign in from one network address within 15 minutes.",
             [](Config& c, std::int64_t v) { c.console.attempts_per_address = v; }),
      number("console.password_memory_mib", 64, {8, 1'024},
             "Memory that checking a password takes (argon2id); passwords are hashed anew as people sign in.",
             [](Config& c, std::int64_t v) {
               c.console.password_memory_kib = static_cast<std::uint32_t>(v * 1024);
             }),
      number("console.streams_max", 64, {1, 4'096},
             "Open pages of this node that hear of news without asking.",
             [](Config& c, std::int64_t v) { c.console.streams_max = static_cast<std::size_t>(v); }),
  };
}

}  // namespace countersign::daemon
