// One server per embedded store.
#pragma once

#include "daemon/config.hpp"

namespace countersign::daemon {

/// Holds `<data_dir>/lock` while it lives, so that a second server on the same data directory is refused
/// instead of taking up the first one's claims. The command line may work on the store beside a server.
/// Throws EnvironmentError when another process holds it.
class StoreLock {
 public:
  explicit StoreLock(const Config& config);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int file_;
};

}  // namespace countersign::daemon
