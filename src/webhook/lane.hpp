// Lanes: everything that waits for one webhook, worked on by one node at a time.
//
// A node claims lanes for a time, delivers what is due in them, and gives them back. A node that dies keeps
// its lanes until the lease ends; then another one takes them with a higher epoch and delivers again what was
// not recorded: at least once, with the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "webhook/delivery.hpp"

namespace countersign::webhook {

struct Lane {
  WebhookId webhook;
  UserId user;
  std::int64_t epoch = 0;
};

/// Up to `limit` webhooks with something due that nobody works on, by id after `after` and then around from
/// the beginning. Those of disabled webhooks wait until they are enabled.
[[nodiscard]] std::vector<WebhookId> due_lanes(store::ReadTx& tx, const WebhookId& after, std::int64_t limit,
                                               UtcTime now);
/// Claims those that are still free.
[[nodiscard]] std::vector<Lane> claim_lanes(store::Tx& tx, std::span<const WebhookId> lanes,
                                            std::string_view worker, UtcTime now, UtcTime lease_until);
/// Renews the leases; returns those that still are this worker's.
[[nodiscard]] std::vector<WebhookId> renew_lanes(store::Tx& tx, std::span<const Lane> lanes,
                                                 std::string_view worker, UtcTime lease_until);
/// False: it was not this worker's any more.
bool release_lane(store::Tx& tx, const Lane& lane, std::string_view worker);
/// Ends every lease. For a process that knows that no other works on this store.
void release_all_lanes(store::Tx& tx);

/// One request to be made.
struct Job {
  DeliveryId id;
  std::string event_id;
  std::string event_type;
  std::string message_id;    // empty: about none
  std::int64_t attempt = 0;  // the number of the attempt that is due
  std::string body;          // empty: its event is not kept any more
};

/// What a lane holds at the moment.
struct Load {
  std::string url;
  SealedSecrets secrets;
  std::vector<Job> jobs;  // in the order in which they became due
};
/// The webhook and up to `limit` of its due deliveries. Nothing when it is gone or disabled.
[[nodiscard]] std::optional<Load> load_lane(store::ReadTx& tx, const WebhookId& webhook, std::int64_t limit,
                                            UtcTime now);

}  // namespace countersign::webhook
