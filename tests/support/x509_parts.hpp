// What throwaway certificates for tests are made of.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace countersign::test::x509 {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;

/// A certificate for that name, valid from an hour ago for a day, unsigned.
[[nodiscard]] Certificate blank(const std::string& common_name, long serial, EVP_PKEY* key);
void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value);
/// The extensions of an authority.
void make_authority(X509* certificate, X509* issuer);
void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key);
[[nodiscard]] std::string to_pem(X509* certificate);
[[nodiscard]] std::string to_der(X509* certificate);

}  // namespace countersign::test::x509
