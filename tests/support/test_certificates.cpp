#include "support/test_certificates.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/assert.hpp"
#include "base/id.hpp"

namespace countersign::test {
namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Freeing<std::fclose>>;

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  CS_ASSERT(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Certificate blank(const std::string& common_name, long serial, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_set_pubkey(certificate.get(), key);
  const auto* const name = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  CS_ASSERT(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
}

File create(const std::string& path) {
  File file(std::fopen(path.c_str(), "w"));
  CS_ASSERT(file);
  return file;
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

}  // namespace

TestCertificates::TestCertificates(const std::string& host) {
  std::string pattern = (std::filesystem::temp_directory_path() / "countersign-tls-XXXXXX").string();
  CS_ASSERT(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;

  const Key ca_key(EVP_EC_gen("P-256"));
  const Certificate ca = blank("Countersign test authority " + random_hex(8), 1, ca_key.get());
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(ca.get(), ca.get(), ca_key.get());

  const Key key(EVP_EC_gen("P-256"));
  const Certificate server = blank(host, 2, key.get());
  X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get()));
  add_extension(server.get(), ca.get(), NID_subject_alt_name, (is_ipv4(host) ? "IP:" : "DNS:") + host);
  sign(server.get(), ca.get(), ca_key.get());

  CS_ASSERT(PEM_write_X509(create(ca_file()).get(), ca.get()) == 1);
  CS_ASSERT(PEM_write_X509(create(certificate_file()).get(), server.get()) == 1);
  const File key_out = create(key_file());
  CS_ASSERT(PEM_write_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace countersign::test
