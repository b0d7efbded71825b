// What tells reviewers of holds.
#include <array>

#include "daemon/setting_rows.hpp"
#include "mail/address.hpp"

namespace countersign::daemon {
namespace {

constexpr std::array<std::string_view, 2> kOnUnseen{"reject", "approve"};

std::string check_mailbox(const std::string& value) {
  return value.empty() || mail::parse_mailbox(value) ? "" : "must be an address, or `Name <address>`";
}

}  // namespace

std::vector<Setting> notification_settings() {
  return {
      flag(
          "notifications.enabled", true,
          "Mail reviewers about what is held (docs/review.md). Off: nobody is mailed, and the clock approves "
          "nothing unless a policy does without.",
          [](Config& c, bool v) { c.notifications.enabled = v; }),
      else_is("`Countersign <hitl-noreply@…>` at `outbound.from_domain`",
              text("notifications.from", "", "Whom these mails are from.", check_mailbox,
                   [](Config& c, const std::string& v) { c.notifications.from = v; })),
      choice(
          "notifications.on_unseen", kOnUnseen, 0,
          "What the clock does, where `on_expiry` is `approve`, about a hold of which no mail has left and "
          "none will. Accounts and agents may say otherwise.",
          [](Config& c, std::int64_t v) { c.notifications.on_unseen = static_cast<OnUnseen>(v); }),
      number(
          "notifications.reaction_seconds", 3600, {1, 604'800},
          "Least time between such a mail and an approval by the clock; half of the hold's time when that is "
          "less.",
          [](Config& c, std::int64_t v) { c.notifications.reaction = std::chrono::seconds(v); }),
      number("notifications.gather_seconds", 60, {0, 86'400},
             "Holds that come within this time of the last mail to the same reviewers share the next one.",
             [](Config& c, std::int64_t v) { c.notifications.gather = std::chrono::seconds(v); }),
      number(
          "notifications.retry_first_ms", 30'000, kTimeout,
          "Pause after the first attempt that failed; the later ones stay 4, 20, 120 and 480 times as long, "
          "for 72 hours.",
          [](Config& c, std::int64_t v) { c.notifications.retry_first = std::chrono::milliseconds(v); }),
      number("notifications.lease_seconds", 60, {1, 3600},
             "How long a mail belongs to a node that does not renew it.",
             [](Config& c, std::int64_t v) { c.notifications.lease = std::chrono::seconds(v); }),
      number("notifications.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks for what is to be mailed.",
             [](Config& c, std::int64_t v) { c.notifications.poll_interval = std::chrono::milliseconds(v); }),
      number("notifications.links_per_minute", 60, {1, kMillion},
             "Requests to the review pages that one address may make in a minute, of all nodes together.",
             [](Config& c, std::int64_t v) { c.notifications.links_per_minute = v; }),
  };
}

}  // namespace countersign::daemon
