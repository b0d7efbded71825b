// Links in a reviewer's mail: who holds one may decide one held message in one way, until it expires.
//
// A token is `base64url(<message>|<approve or reject>|<unix expiry>|<revision>)` + `.` + `base64url(MAC)`,
// the contract's form (behaviour.md §19) with the draft's revision added. The MAC is HMAC-SHA256 under a key
// of the deployment's secret and covers 256 random bits of the mail, which stand in the store only. So no
// token is kept anywhere, a repeated mail carries the same one, and neither the store nor the secret alone
// makes one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/id.hpp"
#include "base/time.hpp"

namespace countersign::notify {

/// How long a link outlives its hold's time (contract vocabulary §6), to say what became of it.
inline constexpr std::chrono::minutes kLinkGrace{10};
inline constexpr std::size_t kTokenBytesMax = 512;

enum class LinkAction : std::uint8_t { approve, reject };
[[nodiscard]] std::string_view name_of(LinkAction action);

struct LinkClaims {
  MessageId message;
  LinkAction action = LinkAction::approve;
  UtcTime expires_at;  // whole seconds
  std::int64_t revision = 1;
  friend bool operator==(const LinkClaims&, const LinkClaims&) = default;
};

/// Makes and checks tokens. Copies are independent; any thread.
class Links {
 public:
  /// secret  the deployment's signing secret.
  explicit Links(std::string_view secret);

  [[nodiscard]] std::string make(const LinkClaims& claims, std::string_view link_key) const;
  /// What a token says, unproven. Nothing when it is malformed.
  [[nodiscard]] static std::optional<LinkClaims> read(std::string_view token);
  /// Whether this deployment made the token for a mail with that key.
  [[nodiscard]] bool proven(std::string_view token, std::string_view link_key) const;

 private:
  [[nodiscard]] std::string mac(std::string_view payload, std::string_view link_key) const;
  Sha256 key_;
};

}  // namespace countersign::notify
