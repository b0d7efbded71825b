// Secrets at rest: AES-256-GCM under a key derived from a secret of the deployment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"

namespace countersign {

/// HKDF-SHA256 (RFC 5869) without salt, one block: independent keys for independent purposes.
/// purpose   a constant of the program; another purpose gives an unrelated key.
[[nodiscard]] Sha256 derive_key(std::string_view secret, std::string_view purpose);

/// Seals and opens texts under one key. Copies are independent; any thread.
class Sealer {
 public:
  explicit Sealer(const Sha256& key) : key_(key) {}

  /// Version octet, 96 random bits of nonce, ciphertext, tag of 128 bits. `context` is not contained, but
  /// must be the same to open it: what was sealed for one row is worth nothing in another.
  [[nodiscard]] std::string seal(std::string_view plaintext, std::string_view context) const;
  /// Nothing when it was sealed under another key or context, or was changed.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  Sha256 key_;
};

}  // namespace countersign
