// The peer of the shared store: the same statements as a pgbench script.
#pragma once

#include <string>
#include <vector>

#include "recording.hpp"

namespace countersign::bench {

/// One approval as a pgbench script. Every client takes the messages first + client_id * per_client + 0, 1,
/// 2, …; what follows from the message id (ids of journal rows, events, attempts) is computed by the server
/// from it, all other parameters stand as recorded. `pipelined` sends each transaction in one pipeline.
[[nodiscard]] std::string pgbench_script(const std::vector<RecordedStatement>& approval,
                                         const std::string& message_id, std::int64_t first,
                                         std::int64_t per_client, bool pipelined);

}  // namespace countersign::bench
