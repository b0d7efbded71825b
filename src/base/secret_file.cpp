#include "base/secret_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace countersign {

Result<std::string, std::string> read_secret_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string secret(kSecretFileBytesMax + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  secret.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (secret.size() > kSecretFileBytesMax) {
    return unexpected(fmt::format("({}) holds more than {} bytes", path, kSecretFileBytesMax));
  }
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) {
    return unexpected(fmt::format("({}): {}", path, errno != 0 ? std::strerror(errno) : "the file is empty"));
  }
  return secret;
}

}  // namespace countersign
