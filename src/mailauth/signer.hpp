// DKIM signing (RFC 6376 §5): keys of our own, their DNS records, and the fields that go in front of a
// message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/time.hpp"

namespace countersign::mailauth {

enum class SigningAlgorithm : std::uint8_t { rsa, ed25519 };

/// "rsa" and "ed25519", as k= names them and tables keep them.
[[nodiscard]] std::string_view to_string(SigningAlgorithm algorithm) noexcept;
[[nodiscard]] std::optional<SigningAlgorithm> parse_signing_algorithm(std::string_view name);

/// A private key. Copies share it; any thread.
class SigningKey {
 public:
  /// A new one: RSA of 2048 bits, or Ed25519. Takes up to a second for RSA.
  [[nodiscard]] static SigningKey generate(SigningAlgorithm algorithm);
  /// From PKCS#8 in DER (RFC 5958) or PEM (RFC 7468), unencrypted; PKCS#1 too. Nothing when it is no RSA key
  /// of 1024 to 4096 bits and no Ed25519 key.
  [[nodiscard]] static std::optional<SigningKey> read(std::string_view der_or_pem);

  [[nodiscard]] SigningAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] std::string to_der() const;
  [[nodiscard]] std::string to_pem() const;
  /// The TXT record's text (contract §16, RFC 6376 §3.6.1, RFC 8463 §4): `v=DKIM1; k=rsa; p=…`.
  [[nodiscard]] std::string dns_record() const;
  /// RSASSA-PKCS1-v1_5 or Ed25519 over the digest; the same octets every time.
  [[nodiscard]] std::string sign(const Sha256& digest) const;

 private:
  struct Handle;
  SigningKey(SigningAlgorithm algorithm, std::shared_ptr<const Handle> handle)
      : algorithm_(algorithm), handle_(std::move(handle)) {}

  SigningAlgorithm algorithm_;
  std::shared_ptr<const Handle> handle_;
};

/// Who signs: d=, s= and the key.
struct SigningIdentity {
  std::string domain;
  std::string selector;
  SigningKey key;
};

/// What happens to the message after it was signed.
enum class Onward : std::uint8_t {
  unchanged,
  new_date_and_id,  // the provider writes Date and Message-ID itself (Amazon SES): they are not signed
};

/// DKIM-Signature fields with CRLF, one per identity, to stand before `raw`; "" when `raw` has no From field
/// or a header beyond the limits. relaxed/relaxed over the whole body; signs From (once more than it is
/// there, so that none can be added) and, as far as they are there, To, Cc, Subject, Date, Message-ID,
/// Reply-To, In-Reply-To, References, MIME-Version, Content-*, List-Unsubscribe(-Post) and X-E2A-*. The same
/// arguments give the same octets. Costs about a millisecond of this thread per RSA key. at   t=; none
/// without one.
[[nodiscard]] std::string sign(std::string_view raw, std::span<const SigningIdentity> identities,
                               std::optional<UtcTime> at, Onward onward = Onward::unchanged);

/// Domain of the first mailbox in the first From field, lower case; "" when it cannot be read.
[[nodiscard]] std::string from_domain(std::string_view raw);
/// What the Date field says in the form that to_rfc5322 writes; nothing in any other.
[[nodiscard]] std::optional<UtcTime> composed_at(std::string_view raw);

/// Contract §16: `e2a202611` for a key made in November 2026.
[[nodiscard]] std::string selector_for(UtcTime created);
/// `<selector>._domainkey.<domain>`.
[[nodiscard]] std::string dns_name(std::string_view selector, std::string_view domain);

}  // namespace countersign::mailauth
