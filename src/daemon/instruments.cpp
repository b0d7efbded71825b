#include "daemon/instruments.hpp"

#include "daemon/version.hpp"
#include "inbound/spool.hpp"
#include "outbox/relay.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

using metrics::Metric;

// All run over partial indexes that hold just the rows that wait.
constexpr store::Query kQueues(
    "daemon.queues",
    "SELECT (SELECT CAST(count(*) AS BIGINT) FROM messages WHERE "
    "review_status = 'pending_review'), "
    "(SELECT CAST(count(*) AS BIGINT) FROM submissions WHERE state = 'queued'), "
    "(SELECT CAST(count(*) AS BIGINT) FROM submissions WHERE state = 'unknown'), "
    "(SELECT CAST(count(*) AS BIGINT) FROM events WHERE status = 'pending'), "
    "(SELECT CAST(count(*) AS BIGINT) FROM webhooks w JOIN webhook_deliveries d ON "
    "d.webhook_id = w.id WHERE w.enabled = 1 AND d.status = 'pending' AND "
    "d.due_at_us <= $1), "
    "(SELECT CAST(count(*) AS BIGINT) FROM review_notifications WHERE state = 'waiting' AND due_at_us <= $1) "
    "+ "
    "(SELECT CAST(count(*) AS BIGINT) FROM review_notifications n JOIN review_mails r ON r.id = n.mail_id "
    "WHERE "
    "r.state IN ('queued', 'claimed'))");

struct Queues {
  std::int64_t holds;
  std::int64_t submissions;
  std::int64_t unknown;
  std::int64_t events;
  std::int64_t deliveries;
  std::int64_t review_mails;
  bool relay_open;
  inbound::Depth arrivals;
};

}  // namespace

Instruments::Instruments() { metrics_.set(Metric::build_info, {kVersion}, 1); }

void Instruments::request(std::string_view operation, int status, std::chrono::microseconds duration) {
  metrics_.count(Metric::http_requests_total, {operation, std::to_string(status)});
  metrics_.observe(Metric::http_request_seconds, {operation},
                   std::chrono::duration<double>(duration).count());
  if (status >= 300) return;
  if (operation == "approveReview") metrics_.count(Metric::reviews_resolved_total, {"approved"});
  if (operation == "rejectReview") metrics_.count(Metric::reviews_resolved_total, {"rejected"});
}

void Instruments::review(std::string_view outcome) {
  metrics_.count(Metric::reviews_resolved_total, {outcome});
}

void Instruments::review_mail(std::string_view outcome) {
  metrics_.count(Metric::review_mails_total, {outcome});
}

void Instruments::review_mail_given_up() { metrics_.count(Metric::review_mails_given_up_total); }

void Instruments::submission(std::string_view provider, std::string_view verdict) {
  if (verdict == "session_fault") {
    metrics_.count(Metric::dispatcher_session_faults_total, {provider});
  } else if (verdict != "lost_lease") {
    metrics_.count(Metric::submissions_total, {verdict});
  }
}

void Instruments::feedback(std::string_view source, std::string_view outcome) {
  metrics_.count(Metric::feedback_total, {source, outcome});
}

void Instruments::smtp_connection(std::string_view listener) {
  metrics_.count(Metric::smtp_connections_total, {listener});
}

void Instruments::smtp_message(std::string_view outcome) {
  metrics_.count(Metric::smtp_messages_total, {outcome});
}

void Instruments::smtp_refusal(std::string_view reason) {
  metrics_.count(Metric::smtp_refusals_total, {reason});
}

void Instruments::arrival(std::string_view outcome) { metrics_.count(Metric::arrivals_total, {outcome}); }

void Instruments::fanned_out(std::int64_t events, std::int64_t deliveries) {
  metrics_.count(Metric::events_fanned_out_total, {}, static_cast<double>(events));
  metrics_.count(Metric::webhook_deliveries_total, {}, static_cast<double>(deliveries));
}

void Instruments::webhook_attempt(std::string_view outcome, std::chrono::microseconds took) {
  metrics_.count(Metric::webhook_attempts_total, {outcome});
  metrics_.observe(Metric::webhook_attempt_seconds, std::chrono::duration<double>(took).count());
}

void Instruments::webhooks_disabled(std::size_t count) {
  metrics_.count(Metric::webhooks_disabled_total, {}, static_cast<double>(count));
}

void Instruments::websocket_opened() {
  metrics_.count(Metric::websocket_opened_total);
  metrics_.add(Metric::websocket_connections, 1);
}

void Instruments::websocket_closed(std::string_view why) {
  metrics_.count(Metric::websocket_closed_total, {why});
  metrics_.add(Metric::websocket_connections, -1);
}

void Instruments::websocket_pushed(std::optional<std::chrono::microseconds> age) {
  metrics_.count(Metric::websocket_events_total);
  if (age) metrics_.observe(Metric::websocket_push_seconds, std::chrono::duration<double>(*age).count());
}

void Instruments::rescued(std::int64_t requeued, std::int64_t unknown) {
  if (requeued > 0) metrics_.count(Metric::leases_rescued_total, {"requeued"}, static_cast<double>(requeued));
  if (unknown > 0) metrics_.count(Metric::leases_rescued_total, {"unknown"}, static_cast<double>(unknown));
}

void Instruments::resent(std::int64_t count) {
  metrics_.count(Metric::submissions_resent_total, {}, static_cast<double>(count));
}

void Instruments::removed(std::string_view what, std::int64_t count) {
  metrics_.count(Metric::retention_removed_total, {what}, static_cast<double>(count));
}

boost::asio::awaitable<void> Instruments::measure(store::Database& database, std::string_view provider,
                                                  UtcTime now) {
  auto body = [provider, now](store::ReadTx& tx) {
    const store::Rows rows = tx.query(kQueues, {now});
    const store::Row row = rows.front();
    const auto relay = outbox::look_at_relay(tx, provider);
    return Queues{row.integer(0), row.integer(1), row.integer(2),       row.integer(3),
                  row.integer(4), row.integer(5), relay && relay->open, inbound::depth(tx)};
  };
  const Queues queues = co_await store::read(database, body);
  metrics_.set(Metric::holds_pending, static_cast<double>(queues.holds));
  metrics_.set(Metric::submissions_queued, static_cast<double>(queues.submissions));
  metrics_.set(Metric::submissions_unknown, static_cast<double>(queues.unknown));
  metrics_.set(Metric::events_waiting, static_cast<double>(queues.events));
  metrics_.set(Metric::webhook_deliveries_due, static_cast<double>(queues.deliveries));
  metrics_.set(Metric::review_mails_waiting, static_cast<double>(queues.review_mails));
  metrics_.set(Metric::arrivals_waiting, static_cast<double>(queues.arrivals.waiting));
  metrics_.set(Metric::relay_open, {provider}, queues.relay_open ? 1 : 0);
}

}  // namespace countersign::daemon
