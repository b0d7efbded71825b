// Idempotency keys: the answer is stored in the transaction that did what it answers (contract §7).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "account/principal.hpp"

namespace countersign::account {

struct Fresh {};      // first time: do the work, then store_answer in the same transaction
struct InFlight {};   // another transaction with this key is open
struct KeyReused {};  // completed with another route or body
struct Replay {
  int status = 0;
  std::string body;
};
using KeyState = std::variant<Fresh, InFlight, KeyReused, Replay>;

inline constexpr std::chrono::hours kIdempotencyWindow{24};

/// What the key stands for without taking it: Fresh, KeyReused or Replay.
[[nodiscard]] KeyState look_up_key(store::ReadTx& tx, const UserId& user, std::string_view key,
                                   std::string_view fingerprint, UtcTime now);

/// Takes the key for this transaction or says what it already stands for. Only committed successes are
/// remembered: a transaction that refuses or fails leaves the key free. fingerprint   sha256_hex(route + "\n"
/// + raw body).
[[nodiscard]] KeyState claim_key(store::Tx& tx, const UserId& user, std::string_view key,
                                 std::string_view fingerprint, UtcTime now);
void store_answer(store::Tx& tx, const UserId& user, std::string_view key, std::string_view fingerprint,
                  int status, std::string_view body, UtcTime now);
/// Forgets answers older than the window; the number removed (at most `limit`).
std::int64_t forget_old_answers(store::Tx& tx, UtcTime now, std::int64_t limit);

}  // namespace countersign::account
