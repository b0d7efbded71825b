#include "mailauth/dkim_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/text.hpp"
#include "mailauth/dkim_tags.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
// Larger exponents make verifying as dear as signing; nobody uses them (RFC 8301 names none).
constexpr int kRsaExponentBitsMax = 64;

const unsigned char* octets_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

using KeyPointer = std::shared_ptr<evp_pkey_st>;

KeyPointer own(EVP_PKEY* key) { return key == nullptr ? nullptr : KeyPointer(key, EVP_PKEY_free); }

KeyPointer decode_rsa(std::string_view octets) {
  const long size = static_cast<long>(octets.size());
  const unsigned char* at = octets_of(octets);
  KeyPointer key = own(d2i_PUBKEY(nullptr, &at, size));
  if (key == nullptr) {
    at = octets_of(octets);
    key = own(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
  }
  ERR_clear_error();
  if (key == nullptr || at != octets_of(octets) + size || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return nullptr;
  }
  BIGNUM* exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return nullptr;
  const bool usable = BN_num_bits(exponent) <= kRsaExponentBitsMax && BN_num_bits(exponent) > 1;
  BN_free(exponent);
  return usable ? key : nullptr;
}

bool lists(std::string_view value, std::string_view wanted) {
  return std::ranges::any_of(split_colons(value),
                             [&](std::string_view part) { return ascii_lower(part) == wanted; });
}

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

bool verify_rsa(EVP_PKEY* key, const Sha256& digest, std::string_view signature) {
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new(key, nullptr));
  return context != nullptr && EVP_PKEY_verify_init(context.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
         EVP_PKEY_verify(context.get(), octets_of(signature), signature.size(), digest.data(),
                         digest.size()) == 1;
}

bool verify_ed25519(EVP_PKEY* key, const Sha256& digest, std::string_view signature) {
  if (signature.size() != kEd25519SignatureBytes) return false;
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), digest.data(),
                          digest.size()) == 1;
}

KeyFault unusable(std::string text) { return {false, std::move(text)}; }

}  // namespace

std::optional<PublicKey> PublicKey::decode(KeyType type, std::string_view octets) {
  KeyPointer key;
  switch (type) {
    case KeyType::rsa:
      key = decode_rsa(octets);
      break;
    case KeyType::ed25519:
      if (octets.size() != kEd25519KeyBytes) return std::nullopt;
      key = own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(octets), octets.size()));
      break;
  }
  if (key == nullptr) return std::nullopt;
  const int bits = EVP_PKEY_get_bits(key.get());
  return PublicKey(type, bits, std::move(key));
}

bool PublicKey::verify(const Sha256& digest, std::string_view signature) const {
  const bool valid = type_ == KeyType::rsa ? verify_rsa(key_.get(), digest, signature)
                                           : verify_ed25519(key_.get(), digest, signature);
  if (!valid) ERR_clear_error();
  return valid;
}

ReadKey read_key_record(std::string_view text) {
  if (text.size() > kKeyRecordBytesMax) return unexpected(KeyFault{true, "the key record is too long"});
  const auto tags = TagList::parse(text);
  if (!tags)
    return unexpected(KeyFault{!text.starts_with("v=DKIM1"), "the key record is malformed: " + tags.error()});
  const auto version = tags->find("v");
  if (version && (*version != "DKIM1" || !tags->begins_with("v"))) {
    return unexpected(KeyFault{*version != "DKIM1", "the key record has another version than DKIM1"});
  }
  const auto octets = tags->find("p");
  if (!octets) return unexpected(KeyFault{!version, "the key record has no p="});

  KeyRecord record;
  const std::string type = ascii_lower(tags->find("k").value_or("rsa"));
  if (type != "rsa" && type != "ed25519") return unexpected(unusable("the key is of an unknown type (k=)"));
  record.type = type == "rsa" ? KeyType::rsa : KeyType::ed25519;
  if (const auto hashes = tags->find("h")) record.sha256 = lists(*hashes, "sha256");
  if (const auto services = tags->find("s"))
    record.email = lists(*services, "*") || lists(*services, "email");
  if (const auto flags = tags->find("t")) {
    record.testing = lists(*flags, "y");
    record.strict = lists(*flags, "s");
  }
  if (octets->empty()) return record;
  const auto decoded = decode_tag_base64(*octets);
  if (decoded) record.key = PublicKey::decode(record.type, *decoded);
  if (!record.key) return unexpected(unusable("the key cannot be decoded (p=)"));
  return record;
}

std::shared_ptr<const ReadKey> KeyCache::get(std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(text); found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->key;
    }
  }
  auto key = std::make_shared<const ReadKey>(read_key_record(text));
  if (text.size() > kKeyRecordBytesMax || entries_max_ == 0) return key;
  const std::lock_guard lock(mutex_);
  if (index_.contains(text)) return key;  // another thread was as quick
  entries_.push_front({std::string(text), key});
  index_.emplace(entries_.front().text, entries_.begin());
  if (entries_.size() > entries_max_) {
    index_.erase(entries_.back().text);
    entries_.pop_back();
  }
  return key;
}

std::size_t KeyCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace countersign::mailauth
