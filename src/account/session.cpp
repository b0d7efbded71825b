#include "account/session.hpp"

#include "account/principal_row.hpp"

namespace countersign::account {
namespace {

using store::Query;

constexpr Query kBegin(
    "account.begin_session",
    "INSERT INTO sessions (token_hash, user_id, created_at_us, used_at_us, idle_us, expires_at_us) "
    "VALUES ($1, $2, $3, $3, $4, $5)");

constexpr Query kAuthenticate("account.authenticate_session",
                              "SELECT " CS_USER_COLUMNS
                              ", s.used_at_us FROM sessions s JOIN users u ON u.id = s.user_id "
                              "WHERE s.token_hash = $1 AND s.expires_at_us > $2 AND "
                              "s.used_at_us + s.idle_us > $2");

constexpr Query kTouch("account.touch_session",
                       "UPDATE sessions SET used_at_us = $2 WHERE token_hash = $1 AND used_at_us < $3");
constexpr Query kEnd("account.end_session", "DELETE FROM sessions WHERE token_hash = $1");
constexpr Query kEndAll("account.end_sessions", "DELETE FROM sessions WHERE user_id = $1");
constexpr Query kForget("account.forget_sessions",
                        "DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE "
                        "expires_at_us <= $1 ORDER BY expires_at_us LIMIT $2)");

}  // namespace

void begin_session(store::Tx& tx, const NewSession& session, UtcTime now) {
  tx.send(kBegin, {session.token_hash, session.user.str(), now, session.idle.count(), session.expires_at});
}

std::optional<Principal> authenticate_session(store::ReadTx& tx, std::string_view token_hash, UtcTime now,
                                              const Limits& defaults) {
  const store::Rows rows = tx.query(kAuthenticate, {token_hash, now});
  if (rows.empty()) return std::nullopt;
  Principal principal = principal_from(rows.front(), defaults);
  principal.scope = Scope::account;
  principal.session = token_hash;
  principal.last_used_at = rows.front().maybe_time(kUserColumns);
  return principal;
}

void touch_session(store::Tx& tx, std::string_view token_hash, UtcTime now) {
  tx.send(kTouch, {token_hash, now, now - kKeyUseResolution});
}

bool end_session(store::Tx& tx, std::string_view token_hash) { return tx.execute(kEnd, {token_hash}) == 1; }

std::int64_t end_sessions(store::Tx& tx, const UserId& user) { return tx.execute(kEndAll, {user.str()}); }

std::int64_t forget_sessions(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kForget, {now, limit});
}

}  // namespace countersign::account
