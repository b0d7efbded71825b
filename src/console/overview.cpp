// How things stand for an account, at a glance.
#include <algorithm>
#include <array>

#include "console/context.hpp"
#include "outbox/relay.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;
using store::Query;

constexpr std::int64_t kHours = 24;
constexpr std::int64_t kHourUs = std::int64_t{3600} * 1'000'000;
/// The newest events that the charts look at; of a busier account they show the newest hours only.
constexpr std::int64_t kEventsLookedAt = 20'000;
/// Mail that waits longer than this without a relay that is away is a sign of trouble.
constexpr std::chrono::minutes kQueuePatience{15};

constexpr Query kDepths(
    "console.depths",
    "SELECT (SELECT COUNT(*) FROM messages m JOIN agents a ON a.email = m.agent_email WHERE m.user_id = $1 "
    "AND "
    "m.review_status = 'pending_review' AND a.deleted_at_us IS NULL), "
    "(SELECT MIN(m.created_at_us) FROM messages m JOIN agents a ON a.email = m.agent_email WHERE m.user_id = "
    "$1 "
    "AND m.review_status = 'pending_review' AND a.deleted_at_us IS NULL), "
    "(SELECT COUNT(*) FROM submissions WHERE user_id = $1 AND state = 'queued'), "
    "(SELECT MIN(first_due_at_us) FROM submissions WHERE user_id = $1 AND state = 'queued'), "
    "(SELECT COUNT(*) FROM submissions WHERE user_id = $1 AND state = 'unknown'), "
    "(SELECT COUNT(*) FROM webhooks w WHERE w.user_id = $1 AND (w.auto_disabled_at_us IS NOT NULL OR "
    "(w.enabled = 1 AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id AND "
    "d.status = 'pending' AND d.attempts > 0)))), "
    "(SELECT COUNT(*) FROM arrivals WHERE user_id = $1)");

// What was told in the last day, with how long what it tells of had taken: from the hold to its decision, and
// from the decision, or the acceptance, to the hand-over.
constexpr Query kTold(
    "console.told",
    "SELECT e.type, e.created_at_us, CASE WHEN e.type = 'email.sent' THEN COALESCE(m.resolved_at_us, "
    "m.created_at_us) ELSE m.created_at_us END FROM (SELECT type, message_id, created_at_us FROM events "
    "WHERE "
    "user_id = $1 AND created_at_us >= $2 ORDER BY created_at_us DESC, id DESC LIMIT $3) e JOIN messages m "
    "ON "
    "m.id = e.message_id WHERE e.type IN ('email.review_approved', 'email.review_rejected') OR "
    "(e.type = 'email.sent' AND m.direction = 'outbound')");

struct Depths {
  std::int64_t held = 0;
  std::optional<UtcTime> oldest_held;
  std::int64_t queued = 0;
  std::optional<UtcTime> oldest_queued;
  std::int64_t unknown = 0;
  std::int64_t webhooks_failing = 0;
  std::int64_t arrivals = 0;
};

/// Durations by the hour in which they ended, oldest hour first.
class Hourly {
 public:
  explicit Hourly(UtcTime first) : first_(first) {}

  void add(UtcTime ended, UtcTime began) {
    const std::int64_t hour = (to_us(ended) - to_us(first_)) / kHourUs;
    if (ended < first_ || hour >= kHours) return;
    hours_[static_cast<std::size_t>(hour)].push_back(std::max<std::int64_t>(0, (ended - began).count()));
  }

  [[nodiscard]] json::array view() {
    json::array out;
    for (std::size_t i = 0; i < hours_.size(); ++i) {
      std::vector<std::int64_t>& hour = hours_[i];
      std::ranges::sort(hour);
      out.push_back(json::object{{"at", timestamp(first_ + Duration(kHourUs * static_cast<std::int64_t>(i)))},
                                 {"p50", rank(hour, 50)},
                                 {"p90", rank(hour, 90)},
                                 {"count", hour.size()}});
    }
    return out;
  }

 private:
  // The nearest rank, in seconds.
  static json::value rank(const std::vector<std::int64_t>& sorted, std::size_t percent) {
    if (sorted.empty()) return nullptr;
    const std::size_t at = (sorted.size() * percent + 99) / 100 - 1;
    return static_cast<double>(sorted[at]) / 1e6;
  }

  UtcTime first_;
  std::array<std::vector<std::int64_t>, kHours> hours_;
};

Depths read_depths(store::ReadTx& tx, const UserId& user) {
  const store::Rows rows = tx.query(kDepths, {user.str()});
  const store::Row row = rows.front();
  return {row.integer(0), row.maybe_time(1), row.integer(2), row.maybe_time(3),
          row.integer(4), row.integer(5),    row.integer(6)};
}

json::object relay_view(const std::string& transport, const std::optional<outbox::Relay>& relay) {
  json::object view{
      {"transport", transport}, {"state", "closed"}, {"since", nullptr}, {"last_error", nullptr}};
  if (!relay || !relay->open) return view;
  view["state"] = "open";
  view["since"] = timestamp(relay->opened_at);
  view["last_error"] = relay->text;
  return view;
}

}  // namespace

Awaitable<Answer> get_overview(Context& context, Visit& visit) {
  const UtcTime hour = from_us(to_us(visit.now) / kHourUs * kHourUs);
  const UtcTime first = hour - Duration(kHourUs * (kHours - 1));
  auto body = [user = visit.person.user, transport = context.settings.transport, first,
               now = visit.now](store::ReadTx& tx) {
    const Depths depths = read_depths(tx, user);
    const auto relay = outbox::look_at_relay(tx, transport);
    Hourly decisions(first);
    Hourly deliveries(first);
    const store::Rows told = tx.query(kTold, {user.str(), first, kEventsLookedAt});
    for (const store::Row row : told) {
      Hourly& hourly = row.view(0) == "email.sent" ? deliveries : decisions;
      hourly.add(row.time(1), row.time(2));
    }
    const bool late = depths.oldest_queued && *depths.oldest_queued < now - kQueuePatience;
    const bool well = !(relay && relay->open) && !late && depths.unknown == 0 && depths.webhooks_failing == 0;
    json::object view;
    view["now"] = timestamp(now);
    view["health"] = well ? "ok" : "degraded";
    view["held"] = depths.held;
    view["oldest_held_at"] = timestamp_or_null(depths.oldest_held);
    view["queued"] = depths.queued;
    view["oldest_queued_at"] = timestamp_or_null(depths.oldest_queued);
    view["unknown"] = depths.unknown;
    view["relay"] = relay_view(transport, relay);
    view["webhooks_failing"] = depths.webhooks_failing;
    view["inbound_backlog"] = depths.arrivals;
    view["decision_seconds"] = decisions.view();
    view["delivery_seconds"] = deliveries.view();
    return view;
  };
  const json::object view = co_await store::read(context.database, std::move(body));
  co_return json_answer(200, view);
}

}  // namespace countersign::console
