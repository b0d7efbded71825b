#include "base/seal.hpp"

#include <openssl/evp.h>

#include <memory>

#include "base/assert.hpp"

namespace countersign {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;
constexpr std::size_t kPlaintextBytesMax = 1U << 20U;

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

// The nonce's length of GCM is 96 bits unless it is said otherwise.
Cipher make_cipher(bool encrypt, const Sha256& key, std::string_view nonce, std::string_view context) {
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  CS_ASSERT(cipher != nullptr);
  CS_ASSERT(EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), octets(nonce),
                              encrypt ? 1 : 0) == 1);
  CS_ASSERT(EVP_CipherUpdate(cipher.get(), nullptr, &length, octets(context),
                             static_cast<int>(context.size())) == 1);
  return cipher;
}

}  // namespace

Sha256 derive_key(std::string_view secret, std::string_view purpose) {
  const Sha256 extracted = hmac_sha256(std::string(Sha256().size(), '\0'), secret);
  const std::string_view key(reinterpret_cast<const char*>(extracted.data()), extracted.size());
  return hmac_sha256(key, std::string(purpose) + '\x01');
}

std::string Sealer::seal(std::string_view plaintext, std::string_view context) const {
  CS_ASSERT(plaintext.size() <= kPlaintextBytesMax);
  const std::string nonce = random_bytes(kNonceBytes);
  const Cipher cipher = make_cipher(true, key_, nonce, context);
  std::string text(plaintext.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int length = 0;
  CS_ASSERT(EVP_CipherUpdate(cipher.get(), octets(text), &length, octets(plaintext),
                             static_cast<int>(plaintext.size())) == 1);
  CS_ASSERT(EVP_CipherFinal_ex(cipher.get(), octets(text) + length, &length) == 1);
  CS_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1);
  return kVersion + nonce + text + tag;
}

std::optional<std::string> Sealer::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kOverhead || sealed.size() > kPlaintextBytesMax + kOverhead || sealed[0] != kVersion) {
    return std::nullopt;
  }
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  const std::string_view text = sealed.substr(1 + kNonceBytes, sealed.size() - kOverhead);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const Cipher cipher = make_cipher(false, key_, nonce, context);
  std::string plaintext(text.size(), '\0');
  int length = 0;
  CS_ASSERT(EVP_CipherUpdate(cipher.get(), octets(plaintext), &length, octets(text),
                             static_cast<int>(text.size())) == 1);
  CS_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_CipherFinal_ex(cipher.get(), octets(plaintext) + length, &length) != 1) return std::nullopt;
  return plaintext;
}

}  // namespace countersign
