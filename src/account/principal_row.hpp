// How a row of `users` becomes a caller. Internal to account.
#pragma once

#include "account/principal.hpp"
#include "store/rows.hpp"

namespace countersign::account {

/// What principal_from reads, in its order. The table's alias is `u`.
#define CS_USER_COLUMNS                                                                      \
  "u.id, u.email, u.plan_code, u.class, u.agents_max, u.domains_max, u.messages_month_max, " \
  "u.storage_bytes_max"
inline constexpr std::size_t kUserColumns = 8;

[[nodiscard]] Principal principal_from(const store::Row& row, const Limits& defaults);

}  // namespace countersign::account
