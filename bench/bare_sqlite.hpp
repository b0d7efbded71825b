// The peer of the embedded store: the same statements through sqlite3 alone.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "recording.hpp"

namespace countersign::bench {

using Recording = std::vector<std::vector<RecordedStatement>>;  // one list of statements per approval

/// Runs the recorded statements on the database file at `path`, `group` approvals per transaction, prepared
/// once, with the store's settings (WAL, synchronous=FULL, foreign keys, cache, log size). The time it took.
[[nodiscard]] std::chrono::duration<double> replay_on_sqlite(const std::string& path,
                                                             const Recording& recording, std::size_t group);

}  // namespace countersign::bench
