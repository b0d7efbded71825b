// What happens to webhooks and their deliveries without anybody asking: endpoints that never answer are
// disabled, and what is old is forgotten.
#pragma once

#include <chrono>
#include <vector>

#include "journal/event_log.hpp"
#include "webhook/delivery.hpp"

namespace countersign::webhook {

// A webhook is disabled when this many of its deliveries failed within that time and none was delivered
// (contract §17).
inline constexpr std::int64_t kFailuresMax = 10;
inline constexpr std::chrono::hours kFailureWindow{72};
/// How long deliveries and their attempts are shown (contract §17).
inline constexpr std::chrono::days kDeliveriesKept{90};
/// A disabled webhook's deliveries wait for so long at most: those of events until these are no longer
/// listed, and repeated ones, whose event may be as old already, for less than it is kept after that.
inline constexpr std::chrono::days kDeliveriesWait = journal::kEventsListed;
inline constexpr std::chrono::days kRedeliveriesWait{5};
static_assert(kDeliveriesWait + kRedeliveriesWait < journal::kEventsKnown);

/// Disables what fails without end, at most `limit` webhooks. Failures before the last enabling do not count.
[[nodiscard]] std::vector<WebhookId> disable_failing(store::Tx& tx, UtcTime now, std::int64_t limit);

/// Ends up to `limit` deliveries that have waited for a disabled webhook too long.
std::int64_t end_overdue(store::Tx& tx, UtcTime now, std::int64_t limit);

/// Removes up to `limit` settled deliveries from before `cutoff`, with their attempts.
std::int64_t forget_deliveries(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

}  // namespace countersign::webhook
