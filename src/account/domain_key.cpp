#include "account/domain_key.hpp"

namespace countersign::account {
namespace {

using store::Query;

#define COUNTERSIGN_KEY_COLUMNS \
  "domain, selector, user_id, algorithm, private_key, dns_record, created_at_us, retired_at_us "

constexpr Query kCreate("account.create_domain_key", "INSERT INTO domain_keys (" COUNTERSIGN_KEY_COLUMNS
                                                     ") VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) "
                                                     "ON CONFLICT (domain, selector) DO NOTHING");
constexpr Query kCount("account.count_signing_keys",
                       "SELECT COUNT(*) FROM domain_keys WHERE domain = $1 AND retired_at_us IS NULL");
constexpr Query kList("account.list_domain_keys", "SELECT " COUNTERSIGN_KEY_COLUMNS
                                                  "FROM domain_keys WHERE $1 = '' OR domain = $1 "
                                                  "ORDER BY domain, created_at_us DESC, selector DESC");
constexpr Query kSigning("account.signing_keys",
                         "SELECT " COUNTERSIGN_KEY_COLUMNS
                         "FROM domain_keys WHERE domain = $1 AND retired_at_us IS NULL "
                         "ORDER BY created_at_us DESC, selector DESC");
constexpr Query kRetire("account.retire_domain_key",
                        "UPDATE domain_keys SET retired_at_us = $3 "
                        "WHERE domain = $1 AND selector = $2 AND retired_at_us IS NULL");
constexpr Query kOwner("account.owner_of_domain", "SELECT user_id FROM domains WHERE name = $1");

#undef COUNTERSIGN_KEY_COLUMNS

std::vector<DomainKey> keys_of(const store::Rows& rows) {
  std::vector<DomainKey> keys;
  keys.reserve(rows.size());
  for (const store::Row row : rows) {
    DomainKey key;
    key.domain = row.text(0);
    key.selector = row.text(1);
    if (auto user = row.maybe_text(2)) key.user = UserId(std::move(*user));
    key.algorithm = row.text(3);
    key.sealed_private_key = row.text(4);
    key.dns_record = row.text(5);
    key.created_at = row.time(6);
    key.retired_at = row.maybe_time(7);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

Result<std::monostate, KeyRefusal> create_domain_key(store::Tx& tx, const DomainKey& key) {
  if (tx.query(kCount, {key.domain}).front().integer(0) >= kSigningKeysMax) {
    return unexpected(KeyRefusal::too_many);
  }
  const auto user = key.user ? std::optional<std::string_view>(key.user->str()) : std::nullopt;
  const store::Blob sealed{key.sealed_private_key};
  if (tx.execute(kCreate, {key.domain, key.selector, user, key.algorithm, sealed, key.dns_record,
                           key.created_at}) == 0) {
    return unexpected(KeyRefusal::selector_taken);
  }
  return std::monostate{};
}

std::vector<DomainKey> list_domain_keys(store::ReadTx& tx, std::string_view domain) {
  return keys_of(tx.query(kList, {domain}));
}

std::vector<DomainKey> signing_keys(store::ReadTx& tx, std::string_view domain) {
  // A registered domain speaks for its subdomains (contract §16); a name without a dot is nobody's.
  while (domain.find('.') != std::string_view::npos) {
    std::vector<DomainKey> keys = keys_of(tx.query(kSigning, {domain}));
    if (!keys.empty()) return keys;
    domain.remove_prefix(domain.find('.') + 1);
  }
  return {};
}

bool retire_domain_key(store::Tx& tx, std::string_view domain, std::string_view selector, UtcTime now) {
  return tx.execute(kRetire, {domain, selector, now}) == 1;
}

std::optional<UserId> owner_of_domain(store::ReadTx& tx, std::string_view domain) {
  const store::Rows rows = tx.query(kOwner, {domain});
  if (rows.empty()) return std::nullopt;
  return UserId(rows.front().text(0));
}

}  // namespace countersign::account
