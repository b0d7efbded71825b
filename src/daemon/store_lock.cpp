#include "daemon/store_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "daemon/open_store.hpp"

namespace countersign::daemon {

StoreLock::StoreLock(const std::string& database_file) {
  // Whatever links lead to it, one database has one lock.
  std::error_code unresolved;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(database_file, unresolved);
  const std::string file = unresolved ? database_file : resolved.string();
  const std::string path = file + ".lock";
  file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0) {
    throw EnvironmentError(
        fmt::format("cannot open {}: {}; the folder of the database must exist and be writable", path,
                    std::strerror(errno)),
        false);
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(file_);
  if (error == EWOULDBLOCK) {
    throw EnvironmentError(
        fmt::format("another countersign serves {}; stop it, or choose another data directory with "
                    "--set data_dir=PATH",
                    file),
        false);
  }
  throw EnvironmentError(fmt::format("cannot lock {}: {}", path, std::strerror(error)), false);
}

StoreLock::~StoreLock() { ::close(file_); }

std::unique_ptr<StoreLock> lock_store(const Config& config) {
  make_data_dir(config);
  const auto file = store::file_of(config.store.url);
  return file ? std::make_unique<StoreLock>(*file) : nullptr;
}

}  // namespace countersign::daemon
