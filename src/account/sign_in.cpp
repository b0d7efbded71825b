#include "account/sign_in.hpp"

#include <algorithm>

#include "account/session.hpp"
#include "base/crypto.hpp"

namespace countersign::account {
namespace {

using store::Query;

constexpr Query kFindPassword(
    "account.find_password",
    "SELECT u.id, u.email, p.hash FROM users u JOIN passwords p ON p.user_id = u.id "
    "WHERE u.email = $1");
// Differs because SQLite has one writer and no row locks.
constexpr Query kLockPassword("account.lock_password",
                              "SELECT 1 FROM passwords WHERE user_id = $1 AND hash = $2",
                              "SELECT 1 FROM passwords WHERE user_id = $1 AND hash = $2 FOR UPDATE");
constexpr Query kSetPassword("account.set_password",
                             "INSERT INTO passwords (user_id, hash, set_at_us) VALUES ($1, $2, $3) "
                             "ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, "
                             "set_at_us = excluded.set_at_us");
constexpr Query kUpgradePassword("account.upgrade_password",
                                 "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2");
constexpr Query kAnyPassword("account.any_password", "SELECT 1 FROM passwords LIMIT 1");

// Takes the row's lock, whoever made it.
constexpr Query kClaimSetup(
    "account.claim_setup",
    "INSERT INTO setups (id, used_at_us) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET "
    "used_at_us = excluded.used_at_us");

constexpr Query kCount(
    "account.count_attempt",
    "INSERT INTO sign_in_attempts (subject, attempts, began_at_us) VALUES ($1, 1, $2) "
    "ON CONFLICT (subject) DO UPDATE SET "
    "attempts = CASE WHEN sign_in_attempts.began_at_us <= $3 THEN 1 ELSE sign_in_attempts.attempts + 1 END, "
    "began_at_us = CASE WHEN sign_in_attempts.began_at_us <= $3 THEN $2 ELSE sign_in_attempts.began_at_us "
    "END "
    "RETURNING attempts, began_at_us");
constexpr Query kForgive("account.forgive_attempts", "DELETE FROM sign_in_attempts WHERE subject = $1");
constexpr Query kForgiveOne("account.forgive_attempt",
                            "UPDATE sign_in_attempts SET attempts = attempts - 1 WHERE subject = $1 AND "
                            "attempts > 1");
constexpr Query kForget("account.forget_attempts",
                        "DELETE FROM sign_in_attempts WHERE began_at_us < $1 AND subject IN (SELECT subject "
                        "FROM sign_in_attempts WHERE began_at_us < $1 ORDER BY began_at_us LIMIT $2)");

}  // namespace

std::optional<Password> find_password(store::ReadTx& tx, std::string_view email) {
  const store::Rows rows = tx.query(kFindPassword, {email});
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  return Password{User{UserId(row.text(0)), row.text(1)}, row.text(2)};
}

bool lock_password(store::Tx& tx, const UserId& user, std::string_view hash) {
  return !tx.query(kLockPassword, {user.str(), hash}).empty();
}

void set_password(store::Tx& tx, const UserId& user, std::string_view hash, UtcTime now) {
  tx.send(kSetPassword, {user.str(), hash, now});
  end_sessions(tx, user);
}

bool upgrade_password(store::Tx& tx, const UserId& user, std::string_view old_hash,
                      std::string_view new_hash) {
  return tx.execute(kUpgradePassword, {user.str(), old_hash, new_hash}) == 1;
}

bool anybody_has_password(store::ReadTx& tx) { return !tx.query(kAnyPassword).empty(); }

bool claim_setup(store::Tx& tx, UtcTime now) {
  (void)tx.execute(kClaimSetup, {now});
  return !anybody_has_password(tx);
}

std::string person_subject(std::string_view email) { return "email " + sha256_hex(email); }

std::string address_subject(std::string_view address) { return "address " + std::string(address); }

Result<std::monostate, Throttled> count_attempt(store::Tx& tx, std::string_view subject,
                                                const AttemptLimit& limit, UtcTime now) {
  const store::Rows rows = tx.query(kCount, {subject, now, now - limit.window});
  const store::Row row = rows.front();
  if (row.integer(0) <= limit.attempts_max) return std::monostate{};
  const auto wait = std::chrono::ceil<std::chrono::seconds>(row.time(1) + limit.window - now);
  return unexpected(Throttled{std::max<std::int64_t>(1, wait.count())});
}

void forgive_attempts(store::Tx& tx, std::string_view subject) { tx.send(kForgive, {subject}); }

void forgive_attempt(store::Tx& tx, std::string_view subject) { tx.send(kForgiveOne, {subject}); }

std::int64_t forget_attempts(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  return tx.execute(kForget, {cutoff, limit});
}

}  // namespace countersign::account
