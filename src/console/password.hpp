// Passwords as they are kept: argon2id (RFC 9106) in its text form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
// Slow by design; call on a thread that may be slow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::console {

/// What one guess costs. RFC 9106 §4 offers 64 MiB and three passes where memory is limited.
struct PasswordCost {
  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
};

inline constexpr std::size_t kPasswordCharactersMin = 12;
inline constexpr std::size_t kPasswordBytesMax = 1024;

/// Hashes under a fresh salt. Throws EnvironmentError when memory or randomness is missing.
[[nodiscard]] std::string hash_password(std::string_view password, const PasswordCost& cost);
/// Whether the password is the one that was hashed; takes as long as that hash says.
[[nodiscard]] bool is_password(std::string_view password, const std::string& hash);
/// Whether the hash was made at another cost, so that it is time to make it anew.
[[nodiscard]] bool is_outdated(const std::string& hash, const PasswordCost& cost);

}  // namespace countersign::console
