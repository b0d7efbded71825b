// Opening a store by its URL.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "store/database.hpp"

namespace countersign::store {

struct Options {
  /// `sqlite:PATH` (the file is created; its folder must exist) or `postgres://…` / `postgresql://…` (libpq
  /// URI).
  std::string url;
  /// Connections on PostgreSQL, each with its thread. SQLite has one writer and `readers` readers.
  int connections = 8;
  int readers = 2;
  /// Writes that may share one commit on SQLite, and jobs that may wait; a job beyond them fails with
  /// Unavailable.
  int group_max = 64;
  int queue_max = 10'000;
  /// How long a job may wait for the database in all, reruns and the search for a lost COMMIT's outcome
  /// included.
  std::chrono::milliseconds deadline{10'000};
  /// On PostgreSQL, how long jobs wait for a server that is away before they fail at once. Not given: a fifth
  /// of the deadline, within bounds.
  std::optional<std::chrono::milliseconds> grace{};
  /// Whether opening creates what is missing and brings the schema up to date (forward-only migrations, under
  /// a lock, each in a transaction, and for as long as they take). Otherwise a store that is missing, or of
  /// another schema than this program's, is refused and left as it is.
  bool prepare = true;
};

/// Opens the store. Throws Unavailable: cannot be reached, is newer than this program, is not what it has to
/// be (Options::prepare), or a migration failed; the text says what to do.
[[nodiscard]] std::unique_ptr<Database> open(const Options& options);

/// The path of an embedded store's file; nothing for a store that a server keeps.
[[nodiscard]] std::optional<std::string> file_of(const std::string& url);

/// `postgres://user:secret@host/db` → `postgres://user:***@host/db`, for logs.
[[nodiscard]] std::string without_secret(const std::string& url);

}  // namespace countersign::store
