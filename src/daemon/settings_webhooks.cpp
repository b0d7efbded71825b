// What tells the world of events.
#include "daemon/setting_rows.hpp"

namespace countersign::daemon {

std::vector<Setting> webhook_settings() {
  return {
      flag("webhooks.allow_private_addresses", false,
           "For development only: webhooks may lead to addresses inside this network, this machine among "
           "them.",
           [](Config& c, bool v) { c.webhooks.allow_private_addresses = v; }),
      else_is("the system's",
              text("webhooks.ca_file", "", "Authorities that may have signed the endpoints' (PEM).",
                   check_any, [](Config& c, const std::string& v) { c.webhooks.ca_file = v; })),
      number("webhooks.in_flight_max", 256, {1, 4096}, "Requests under way at a time.",
             [](Config& c, std::int64_t v) { c.webhooks.in_flight_max = static_cast<std::size_t>(v); }),
      number("webhooks.in_flight_per_webhook_max", 16, {1, 256},
             "Of these, to one webhook; one that does not answer gets fewer.",
             [](Config& c, std::int64_t v) {
               c.webhooks.in_flight_per_webhook_max = static_cast<std::size_t>(v);
             }),
      number("webhooks.timeout_ms", 15'000, kTimeout, "For one request and its answer.",
             [](Config& c, std::int64_t v) { c.webhooks.timeout = std::chrono::milliseconds(v); }),
      number(
          "webhooks.retry_first_ms", 60'000, kTimeout,
          "Pause before the second attempt; the later pauses stay 5, 15, 60, 240, 480 and 960 times as long.",
          [](Config& c, std::int64_t v) { c.webhooks.retry_first = std::chrono::milliseconds(v); }),
      number("webhooks.lease_seconds", 60, {1, 3600},
             "How long a webhook belongs to a node that does not renew it.",
             [](Config& c, std::int64_t v) { c.webhooks.lease = std::chrono::seconds(v); }),
      number("webhooks.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks for what other nodes left to tell.",
             [](Config& c, std::int64_t v) { c.webhooks.poll_interval = std::chrono::milliseconds(v); }),
  };
}

}  // namespace countersign::daemon
