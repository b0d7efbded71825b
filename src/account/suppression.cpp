// Suppression lists. Addresses are compared as bare, lower-case text.
#include "account/suppression.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace countersign::account {
namespace {

using store::Query;

// Differs because each dialect has a function of its own for unfolding a JSON array.
constexpr Query kSuppressedAmong(
    "account.suppressed_among",
    "SELECT address FROM account_suppressions "
    "WHERE user_id = $1 AND address IN (SELECT value FROM json_each($3)) "
    "UNION SELECT address FROM agent_suppressions "
    "WHERE agent_email = $2 AND address IN (SELECT value FROM json_each($3))",
    "SELECT address FROM account_suppressions "
    "WHERE user_id = $1 AND address IN (SELECT jsonb_array_elements_text(CAST($3 AS jsonb))) "
    "UNION SELECT address FROM agent_suppressions "
    "WHERE agent_email = $2 AND address IN (SELECT jsonb_array_elements_text(CAST($3 AS jsonb)))");

constexpr Query kSuppressForAgent(
    "account.suppress_for_agent",
    "INSERT INTO agent_suppressions (agent_email, address, id, source, reason, created_at_us) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agent_email, address) DO NOTHING");

constexpr Query kSuppressForAccount(
    "account.suppress_for_account",
    "INSERT INTO account_suppressions (user_id, address, id, source, reason, message_id, created_at_us) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, address) DO NOTHING");

}  // namespace

std::vector<std::string> suppressed_among(store::ReadTx& tx, const UserId& user, std::string_view agent_email,
                                          const std::vector<std::string>& addresses) {
  if (addresses.empty()) return {};
  const std::string list = to_json_list(addresses);
  const store::Rows rows = tx.query(kSuppressedAmong, {user.str(), agent_email, list});
  std::vector<std::string> suppressed;
  suppressed.reserve(rows.size());
  for (const store::Row row : rows) suppressed.push_back(row.text(0));
  std::sort(suppressed.begin(), suppressed.end());  // the database's collation is not ours
  return suppressed;
}

bool suppress_for_agent(store::Tx& tx, std::string_view agent_email, std::string_view address,
                        std::string_view source, std::string_view reason, UtcTime now) {
  const std::string id = derived_id("asupp_", {agent_email, address});
  return tx.execute(kSuppressForAgent, {agent_email, address, id, source, reason, now}) == 1;
}

bool suppress_for_account(store::Tx& tx, const UserId& user, const AccountSuppression& entry, UtcTime now) {
  const std::string id = derived_id("supp_", {user.str(), entry.address});
  const auto message =
      entry.message.empty() ? std::nullopt : std::optional<std::string_view>(entry.message.str());
  return tx.execute(kSuppressForAccount,
                    {user.str(), entry.address, id, entry.source, entry.reason, message, now}) == 1;
}

}  // namespace countersign::account
