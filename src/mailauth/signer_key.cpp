// Private keys for signing, by OpenSSL.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/assert.hpp"
#include "mailauth/dkim_key.hpp"
#include "mailauth/signer.hpp"

namespace countersign::mailauth {
namespace {

constexpr int kRsaBits = 2048;
constexpr std::size_t kKeyFileBytesMax = 16 * 1024;

struct Free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(PKCS8_PRIV_KEY_INFO* info) const noexcept { PKCS8_PRIV_KEY_INFO_free(info); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// No key is asked a passphrase for: the callback says there is none.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<EVP_PKEY> read_any(std::string_view bytes) {
  if (bytes.find("-----BEGIN") != std::string_view::npos) {
    const Owned<BIO> bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  return Owned<EVP_PKEY>(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(bytes.size())));
}

}  // namespace

struct SigningKey::Handle {
  Owned<EVP_PKEY> key;
};

std::string_view to_string(SigningAlgorithm algorithm) noexcept {
  return algorithm == SigningAlgorithm::rsa ? "rsa" : "ed25519";
}

std::optional<SigningAlgorithm> parse_signing_algorithm(std::string_view name) {
  if (name == "rsa") return SigningAlgorithm::rsa;
  if (name == "ed25519") return SigningAlgorithm::ed25519;
  return std::nullopt;
}

SigningKey SigningKey::generate(SigningAlgorithm algorithm) {
  Owned<EVP_PKEY> key(algorithm == SigningAlgorithm::rsa
                          ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kRsaBits))
                          : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  CS_ASSERT(key != nullptr);
  return SigningKey(algorithm, std::make_shared<const Handle>(std::move(key)));
}

std::optional<SigningKey> SigningKey::read(std::string_view der_or_pem) {
  if (der_or_pem.size() > kKeyFileBytesMax) return std::nullopt;
  Owned<EVP_PKEY> key = read_any(der_or_pem);
  ERR_clear_error();
  if (key == nullptr) return std::nullopt;
  const int kind = EVP_PKEY_get_base_id(key.get());
  const int bits = EVP_PKEY_get_bits(key.get());
  const bool rsa = kind == EVP_PKEY_RSA && bits >= kRsaBitsMin && bits <= kRsaBitsMax;
  if (!rsa && kind != EVP_PKEY_ED25519) return std::nullopt;
  return SigningKey(rsa ? SigningAlgorithm::rsa : SigningAlgorithm::ed25519,
                    std::make_shared<const Handle>(std::move(key)));
}

std::string SigningKey::to_der() const {
  const Owned<PKCS8_PRIV_KEY_INFO> info(EVP_PKEY2PKCS8(handle_->key.get()));
  CS_ASSERT(info != nullptr);
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  CS_ASSERT(size > 0);
  std::string der(static_cast<std::size_t>(size), '\0');
  unsigned char* at = octets(der);
  CS_ASSERT(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) == size);
  return der;
}

std::string SigningKey::to_pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  CS_ASSERT(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), handle_->key.get(), nullptr, nullptr,
                                                            0, nullptr, nullptr) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string SigningKey::dns_record() const {
  std::string octets_of_key;
  if (algorithm_ == SigningAlgorithm::ed25519) {
    std::size_t size = 32;
    octets_of_key.resize(size);
    CS_ASSERT(EVP_PKEY_get_raw_public_key(handle_->key.get(), octets(octets_of_key), &size) == 1);
  } else {
    const int size = i2d_PUBKEY(handle_->key.get(), nullptr);
    CS_ASSERT(size > 0);
    octets_of_key.resize(static_cast<std::size_t>(size));
    unsigned char* at = octets(octets_of_key);
    CS_ASSERT(i2d_PUBKEY(handle_->key.get(), &at) == size);
  }
  return fmt::format("v=DKIM1; k={}; p={}", to_string(algorithm_), base64_encode(octets_of_key));
}

std::string SigningKey::sign(const Sha256& digest) const {
  EVP_PKEY* const key = handle_->key.get();
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  if (algorithm_ == SigningAlgorithm::rsa) {
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key, nullptr));
    CS_ASSERT(context != nullptr && EVP_PKEY_sign_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
              EVP_PKEY_sign(context.get(), octets(signature), &size, digest.data(), digest.size()) == 1);
  } else {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    CS_ASSERT(context != nullptr && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
              EVP_DigestSign(context.get(), octets(signature), &size, digest.data(), digest.size()) == 1);
  }
  signature.resize(size);
  return signature;
}

}  // namespace countersign::mailauth
