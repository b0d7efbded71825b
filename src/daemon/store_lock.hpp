// One server per embedded store.
#pragma once

#include <memory>
#include <string>

#include "daemon/config.hpp"

namespace countersign::daemon {

/// Holds `<database file>.lock` while it lives, so that a second server on the same database is refused
/// instead of taking up the first one's claims. The command line may work on the store beside a server.
class StoreLock {
 public:
  /// The folder of the file must exist. Throws EnvironmentError when another process holds the lock.
  explicit StoreLock(const std::string& database_file);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int file_;
};

/// Makes the data directory, and locks the embedded store of these settings before anything touches it. Null
/// for a store that several nodes share.
[[nodiscard]] std::unique_ptr<StoreLock> lock_store(const Config& config);

}  // namespace countersign::daemon
