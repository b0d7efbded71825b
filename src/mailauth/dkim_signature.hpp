// A DKIM-Signature or ARC-Message-Signature field, read (RFC 6376 §3.5, RFC 8617 §4.1.2), and what it says
// about a message checked against it, apart from the key. Internal to mailauth.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "mailauth/authentication.hpp"
#include "mailauth/canonical.hpp"
#include "mailauth/dkim_key.hpp"

namespace countersign::mailauth {

/// Clocks differ: a signature may be this much younger than now, or longer expired (RFC 6376 §3.5, t= and
/// x=).
inline constexpr std::chrono::seconds kClockSkew{300};
inline constexpr std::size_t kSignedNamesMax = 1000;

enum class SignatureKind : std::uint8_t { dkim, arc_message };

/// Why a signature does not count. `policy` where the RFCs leave it to the verifier and this one declines;
/// `permerror` where they forbid to count it, or it cannot be read.
struct SignatureFault {
  DkimStatus status = DkimStatus::permerror;
  std::string text;
};

struct Signature {
  std::optional<std::string> domain;    // d=, lower case
  std::optional<std::string> selector;  // s=
  std::optional<SignatureFault> fault;  // when set, only domain and selector can be relied on
  KeyType key_type = KeyType::rsa;
  std::string octets;     // b=, decoded
  std::string body_hash;  // bh=, decoded
  Canonical header_form = Canonical::simple;
  Canonical body_form = Canonical::simple;
  std::vector<std::string> signed_names;  // h=, lower case, repetitions included
  std::optional<std::uint64_t> length;    // l=
  std::string identity_domain;            // of i=; d= without one
  std::string_view without;               // what is left out of the field when it is hashed: the value of b=

  /// Where the key is.
  [[nodiscard]] std::string key_name() const { return *selector + "._domainkey." + *domain; }
};

/// `value` is what follows the field's colon, and must outlive the result.
[[nodiscard]] Signature read_signature(std::string_view value, SignatureKind kind, UtcTime now);

/// a=: rsa-sha256 or ed25519-sha256.
[[nodiscard]] Result<KeyType, SignatureFault> read_algorithm(std::optional<std::string_view> value);

/// One message whose signatures are checked one after another.
class SignedMessage {
 public:
  explicit SignedMessage(std::string_view raw);

  [[nodiscard]] const std::vector<HeaderField>& fields() const { return message_.fields; }
  [[nodiscard]] bool over_limits() const { return message_.over_limits; }
  [[nodiscard]] bool malformed() const { return message_.malformed; }
  /// Indexes of the fields of that name (lower case), in the order of the message.
  [[nodiscard]] const std::vector<std::size_t>& all(const std::string& name) const;
  /// Of the canonical body; each form and length is hashed once.
  const BodyDigest& body_digest(Canonical form, std::optional<std::uint64_t> length);
  /// The name of a field that may stand in a message once, stands there more often, and is signed, but not
  /// each time: somebody has put another one above what was signed, which is the one that is shown (RFC 6376
  /// §8.15). From is not meant: DMARC judges it (RFC 7489 §6.6.1). Empty: there is none.
  [[nodiscard]] std::string_view partly_signed(const Signature& signature) const;
  /// What a signature in field `own` signs (RFC 6376 §3.7).
  [[nodiscard]] Sha256 header_digest(const Signature& signature, std::size_t own) const;
  /// The same for a field that is not in the message yet and has nothing in b=.
  [[nodiscard]] Sha256 header_digest(const Signature& signature, std::string_view new_field) const;

 private:
  [[nodiscard]] std::string signed_fields(const Signature& signature, std::optional<std::size_t> own) const;

  SplitMessage message_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
  std::map<std::pair<Canonical, std::optional<std::uint64_t>>, BodyDigest> bodies_;
};

/// Appends the canonical form of `text` as if `without`, a view into it, were not there.
void append_without(std::string& out, std::string_view text, std::string_view without, Canonical form);

}  // namespace countersign::mailauth
