// Opening the configured store.
#pragma once

#include <memory>
#include <string>

#include "daemon/config.hpp"
#include "store/open.hpp"

namespace countersign::daemon {

/// Makes the data directory when it is missing (mode 0700). Throws EnvironmentError with what to do.
void make_data_dir(const Config& config);

/// Opens the store for what may make it: the data directory and the database are made when they are missing,
/// and the schema is brought up to date. Throws EnvironmentError with what to do.
[[nodiscard]] std::unique_ptr<store::Database> open_store(const Config& config);

/// Opens the store for a command beside the server. Other settings than the server's lead to no database, or
/// to another one: makes nothing, changes no schema, and throws EnvironmentError with what to do.
[[nodiscard]] std::unique_ptr<store::Database> open_existing_store(const Config& config);

/// The line that says which store a command is about.
[[nodiscard]] std::string store_line(const Config& config);

/// How the store of these settings is opened.
[[nodiscard]] store::Options store_options(const Config& config);

/// The store, when other nodes may use it too: what is promised of the whole deployment is then kept there.
/// Null: an embedded store has no other nodes.
[[nodiscard]] store::Database* shared_store(store::Database& database);

}  // namespace countersign::daemon
