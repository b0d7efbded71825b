#include "support/test_certificates.hpp"

#include <arpa/inet.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/assert.hpp"
#include "base/id.hpp"
#include "support/x509_parts.hpp"

namespace countersign::test {
namespace {

using x509::Certificate;
using x509::Key;
using File = std::unique_ptr<std::FILE, x509::Freeing<std::fclose>>;

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
  const Certificate ca = x509::blank("Countersign test authority " + random_hex(8), 1, ca_key.get());
  x509::make_authority(ca.get(), ca.get());
  x509::sign(ca.get(), ca.get(), ca_key.get());

  const Key key(EVP_EC_gen("P-256"));
  const Certificate server = x509::blank(host, 2, key.get());
  X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get()));
  x509::add_extension(server.get(), ca.get(), NID_subject_alt_name, (is_ipv4(host) ? "IP:" : "DNS:") + host);
  x509::sign(server.get(), ca.get(), ca_key.get());

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
