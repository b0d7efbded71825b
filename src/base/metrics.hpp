// Counters, gauges and histograms of a process, in the Prometheus text format (prometheus-cpp underneath).
//
// The metrics are a closed list (docs/metrics.md is generated from it), so that a name cannot be mistyped and
// a dashboard can rely on it. One Metrics object belongs to the composition root; everyone else holds a
// reference.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace countersign::metrics {

/// In the order of the reference. Every metric is named `countersign_` + its enumerator.
enum class Metric : std::uint8_t {
  build_info,
  http_requests_total,
  http_request_seconds,
  holds_pending,
  reviews_resolved_total,
  review_mails_total,
  review_mails_given_up_total,
  review_mails_waiting,
  submissions_total,
  submissions_queued,
  submissions_unknown,
  submissions_resent_total,
  relay_open,
  dispatcher_session_faults_total,
  leases_rescued_total,
  feedback_total,
  smtp_connections_total,
  smtp_messages_total,
  smtp_refusals_total,
  arrivals_total,
  arrivals_waiting,
  events_waiting,
  events_fanned_out_total,
  webhook_deliveries_total,
  webhook_attempts_total,
  webhook_attempt_seconds,
  webhook_deliveries_due,
  webhooks_disabled_total,
  retention_removed_total,
  websocket_connections,
  websocket_opened_total,
  websocket_closed_total,
  websocket_events_total,
  websocket_push_seconds,
};

enum class Type : std::uint8_t { counter, gauge, histogram };

struct Definition {
  Metric metric;
  std::string_view name;
  Type type;
  std::span<const std::string_view> labels;
  std::span<const double> buckets;  // histograms: upper bounds, ascending
  std::string_view help;            // one sentence
};

[[nodiscard]] std::span<const Definition> definitions();

/// Label values are given in the order of the definition. What a client sends is never a label value.
using Labels = std::initializer_list<std::string_view>;

/// Series of one metric that are kept apart; later label values are counted under "other".
inline constexpr std::size_t kSeriesMax = 512;

/// Thread-safe. Asking for a metric as a type it is not, or with another number of labels, is a bug.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Counter: adds `by` ≥ 0.
  void count(Metric metric, Labels labels = {}, double by = 1);
  /// Gauge: is now `value`.
  void set(Metric metric, Labels labels, double value);
  void set(Metric metric, double value) { set(metric, {}, value); }
  /// Gauge: changes by `by`, which may be negative.
  void add(Metric metric, Labels labels, double by);
  void add(Metric metric, double by) { add(metric, {}, by); }
  /// Histogram: one more observation.
  void observe(Metric metric, Labels labels, double value);
  void observe(Metric metric, double value) { observe(metric, {}, value); }

  /// Everything, as `text/plain; version=0.0.4`.
  [[nodiscard]] std::string render() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The reference, as docs/metrics.md holds it.
[[nodiscard]] std::string metrics_markdown();

}  // namespace countersign::metrics
