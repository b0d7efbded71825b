// The secret that a deployment on one node makes for itself.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/id.hpp"
#include "daemon/config.hpp"

namespace countersign::daemon {
namespace {

constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kSecretBytesMax = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw EnvironmentError(fmt::format("{}: {}", path, what), false);
}

std::string read_secret(const std::string& path, const Descriptor& file) {
  std::array<char, kSecretBytesMax> bytes{};
  const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
  if (count < 0) fail(path, std::strerror(errno));
  std::string secret(bytes.data(), static_cast<std::size_t>(count));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (secret.size() < kSecretBytesMin)
    fail(path, "holds fewer than 32 bytes; remove it to have a new one made");
  return secret;
}

// Written whole under another name and then linked: whoever comes second finds the first one's secret, and
// nobody finds half of one.
void create_secret(const std::string& folder, const std::string& path) {
  const std::string draft = fmt::format("{}.{}", path, random_hex(16));
  {
    const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const std::string content = to_hex(random_bytes(32)) + "\n";
    const bool written =
        file.valid() &&
        ::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
        ::fsync(file.get()) == 0;
    if (!written) {
      const int error = errno;
      ::unlink(draft.c_str());
      fail(path, std::strerror(error));
    }
  }
  const int linked = ::link(draft.c_str(), path.c_str());
  const int error = errno;
  ::unlink(draft.c_str());
  if (linked != 0 && error != EEXIST) fail(path, std::strerror(error));
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) fail(folder, std::strerror(errno));
}

}  // namespace

std::string load_signing_secret(const Config& config) {
  if (!config.signing_secret.empty()) return config.signing_secret;
  std::error_code error;
  std::filesystem::create_directories(config.data_dir, error);
  if (error) fail(config.data_dir, error.message());
  const std::string path = config.data_dir + "/secret";
  {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) return read_secret(path, file);
    if (errno != ENOENT) fail(path, std::strerror(errno));
  }
  create_secret(config.data_dir, path);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) fail(path, std::strerror(errno));
  return read_secret(path, file);
}

}  // namespace countersign::daemon
