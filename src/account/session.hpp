// Browsers that signed in. What a browser holds is random and made at the edge; only its hash comes here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "account/principal.hpp"
#include "store/tx.hpp"

namespace countersign::account {

struct NewSession {
  std::string token_hash;  // lower-case hex SHA-256 of what the browser holds
  UserId user;
  Duration idle{};     // it ends when it was not used for this long
  UtcTime expires_at;  // and here in any case
};

void begin_session(store::Tx& tx, const NewSession& session, UtcTime now);

/// The person behind a session, with account scope; nothing when it is unknown or over.
[[nodiscard]] std::optional<Principal> authenticate_session(store::ReadTx& tx, std::string_view token_hash,
                                                            UtcTime now, const Limits& defaults);
/// Notes the use of a session, which then lives on; written as rarely as the use of a key.
void touch_session(store::Tx& tx, std::string_view token_hash, UtcTime now);

/// False when there is none.
bool end_session(store::Tx& tx, std::string_view token_hash);
/// Ends every session of the account; how many.
std::int64_t end_sessions(store::Tx& tx, const UserId& user);
/// Removes up to `limit` sessions that are over; how many.
std::int64_t forget_sessions(store::Tx& tx, UtcTime now, std::int64_t limit);

}  // namespace countersign::account
