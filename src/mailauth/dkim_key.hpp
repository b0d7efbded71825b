// Public keys as the DNS has them (RFC 6376 §3.6.1, RFC 8463 §4), and a store of those that were read before.
// Internal to mailauth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/crypto.hpp"
#include "base/result.hpp"

struct evp_pkey_st;

namespace countersign::mailauth {

enum class KeyType : std::uint8_t { rsa, ed25519 };

/// RFC 8301 §3.2: shorter keys MUST NOT count, longer ones need not.
inline constexpr int kRsaBitsMin = 1024;
inline constexpr int kRsaBitsMax = 4096;
inline constexpr std::size_t kKeyRecordBytesMax = 4096;

/// Immutable; copies share the decoded key, which several threads may use at once.
class PublicKey {
 public:
  /// From the octets of p=. RSA: SubjectPublicKeyInfo, which everybody publishes, or RSAPublicKey, which the
  /// text of RFC 6376 §3.6.1 names. Ed25519: 32 octets. Nothing when it is no such key.
  [[nodiscard]] static std::optional<PublicKey> decode(KeyType type, std::string_view octets);

  [[nodiscard]] KeyType type() const noexcept { return type_; }
  [[nodiscard]] int bits() const noexcept { return bits_; }
  /// RSASSA-PKCS1-v1_5 over the digest, or Ed25519 whose message is the digest (RFC 8463 §3).
  [[nodiscard]] bool verify(const Sha256& digest, std::string_view signature) const;

 private:
  PublicKey(KeyType type, int bits, std::shared_ptr<evp_pkey_st> key)
      : type_(type), bits_(bits), key_(std::move(key)) {}

  KeyType type_;
  int bits_;
  std::shared_ptr<evp_pkey_st> key_;
};

struct KeyRecord {
  std::optional<PublicKey> key;  // nothing: revoked (p= is empty)
  KeyType type = KeyType::rsa;
  bool sha256 = true;    // h= allows it
  bool email = true;     // s= allows it
  bool testing = false;  // t=y
  bool strict = false;   // t=s: i= must be of d= itself
};

/// Why a text is not usable as a key.
struct KeyFault {
  bool foreign = false;  // not a DKIM key at all; it may stand beside one
  std::string text;
};

using ReadKey = Result<KeyRecord, KeyFault>;
[[nodiscard]] ReadKey read_key_record(std::string_view text);

/// What read_key_record said of the texts seen last, so that a key that signs much mail is decoded once. Any
/// thread. Holds at most `entries_max` texts of at most kKeyRecordBytesMax; the one unused longest goes
/// first.
class KeyCache {
 public:
  explicit KeyCache(std::size_t entries_max) : entries_max_(entries_max) {}

  [[nodiscard]] std::shared_ptr<const ReadKey> get(std::string_view text);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string text;
    std::shared_ptr<const ReadKey> key;
  };

  const std::size_t entries_max_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};

}  // namespace countersign::mailauth
