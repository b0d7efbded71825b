// Who is calling: users, API keys and what a key may touch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::account {

enum class Scope : std::uint8_t { account, agent };
[[nodiscard]] std::string_view name_of(Scope scope);

/// What a deployment allows an account that has no row-level override.
struct Limits {
  std::int64_t agents_max = 1'000'000;
  std::int64_t domains_max = 1'000'000;
  std::int64_t messages_month_max = 1'000'000'000;
  std::int64_t storage_bytes_max = std::int64_t{1} << 50;
};

/// An authenticated caller.
struct Principal {
  UserId user;
  std::string email;
  std::string plan_code;
  Scope scope = Scope::account;
  std::string agent_email;              // bound agent, for Scope::agent
  ApiKeyId key;                         // empty: it is a session
  std::string session;                  // hash of a browser's session token; empty: it is a key
  bool exempt_from_limiters = false;    // user class internal or system (contract §8)
  std::optional<UtcTime> last_used_at;  // of the key or the session
  Limits limits;                        // overrides applied

  /// Who acts, for the record: a person by address, a program by its key.
  [[nodiscard]] const std::string& actor() const { return session.empty() ? key.str() : email; }
};

struct User {
  UserId id;
  std::string email;
};

/// Creates an account. Refuses nothing: an address that exists already yields no value.
[[nodiscard]] std::optional<User> create_user(store::Tx& tx, const UserId& id, std::string_view email,
                                              UtcTime now, std::string_view plan_code = "default");
[[nodiscard]] std::optional<User> find_user_by_email(store::ReadTx& tx, std::string_view email);

/// The caller behind the lower-case hex SHA-256 of a key's plaintext; nothing when the key is unknown,
/// revoked or expired at `now` (contract §4.1: the caller learns no difference).
[[nodiscard]] std::optional<Principal> authenticate(store::ReadTx& tx, std::string_view key_hash, UtcTime now,
                                                    const Limits& defaults);

/// Notes the use of a key. Written rarely (see kKeyUseResolution), so that reading stays reading.
void touch_key(store::Tx& tx, const ApiKeyId& key, UtcTime now);
/// A use is noted again only when the last note is older than this.
inline constexpr std::chrono::seconds kKeyUseResolution{60};

struct ApiKey {
  ApiKeyId id;
  std::string name;
  std::string key_prefix;
  Scope scope = Scope::account;
  std::string agent_email;
  UtcTime created_at;
  std::optional<UtcTime> expires_at;
  std::optional<UtcTime> last_used_at;
};

/// A key's plaintext is made at the edge (`e2a_acct_` / `e2a_agt_` + 64 hex) and only its hash comes here.
struct NewApiKey {
  ApiKeyId id;
  UserId user;
  std::string name;
  std::string key_hash;
  std::string key_prefix;  // first 16 characters of the plaintext
  Scope scope = Scope::account;
  std::string agent_email;
  std::optional<UtcTime> expires_at;
};
/// Plaintext of a new key for `scope` from 64 random hexadecimal digits.
[[nodiscard]] std::string key_plaintext(Scope scope, std::string_view random_hex64);

void create_key(store::Tx& tx, const NewApiKey& key, UtcTime now);
/// Keys that are not revoked, newest first, strictly after (created_at, id) when given.
[[nodiscard]] std::vector<ApiKey> list_keys(store::ReadTx& tx, const UserId& user,
                                            const std::optional<std::pair<UtcTime, std::string>>& after,
                                            std::int64_t limit);
/// False when the key is unknown, another account's or revoked already.
[[nodiscard]] bool revoke_key(store::Tx& tx, const UserId& user, const ApiKeyId& key, UtcTime now);

}  // namespace countersign::account
