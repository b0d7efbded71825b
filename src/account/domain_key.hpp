// The keys that outgoing mail of a domain is signed with (contract §10, §16). Private keys come and go
// sealed: what opens them is not known here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/principal.hpp"

namespace countersign::account {

/// Keys of one domain that sign at the same time; above it, none is added.
inline constexpr std::int64_t kSigningKeysMax = 4;

struct DomainKey {
  std::string domain;  // ASCII, lower case
  std::string selector;
  std::optional<UserId> user;  // whose domain it is; nothing for the deployment's own
  std::string algorithm;       // "rsa", "ed25519"
  std::string sealed_private_key;
  std::string dns_record;
  UtcTime created_at;
  std::optional<UtcTime> retired_at;
};

enum class KeyRefusal : std::uint8_t { selector_taken, too_many };

/// Adds a key, which signs from now on.
[[nodiscard]] Result<std::monostate, KeyRefusal> create_domain_key(store::Tx& tx, const DomainKey& key);

/// All keys of a domain, or of all domains for "", newest first within a domain.
[[nodiscard]] std::vector<DomainKey> list_domain_keys(store::ReadTx& tx, std::string_view domain);

/// The keys that sign mail from `domain`: those of the closest domain at or above it that has any which is
/// not retired. Newest first; none when there is no such domain.
[[nodiscard]] std::vector<DomainKey> signing_keys(store::ReadTx& tx, std::string_view domain);

/// The key signs nothing more. False when there is none of that name, or it is retired already.
bool retire_domain_key(store::Tx& tx, std::string_view domain, std::string_view selector, UtcTime now);

/// The account whose registered domain it is; nothing when it is not registered.
[[nodiscard]] std::optional<UserId> owner_of_domain(store::ReadTx& tx, std::string_view domain);

}  // namespace countersign::account
