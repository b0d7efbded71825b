// Passwords of people, how the first of them comes in, and how often somebody may try.
// Nothing is hashed here: hashes are made and compared at the edge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "account/principal.hpp"
#include "base/result.hpp"
#include "store/tx.hpp"

namespace countersign::account {

struct Password {
  User user;
  std::string hash;  // argon2id, in its text form
};
/// The password of the account with this address; nothing when there is no such account or it has none.
[[nodiscard]] std::optional<Password> find_password(store::ReadTx& tx, std::string_view email);
/// Whether the password still is this one; until the transaction ends nobody changes it.
[[nodiscard]] bool lock_password(store::Tx& tx, const UserId& user, std::string_view hash);
/// Sets or replaces it, and ends every session of the account: whoever came in with the old one is out.
void set_password(store::Tx& tx, const UserId& user, std::string_view hash, UtcTime now);
/// The same password in a newer form. False when it was changed meanwhile; then nothing is changed.
bool upgrade_password(store::Tx& tx, const UserId& user, std::string_view old_hash,
                      std::string_view new_hash);
/// Whether there is a person who can sign in.
[[nodiscard]] bool anybody_has_password(store::ReadTx& tx);

/// Whether the caller may become the first person; until it commits nobody else gets an answer. False:
/// somebody can sign in already.
[[nodiscard]] bool claim_setup(store::Tx& tx, UtcTime now);

/// How many attempts are taken from one subject within a window that begins with the first of them.
struct AttemptLimit {
  std::int64_t attempts_max = 0;
  std::chrono::seconds window{};
};
struct Throttled {
  std::int64_t retry_after_seconds;
};
/// Whom attempts concern, and where they come from, as they are counted.
[[nodiscard]] std::string person_subject(std::string_view email);
[[nodiscard]] std::string address_subject(std::string_view address);
/// Counts one attempt.
[[nodiscard]] Result<std::monostate, Throttled> count_attempt(store::Tx& tx, std::string_view subject,
                                                              const AttemptLimit& limit, UtcTime now);
/// Forgets what was counted: it was the right person.
void forgive_attempts(store::Tx& tx, std::string_view subject);
/// Takes one attempt back: it succeeded, which says nothing about others from there.
void forgive_attempt(store::Tx& tx, std::string_view subject);
/// Removes up to `limit` counts that began before `cutoff`; how many.
std::int64_t forget_attempts(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

}  // namespace countersign::account
