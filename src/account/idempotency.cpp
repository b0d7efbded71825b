// Idempotency keys. A row exists exactly for a request that was done, because it is written by the
// transaction that did it; that another one is at it right now is known from a lock that ends with it.
#include "account/idempotency.hpp"

namespace countersign::account {
namespace {

using store::Query;

// PostgreSQL only: SQLite has one writer at a time, so there is never another open transaction.
constexpr Query kLockKey(
    "account.lock_idempotency_key",
    "SELECT CAST(CAST(pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS INTEGER) AS BIGINT)");

constexpr Query kFindAnswer("account.find_answer",
                            "SELECT fingerprint, status, body FROM idempotency_keys "
                            "WHERE user_id = $1 AND key = $2 AND completed_at_us > $3");

// A row in the way has outlived the window, or claim_key had found it.
constexpr Query kStoreAnswer(
    "account.store_answer",
    "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, completed_at_us) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, key) DO UPDATE SET "
    "fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, "
    "completed_at_us = excluded.completed_at_us");

constexpr Query kForget("account.forget_answers",
                        "DELETE FROM idempotency_keys WHERE completed_at_us <= $1 AND (user_id, key) IN "
                        "(SELECT user_id, key FROM idempotency_keys WHERE completed_at_us <= $1 "
                        "ORDER BY completed_at_us LIMIT $2)");

bool lock(store::Tx& tx, const UserId& user, std::string_view key) {
  if (tx.dialect() != store::Dialect::postgres) return true;
  const std::string name = user.str() + '\n' + std::string(key);
  return tx.query(kLockKey, {name}).front().flag(0);
}

}  // namespace

KeyState look_up_key(store::ReadTx& tx, const UserId& user, std::string_view key,
                     std::string_view fingerprint, UtcTime now) {
  const store::Rows rows = tx.query(kFindAnswer, {user.str(), key, now - kIdempotencyWindow});
  if (rows.empty()) return Fresh{};
  const store::Row row = rows.front();
  if (row.view(0) != fingerprint) return KeyReused{};
  return Replay{static_cast<int>(row.integer(1)), row.text(2)};
}

KeyState claim_key(store::Tx& tx, const UserId& user, std::string_view key, std::string_view fingerprint,
                   UtcTime now) {
  if (!lock(tx, user, key)) return InFlight{};
  return look_up_key(tx, user, key, fingerprint, now);
}

void store_answer(store::Tx& tx, const UserId& user, std::string_view key, std::string_view fingerprint,
                  int status, std::string_view body, UtcTime now) {
  tx.send(kStoreAnswer, {user.str(), key, fingerprint, status, body, now});
}

std::int64_t forget_old_answers(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kForget, {now - kIdempotencyWindow, limit});
}

}  // namespace countersign::account
