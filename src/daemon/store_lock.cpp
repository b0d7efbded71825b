#include "daemon/store_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace countersign::daemon {

StoreLock::StoreLock(const Config& config) {
  const std::string path = config.data_dir + "/lock";
  file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0) throw EnvironmentError(fmt::format("cannot open {}: {}", path, std::strerror(errno)), false);
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(file_);
  if (error == EWOULDBLOCK) {
    throw EnvironmentError(
        fmt::format("another countersign serves {}; stop it, or choose another data directory with "
                    "--set data_dir=PATH",
                    config.data_dir),
        false);
  }
  throw EnvironmentError(fmt::format("cannot lock {}: {}", path, std::strerror(error)), false);
}

StoreLock::~StoreLock() { ::close(file_); }

}  // namespace countersign::daemon
