#include "console/password.hpp"

#include <argon2.h>
#include <fmt/format.h>

#include <array>

#include "base/crypto.hpp"
#include "base/error.hpp"

namespace countersign::console {
namespace {

constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

std::string parameters_of(const PasswordCost& cost) {
  return fmt::format("$argon2id$v=19$m={},t={},p={}$", cost.memory_kib, cost.passes, kLanes);
}

}  // namespace

std::string hash_password(std::string_view password, const PasswordCost& cost) {
  const std::string salt = random_bytes(kSaltBytes);
  const std::size_t length =
      argon2_encodedlen(cost.passes, cost.memory_kib, kLanes, kSaltBytes, kHashBytes, Argon2_id);
  std::string encoded(length, '\0');
  const int status =
      argon2id_hash_encoded(cost.passes, cost.memory_kib, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (status != ARGON2_OK) {
    throw EnvironmentError(std::string("cannot hash a password: ") + argon2_error_message(status), true);
  }
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool is_password(std::string_view password, const std::string& hash) {
  const int status = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) throw EnvironmentError("cannot check a password", true);
  return status == ARGON2_OK;
}

bool is_outdated(const std::string& hash, const PasswordCost& cost) {
  return !hash.starts_with(parameters_of(cost));
}

}  // namespace countersign::console
