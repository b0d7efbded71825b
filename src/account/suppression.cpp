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

#define CS_ACCOUNT_LIST                                                           \
  "SELECT address, source, reason, COALESCE(message_id, ''), created_at_us FROM " \
  "account_suppressions WHERE user_id = $1 "
#define CS_AGENT_LIST \
  "SELECT address, source, reason, '', created_at_us FROM agent_suppressions WHERE agent_email = $1 "
#define CS_FIRST_PAGE "ORDER BY created_at_us DESC, address DESC LIMIT $2"
#define CS_NEXT_PAGE \
  "AND (created_at_us, address) < ($2, $3) ORDER BY created_at_us DESC, address DESC LIMIT $4"
constexpr Query kAccountFirst("account.suppressions", CS_ACCOUNT_LIST CS_FIRST_PAGE);
constexpr Query kAccountNext("account.more_suppressions", CS_ACCOUNT_LIST CS_NEXT_PAGE);
constexpr Query kAgentFirst("account.agent_suppressions", CS_AGENT_LIST CS_FIRST_PAGE);
constexpr Query kAgentNext("account.more_agent_suppressions", CS_AGENT_LIST CS_NEXT_PAGE);
constexpr Query kAgentOne("account.agent_suppression", CS_AGENT_LIST "AND address = $2");
#undef CS_NEXT_PAGE
#undef CS_FIRST_PAGE
#undef CS_AGENT_LIST
#undef CS_ACCOUNT_LIST
constexpr Query kLiftForAccount("account.lift_suppression",
                                "DELETE FROM account_suppressions WHERE user_id = $1 AND address = $2");
constexpr Query kLiftForAgent("account.lift_agent_suppression",
                              "DELETE FROM agent_suppressions WHERE agent_email = $1 AND address = $2");

std::vector<Suppression> suppressions_from(const store::Rows& rows) {
  std::vector<Suppression> out;
  for (const store::Row row : rows) {
    out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.time(4)});
  }
  return out;
}

}  // namespace

std::vector<Suppression> list_account_suppressions(
    store::ReadTx& tx, const UserId& user, const std::optional<std::pair<UtcTime, std::string>>& after,
    std::int64_t limit) {
  if (!after) return suppressions_from(tx.query(kAccountFirst, {user.str(), limit}));
  return suppressions_from(tx.query(kAccountNext, {user.str(), after->first, after->second, limit}));
}

std::vector<Suppression> list_agent_suppressions(store::ReadTx& tx, std::string_view agent_email,
                                                 const std::optional<std::pair<UtcTime, std::string>>& after,
                                                 std::int64_t limit) {
  if (!after) return suppressions_from(tx.query(kAgentFirst, {agent_email, limit}));
  return suppressions_from(tx.query(kAgentNext, {agent_email, after->first, after->second, limit}));
}

std::optional<Suppression> find_agent_suppression(store::ReadTx& tx, std::string_view agent_email,
                                                  std::string_view address) {
  std::vector<Suppression> found = suppressions_from(tx.query(kAgentOne, {agent_email, address}));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

bool lift_account_suppression(store::Tx& tx, const UserId& user, std::string_view address) {
  return tx.execute(kLiftForAccount, {user.str(), address}) == 1;
}

bool lift_agent_suppression(store::Tx& tx, std::string_view agent_email, std::string_view address) {
  return tx.execute(kLiftForAgent, {agent_email, address}) == 1;
}

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
