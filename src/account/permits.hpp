// Permits of rate limits that several nodes share (decision 0014).
//
// A node takes a block of permits at a time for a subject and spends them by itself within one slot of the
// window. The store counts a block as spent in the slot it was taken in, so that in no window of whatever
// begin more requests are allowed than the limit, however many nodes there are and whichever of them dies.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::account {

/// A window is this many slots. A permit comes back at most one slot later than it would, request by request.
inline constexpr std::int64_t kPermitSlots = 12;

struct PermitRequest {
  std::string limiter;
  std::string subject;
  std::int64_t limit = 0;  // > 0
  Duration window{};
  std::int64_t wanted = 0;  // > 0
  /// Permits of an earlier block that were not spent, and its slot.
  std::int64_t unspent = 0;
  std::int64_t unspent_slot = 0;
};

struct PermitBlock {
  std::int64_t granted = 0;    // 0: there is none now
  std::int64_t slot = 0;       // they may be spent until it ends
  UtcTime until;               // when that is
  std::int64_t remaining = 0;  // for whoever asks next
  UtcTime next_at;             // when permits come back, if any are out
  UtcTime all_at;              // when all are back
};

/// Takes up to `wanted` permits. `now` may run behind that of another node by less than a slot.
[[nodiscard]] PermitBlock take_permits(store::Tx& tx, const PermitRequest& request, UtcTime now);

/// Removes up to `limit` rows of subjects all of whose permits are back; how many.
std::int64_t forget_permits(store::Tx& tx, UtcTime now, std::int64_t limit);

}  // namespace countersign::account
