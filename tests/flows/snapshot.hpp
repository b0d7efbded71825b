// Everything a store holds, as text: for "nothing was changed" and for "exactly this was".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace countersign::test {

/// Table → its rows in a fixed order, every column of the tables that hold mail, decisions, transport,
/// journal, events, answers and counters.
using Snapshot = std::map<std::string, std::vector<std::string>>;

[[nodiscard]] Snapshot snapshot_of(store::Database& database);

/// "- row" for what is gone, "+ row" for what is new; empty when nothing was changed.
[[nodiscard]] std::vector<std::string> differences(const Snapshot& before, const Snapshot& after);

}  // namespace countersign::test
