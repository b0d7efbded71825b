// Accounts and their API keys.
#include "account/principal.hpp"

#include "account/principal_row.hpp"
#include "base/assert.hpp"

namespace countersign::account {
namespace {

using store::Query;

constexpr Query kCreateUser("account.create_user",
                            "INSERT INTO users (id, email, created_at_us, plan_code) VALUES ($1, $2, $3, $4) "
                            "ON CONFLICT (email) DO NOTHING");

constexpr Query kFindUserByEmail("account.find_user_by_email",
                                 "SELECT id, email FROM users WHERE email = $1");

constexpr Query kAuthenticate(
    "account.authenticate",
    "SELECT " CS_USER_COLUMNS
    ", k.id, k.scope, k.agent_email, k.last_used_at_us "
    "FROM api_keys k JOIN users u ON u.id = k.user_id "
    "WHERE k.key_hash = $1 AND k.revoked_at_us IS NULL AND (k.expires_at_us IS NULL OR k.expires_at_us > "
    "$2)");

constexpr Query kTouchKey("account.touch_key",
                          "UPDATE api_keys SET last_used_at_us = $2 "
                          "WHERE id = $1 AND (last_used_at_us IS NULL OR last_used_at_us < $3)");

constexpr Query kCreateKey(
    "account.create_key",
    "INSERT INTO api_keys (id, user_id, scope, agent_email, name, key_hash, key_prefix, created_at_us, "
    "expires_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");

constexpr Query kListKeys("account.list_keys",
                          "SELECT id, name, key_prefix, scope, agent_email, created_at_us, expires_at_us, "
                          "last_used_at_us FROM api_keys "
                          "WHERE user_id = $1 AND revoked_at_us IS NULL AND (created_at_us, id) < ($2, $3) "
                          "ORDER BY created_at_us DESC, id DESC LIMIT $4");

constexpr Query kRevokeKey("account.revoke_key",
                           "UPDATE api_keys SET revoked_at_us = $3 "
                           "WHERE id = $1 AND user_id = $2 AND revoked_at_us IS NULL");

Scope scope_of(std::string_view name) { return name == "agent" ? Scope::agent : Scope::account; }

}  // namespace

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::account:
      return "account";
    case Scope::agent:
      return "agent";
  }
  CS_ASSERT(false);
}

std::optional<User> create_user(store::Tx& tx, const UserId& id, std::string_view email, UtcTime now,
                                std::string_view plan_code) {
  if (tx.execute(kCreateUser, {id.str(), email, now, plan_code}) == 0) return std::nullopt;
  return User{id, std::string(email)};
}

std::optional<User> find_user_by_email(store::ReadTx& tx, std::string_view email) {
  const store::Rows rows = tx.query(kFindUserByEmail, {email});
  if (rows.empty()) return std::nullopt;
  return User{UserId(rows.front().text(0)), rows.front().text(1)};
}

std::optional<Principal> authenticate(store::ReadTx& tx, std::string_view key_hash, UtcTime now,
                                      const Limits& defaults) {
  const store::Rows rows = tx.query(kAuthenticate, {key_hash, now});
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  Principal principal = principal_from(row, defaults);
  principal.key = ApiKeyId(row.text(kUserColumns));
  principal.scope = scope_of(row.view(kUserColumns + 1));
  principal.agent_email = row.maybe_text(kUserColumns + 2).value_or("");
  principal.last_used_at = row.maybe_time(kUserColumns + 3);
  return principal;
}

Principal principal_from(const store::Row& row, const Limits& defaults) {
  Principal principal;
  principal.user = UserId(row.text(0));
  principal.email = row.text(1);
  principal.plan_code = row.text(2);
  principal.exempt_from_limiters = row.view(3) != "standard";
  principal.limits = {row.maybe_integer(4).value_or(defaults.agents_max),
                      row.maybe_integer(5).value_or(defaults.domains_max),
                      row.maybe_integer(6).value_or(defaults.messages_month_max),
                      row.maybe_integer(7).value_or(defaults.storage_bytes_max)};
  return principal;
}

void touch_key(store::Tx& tx, const ApiKeyId& key, UtcTime now) {
  tx.send(kTouchKey, {key.str(), now, now - kKeyUseResolution});
}

std::string key_plaintext(Scope scope, std::string_view random_hex64) {
  CS_ASSERT(random_hex64.size() == 64);
  std::string key = scope == Scope::account ? "e2a_acct_" : "e2a_agt_";
  key += random_hex64;
  return key;
}

void create_key(store::Tx& tx, const NewApiKey& key, UtcTime now) {
  std::optional<std::string_view> agent_email;
  if (key.scope == Scope::agent) agent_email = key.agent_email;
  tx.send(kCreateKey, {key.id.str(), key.user.str(), name_of(key.scope), agent_email, key.name, key.key_hash,
                       key.key_prefix, now, key.expires_at});
}

std::vector<ApiKey> list_keys(store::ReadTx& tx, const UserId& user,
                              const std::optional<std::pair<UtcTime, std::string>>& after,
                              std::int64_t limit) {
  const store::Rows rows =
      tx.query(kListKeys, {user.str(), after ? after->first : UtcTime::max(),
                           after ? std::string_view(after->second) : std::string_view(), limit});
  std::vector<ApiKey> keys;
  keys.reserve(rows.size());
  for (const store::Row row : rows) {
    keys.push_back({ApiKeyId(row.text(0)), row.text(1), row.text(2), scope_of(row.view(3)),
                    row.maybe_text(4).value_or(""), row.time(5), row.maybe_time(6), row.maybe_time(7)});
  }
  return keys;
}

bool revoke_key(store::Tx& tx, const UserId& user, const ApiKeyId& key, UtcTime now) {
  return tx.execute(kRevokeKey, {key.str(), user.str(), now}) == 1;
}

}  // namespace countersign::account
