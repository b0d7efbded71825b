// Opening a store by its URL.
#pragma once

#include <chrono>
#include <memory>
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
};

/// Opens the store and brings its schema up to date (forward-only migrations, under a lock, each in a
/// transaction). Throws Unavailable: cannot be reached, is newer than this program, or a migration failed;
/// the text says what to do.
[[nodiscard]] std::unique_ptr<Database> open(const Options& options);

/// `postgres://user:secret@host/db` → `postgres://user:***@host/db`, for logs.
[[nodiscard]] std::string without_secret(const std::string& url);

}  // namespace countersign::store
