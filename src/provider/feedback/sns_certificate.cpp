#include "provider/feedback/sns_certificate.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace countersign::provider::feedback {
namespace {

constexpr int kKeyBitsMin = 2048;

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
void free_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }

using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Certificates = std::unique_ptr<STACK_OF(X509), Freeing<free_stack>>;
using Store = std::unique_ptr<X509_STORE, Freeing<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freeing<EVP_MD_CTX_free>>;
using AccessInfo = std::unique_ptr<AUTHORITY_INFO_ACCESS, Freeing<AUTHORITY_INFO_ACCESS_free>>;

Bio view_of(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(std::min(bytes.size(), kCertificateBytesMax))));
}

// Every certificate of a PEM file, at most kCertificatesMax.
std::vector<Certificate> read_pem(std::string_view pem) {
  std::vector<Certificate> out;
  const Bio bio = view_of(pem);
  while (bio && out.size() < kCertificatesMax) {
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    out.push_back(std::move(certificate));
  }
  ERR_clear_error();  // the end of the file is one
  return out;
}

void add_issuer(std::string_view bytes, STACK_OF(X509) * stack) {
  std::vector<Certificate> found = read_pem(bytes);
  if (found.empty()) {
    const Bio bio = view_of(bytes);
    if (Certificate der(d2i_X509_bio(bio.get(), nullptr)); der) found.push_back(std::move(der));
    ERR_clear_error();
  }
  for (Certificate& certificate : found) {
    if (sk_X509_push(stack, certificate.get()) > 0) static_cast<void>(certificate.release());
  }
}

// The URL under which a certificate's issuer offers its own, or empty.
std::string issuer_url_of(X509* certificate) {
  const AccessInfo access(
      static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr)));
  for (int i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
    const ACCESS_DESCRIPTION* entry = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (OBJ_obj2nid(entry->method) != NID_ad_ca_issuers || entry->location->type != GEN_URI) continue;
    const ASN1_IA5STRING* url = entry->location->d.uniformResourceIdentifier;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(url)),
            static_cast<std::size_t>(ASN1_STRING_length(url))};
  }
  return {};
}

std::time_t seconds_of(UtcTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

UtcTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return UtcTime::min();
  return UtcTime(std::chrono::seconds(timegm(&parts)));
}

CertificateFault fault(std::string text) { return {std::move(text), ""}; }

Result<Store, CertificateFault> trusted(const std::string& ca_file) {
  Store store(X509_STORE_new());
  const int loaded = ca_file.empty() ? X509_STORE_set_default_paths(store.get())
                                     : X509_STORE_load_file(store.get(), ca_file.c_str());
  ERR_clear_error();
  if (loaded != 1) return unexpected(fault(fmt::format("the authorities in {} cannot be read", ca_file)));
  return store;
}

// Builds the chain from `leaf` to an authority (RFC 5280 §6).
Result<Certificates, CertificateFault> chain_of(X509* leaf, STACK_OF(X509) * helpers,
                                                const std::string& ca_file, UtcTime now) {
  const auto store = trusted(ca_file);
  if (!store) return unexpected(store.error());
  const StoreContext context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store->get(), leaf, helpers) != 1) {
    return unexpected(fault("the certificate cannot be checked"));
  }
  X509_STORE_CTX_set_time(context.get(), 0, seconds_of(now));
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);  // the kind that SNS uses
  if (X509_verify_cert(context.get()) == 1) return Certificates(X509_STORE_CTX_get1_chain(context.get()));
  const int error = X509_STORE_CTX_get_error(context.get());
  CertificateFault out = fault(X509_verify_cert_error_string(error));
  const bool issuer_missing = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                              error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
                              error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
  X509* const last = X509_STORE_CTX_get_current_cert(context.get());
  if (issuer_missing && last != nullptr) out.issuer_url = issuer_url_of(last);
  ERR_clear_error();
  return unexpected(std::move(out));
}

}  // namespace

struct SnsCertificate::Impl {
  Certificate leaf;
  UtcTime valid_from = UtcTime::min();
  UtcTime valid_until = UtcTime::max();
};

SnsCertificate::SnsCertificate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SnsCertificate::SnsCertificate(SnsCertificate&&) noexcept = default;
SnsCertificate& SnsCertificate::operator=(SnsCertificate&&) noexcept = default;
SnsCertificate::~SnsCertificate() = default;

Result<SnsCertificate, CertificateFault> SnsCertificate::check(std::string_view pem,
                                                               const std::vector<std::string>& issuers,
                                                               const std::string& ca_file,
                                                               const std::vector<std::string>& names,
                                                               UtcTime now) {
  std::vector<Certificate> given = read_pem(pem);
  if (given.empty()) return unexpected(fault("the file holds no certificate"));
  auto impl = std::make_unique<Impl>();
  impl->leaf = std::move(given.front());
  const Certificates helpers(sk_X509_new_null());
  for (std::size_t i = 1; i < given.size(); ++i) {
    if (sk_X509_push(helpers.get(), given[i].get()) > 0) static_cast<void>(given[i].release());
  }
  for (const std::string& issuer : issuers) add_issuer(issuer, helpers.get());

  const auto chain = chain_of(impl->leaf.get(), helpers.get(), ca_file, now);
  if (!chain) return unexpected(chain.error());
  for (int i = 0; i < sk_X509_num(chain->get()); ++i) {
    const X509* certificate = sk_X509_value(chain->get(), i);
    impl->valid_from = std::max(impl->valid_from, time_of(X509_get0_notBefore(certificate)));
    impl->valid_until = std::min(impl->valid_until, time_of(X509_get0_notAfter(certificate)));
  }
  const bool named = std::ranges::any_of(names, [&](const std::string& name) {
    return X509_check_host(impl->leaf.get(), name.data(), name.size(), 0, nullptr) == 1;
  });
  if (!named) return unexpected(fault("the certificate is not one of SNS: it is for another name"));
  const EVP_PKEY* key = X509_get0_pubkey(impl->leaf.get());
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < kKeyBitsMin) {
    return unexpected(fault("the key of the certificate is not RSA of 2048 bits or more"));
  }
  return SnsCertificate(std::move(impl));
}

bool SnsCertificate::signed_by_it(std::string_view text, std::string_view signature, int version) const {
  const DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* digest = version == 1 ? EVP_sha1() : EVP_sha256();
  const auto* const signature_bytes = reinterpret_cast<const unsigned char*>(signature.data());
  const auto* const text_bytes = reinterpret_cast<const unsigned char*>(text.data());
  EVP_PKEY* const key = X509_get0_pubkey(impl_->leaf.get());
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), signature_bytes, signature.size(), text_bytes, text.size()) == 1;
  ERR_clear_error();
  return good;
}

bool SnsCertificate::valid_at(UtcTime now) const noexcept {
  return impl_->valid_from <= now && now <= impl_->valid_until;
}

}  // namespace countersign::provider::feedback
