// A certificate that signs SNS messages: read, checked up to a trusted authority, and used. OpenSSL stays
// behind this header.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace countersign::provider::feedback {

inline constexpr std::size_t kCertificateBytesMax = 64 * 1024;  // a PEM file or one certificate
inline constexpr std::size_t kCertificatesMax = 8;              // of a chain

struct CertificateFault {
  std::string text;  // for a log
  /// Not empty: the chain ends before an authority that is trusted, and the last certificate says that its
  /// issuer's is to be had here (caIssuers, RFC 5280 §4.2.2.1). It proves nothing until the chain is checked.
  std::string issuer_url;
};

class SnsCertificate {
 public:
  /// pem          the file of SigningCertURL; its first certificate signs, others may help to build the chain
  /// issuers      further certificates for the chain, PEM or DER
  /// ca_file      authorities that are trusted, PEM; empty: the system's
  /// names        the certificate must be for one of these hosts
  /// Refuses a file without a certificate, a chain that does not reach an authority, one of whose
  /// certificates is not valid at `now`, a certificate for another name, a key that is not RSA of 2048 bits
  /// or more.
  [[nodiscard]] static Result<SnsCertificate, CertificateFault> check(std::string_view pem,
                                                                      const std::vector<std::string>& issuers,
                                                                      const std::string& ca_file,
                                                                      const std::vector<std::string>& names,
                                                                      UtcTime now);

  SnsCertificate(SnsCertificate&&) noexcept;
  SnsCertificate& operator=(SnsCertificate&&) noexcept;
  ~SnsCertificate();

  /// Whether `signature` is that of `text`: RSA PKCS#1 v1.5 with SHA-1 (version 1) or SHA-256 (version 2).
  [[nodiscard]] bool signed_by_it(std::string_view text, std::string_view signature, int version) const;
  /// Whether every certificate of its chain is valid then.
  [[nodiscard]] bool valid_at(UtcTime now) const noexcept;

 private:
  struct Impl;
  explicit SnsCertificate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::provider::feedback
