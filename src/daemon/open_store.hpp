// Opening the configured store.
#pragma once

#include <memory>

#include "daemon/config.hpp"
#include "store/open.hpp"

namespace countersign::daemon {

/// Makes the data directory when it is missing (mode 0700), opens the store and brings its schema up to date.
/// Throws EnvironmentError with what to do.
[[nodiscard]] std::unique_ptr<store::Database> open_store(const Config& config);

/// How the store of these settings is opened.
[[nodiscard]] store::Options store_options(const Config& config);

/// The store, when other nodes may use it too: what is promised of the whole deployment is then kept there.
/// Null: an embedded store has no other nodes.
[[nodiscard]] store::Database* shared_store(store::Database& database);

}  // namespace countersign::daemon
