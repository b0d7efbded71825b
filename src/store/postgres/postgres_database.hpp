// The PostgreSQL driver, for store::open.
#pragma once

#include <memory>

#include "store/open.hpp"

namespace countersign::store::postgres {

/// Connects, migrates, starts the workers. Throws Unavailable.
[[nodiscard]] std::unique_ptr<Database> open(const Options& options);

}  // namespace countersign::store::postgres
