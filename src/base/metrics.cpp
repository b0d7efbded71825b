#include "base/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <variant>
#include <vector>

#include "base/assert.hpp"

namespace countersign::metrics {
namespace {

// From a cached read to the longest deadline of a request.
constexpr std::array<double, 14> kRequestSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  5,     10};

constexpr std::array<std::string_view, 1> kVersion{"version"};
constexpr std::array<std::string_view, 2> kOperationStatus{"operation", "status"};
constexpr std::array<std::string_view, 1> kOperation{"operation"};
constexpr std::array<std::string_view, 1> kOutcome{"outcome"};
constexpr std::array<std::string_view, 1> kProvider{"provider"};
constexpr std::array<std::string_view, 1> kWhat{"what"};
constexpr std::array<std::string_view, 1> kListener{"listener"};
constexpr std::array<std::string_view, 1> kReason{"reason"};
constexpr std::array<std::string_view, 2> kSourceOutcome{"source", "outcome"};

constexpr std::array<Definition, 34> kDefinitions{{
    {Metric::build_info,
     "countersign_build_info",
     Type::gauge,
     kVersion,
     {},
     "Always 1; carries the version."},
    {Metric::http_requests_total,
     "countersign_http_requests_total",
     Type::counter,
     kOperationStatus,
     {},
     "Requests answered, by operation and status."},
    {Metric::http_request_seconds, "countersign_http_request_seconds", Type::histogram, kOperation,
     kRequestSeconds, "Time from the end of a request to its answer."},
    {Metric::holds_pending,
     "countersign_holds_pending",
     Type::gauge,
     {},
     {},
     "Messages that wait for a person."},
    {Metric::reviews_resolved_total,
     "countersign_reviews_resolved_total",
     Type::counter,
     kOutcome,
     {},
     "Holds resolved: approved, rejected, expired_approved, expired_rejected; postponed: kept, since nobody "
     "was "
     "told of them yet."},
    {Metric::review_mails_total,
     "countersign_review_mails_total",
     Type::counter,
     kOutcome,
     {},
     "Hand-overs of mails to reviewers: accepted, refused, deferred, unknown, not_taken (the provider was "
     "away)."},
    {Metric::review_mails_given_up_total,
     "countersign_review_mails_given_up_total",
     Type::counter,
     {},
     {},
     "Mails to reviewers that never left: their holds are not approved by the clock."},
    {Metric::review_mails_waiting,
     "countersign_review_mails_waiting",
     Type::gauge,
     {},
     {},
     "Holds of which no mail to a reviewer has left, though it is due."},
    {Metric::submissions_total,
     "countersign_submissions_total",
     Type::counter,
     kOutcome,
     {},
     "Hand-overs settled: accepted, refused, deferred, unknown."},
    {Metric::submissions_queued,
     "countersign_submissions_queued",
     Type::gauge,
     {},
     {},
     "Hand-overs that wait for their turn."},
    {Metric::submissions_unknown,
     "countersign_submissions_unknown",
     Type::gauge,
     {},
     {},
     "Hand-overs whose answer was lost and that nothing and nobody has settled yet."},
    {Metric::submissions_resent_total,
     "countersign_submissions_resent_total",
     Type::counter,
     {},
     {},
     "Unknown hand-overs that were sent again because their agent's policy says so."},
    {Metric::relay_open,
     "countersign_relay_open",
     Type::gauge,
     kProvider,
     {},
     "1 while the provider is found unusable and left alone, for all nodes; 0 otherwise."},
    {Metric::dispatcher_session_faults_total,
     "countersign_dispatcher_session_faults_total",
     Type::counter,
     kProvider,
     {},
     "Sessions that failed before a message was concerned: refused, TLS, login, 421."},
    {Metric::leases_rescued_total,
     "countersign_leases_rescued_total",
     Type::counter,
     kOutcome,
     {},
     "Leases that ran out: requeued before the hand-over, unknown after it."},
    {Metric::feedback_total,
     "countersign_feedback_total",
     Type::counter,
     kSourceOutcome,
     {},
     "What providers told later (ses) and mailed reports (dsn): applied, repeated, kept, ignored, or why "
     "not."},
    {Metric::smtp_connections_total,
     "countersign_smtp_connections_total",
     Type::counter,
     kListener,
     {},
     "Connections of mail servers, by listener."},
    {Metric::smtp_messages_total,
     "countersign_smtp_messages_total",
     Type::counter,
     kOutcome,
     {},
     "Messages offered over SMTP: taken, or why not."},
    {Metric::smtp_refusals_total,
     "countersign_smtp_refusals_total",
     Type::counter,
     kReason,
     {},
     "Anything else refused over SMTP: recipients, commands, connections, too slow or too many of them."},
    {Metric::arrivals_total,
     "countersign_arrivals_total",
     Type::counter,
     kOutcome,
     {},
     "Messages that were taken and have been read: delivered, flagged, held, blocked, lost."},
    {Metric::arrivals_waiting,
     "countersign_arrivals_waiting",
     Type::gauge,
     {},
     {},
     "Messages that were taken and are not in a mailbox yet."},
    {Metric::events_waiting,
     "countersign_events_waiting",
     Type::gauge,
     {},
     {},
     "Events that have not been matched with webhooks yet."},
    {Metric::events_fanned_out_total,
     "countersign_events_fanned_out_total",
     Type::counter,
     {},
     {},
     "Events that were matched with webhooks."},
    {Metric::webhook_deliveries_total,
     "countersign_webhook_deliveries_total",
     Type::counter,
     {},
     {},
     "Deliveries that came of them."},
    {Metric::webhook_attempts_total,
     "countersign_webhook_attempts_total",
     Type::counter,
     kOutcome,
     {},
     "Requests to webhooks: delivered, refused, unreachable, timeout, forbidden."},
    {Metric::webhook_attempt_seconds,
     "countersign_webhook_attempt_seconds",
     Type::histogram,
     {},
     kRequestSeconds,
     "Time of one request to a webhook, the look at its name included."},
    {Metric::webhook_deliveries_due,
     "countersign_webhook_deliveries_due",
     Type::gauge,
     {},
     {},
     "Deliveries to enabled webhooks that could go out now, under way or not."},
    {Metric::webhooks_disabled_total,
     "countersign_webhooks_disabled_total",
     Type::counter,
     {},
     {},
     "Webhooks that were disabled because their deliveries kept failing."},
    {Metric::retention_removed_total,
     "countersign_retention_removed_total",
     Type::counter,
     kWhat,
     {},
     "What was removed because its time was over: answers, messages, agents, notifications, digests, "
     "deliveries, events, permits, sessions, sign_ins, kept_drafts; overdue: deliveries that were ended."},
    {Metric::websocket_connections,
     "countersign_websocket_connections",
     Type::gauge,
     {},
     {},
     "WebSockets that are open on this node."},
    {Metric::websocket_opened_total,
     "countersign_websocket_opened_total",
     Type::counter,
     {},
     {},
     "WebSockets that were opened."},
    {Metric::websocket_closed_total,
     "countersign_websocket_closed_total",
     Type::counter,
     kReason,
     {},
     "WebSockets that ended: client, replaced, ping_timeout, shutting_down, too_slow, forbidden, "
     "too_many_frames, protocol, unavailable."},
    {Metric::websocket_events_total,
     "countersign_websocket_events_total",
     Type::counter,
     {},
     {},
     "Events that went out over WebSockets."},
    {Metric::websocket_push_seconds,
     "countersign_websocket_push_seconds",
     Type::histogram,
     {},
     kRequestSeconds,
     "Time from an event to its going out over a WebSocket that was open then."},
}};

const Definition& definition_of(Metric metric) {
  const Definition& definition = kDefinitions.at(static_cast<std::size_t>(metric));
  CS_ASSERT(definition.metric == metric);
  return definition;
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::counter:
      return "counter";
    case Type::gauge:
      return "gauge";
    case Type::histogram:
      return "histogram";
  }
  return "";
}

using Series = std::variant<prometheus::Counter*, prometheus::Gauge*, prometheus::Histogram*>;
using Family = std::variant<prometheus::Family<prometheus::Counter>*, prometheus::Family<prometheus::Gauge>*,
                            prometheus::Family<prometheus::Histogram>*>;

// One metric with its series. A series is made at first use and lives as long as the registry.
class Entry {
 public:
  Entry(prometheus::Registry& registry, const Definition& definition)
      : definition_(definition), family_(register_in(registry, definition)) {
    // Without labels there is one series, which shows its zero before anything has happened.
    if (definition_.labels.empty()) (void)series({});
  }

  Series series(Labels labels) {
    CS_ASSERT(labels.size() == definition_.labels.size());
    const std::string key = fmt::format("{}", fmt::join(labels, "\x1f"));
    {
      const std::shared_lock lock(mutex_);
      const auto found = series_.find(key);
      if (found != series_.end()) return found->second;
    }
    const std::unique_lock lock(mutex_);
    const auto found = series_.find(key);
    if (found != series_.end()) return found->second;
    if (series_.size() >= kSeriesMax) {
      if (!overflow_) overflow_ = make(std::vector<std::string_view>(labels.size(), "other"));
      return *overflow_;
    }
    return series_.emplace(key, make(std::vector<std::string_view>(labels))).first->second;
  }

 private:
  static Family register_in(prometheus::Registry& registry, const Definition& definition) {
    const std::string name(definition.name);
    const std::string help(definition.help);
    switch (definition.type) {
      case Type::counter:
        return &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
      case Type::gauge:
        return &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
      case Type::histogram:
        return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }
    CS_ASSERT(false);
  }

  [[nodiscard]] Series make(const std::vector<std::string_view>& values) const {
    std::map<std::string, std::string> labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      labels.emplace(std::string(definition_.labels[i]), std::string(values[i]));
    }
    if (const auto* counters = std::get_if<prometheus::Family<prometheus::Counter>*>(&family_)) {
      return &(*counters)->Add(labels);
    }
    if (const auto* gauges = std::get_if<prometheus::Family<prometheus::Gauge>*>(&family_)) {
      return &(*gauges)->Add(labels);
    }
    const prometheus::Histogram::BucketBoundaries buckets(definition_.buckets.begin(),
                                                          definition_.buckets.end());
    return &std::get<prometheus::Family<prometheus::Histogram>*>(family_)->Add(labels, buckets);
  }

  const Definition& definition_;
  const Family family_;
  std::shared_mutex mutex_;
  std::map<std::string, Series, std::less<>> series_;
  std::optional<Series> overflow_;
};

}  // namespace

class Metrics::Impl {
 public:
  Impl() {
    for (const Definition& definition : kDefinitions) {
      entries_[static_cast<std::size_t>(definition.metric)] = std::make_unique<Entry>(registry_, definition);
    }
  }

  template <class Kind>
  Kind& series(Metric metric, Type type, Labels labels) {
    CS_ASSERT(definition_of(metric).type == type);
    return *std::get<Kind*>(entries_[static_cast<std::size_t>(metric)]->series(labels));
  }
  [[nodiscard]] std::string render() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  prometheus::Registry registry_;
  std::array<std::unique_ptr<Entry>, kDefinitions.size()> entries_;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count(Metric metric, Labels labels, double by) {
  CS_ASSERT(by >= 0);
  impl_->series<prometheus::Counter>(metric, Type::counter, labels).Increment(by);
}

void Metrics::set(Metric metric, Labels labels, double value) {
  impl_->series<prometheus::Gauge>(metric, Type::gauge, labels).Set(value);
}

void Metrics::add(Metric metric, Labels labels, double by) {
  impl_->series<prometheus::Gauge>(metric, Type::gauge, labels).Increment(by);
}

void Metrics::observe(Metric metric, Labels labels, double value) {
  impl_->series<prometheus::Histogram>(metric, Type::histogram, labels).Observe(value);
}

std::string Metrics::render() const { return impl_->render(); }

std::span<const Definition> definitions() { return kDefinitions; }

std::string metrics_markdown() {
  std::string out =
      "<!-- Generated from src/base/metrics.cpp; a test compares. -->\n"
      "# Metrics\n\n"
      "`GET /metrics` answers in the Prometheus text format unless `http.metrics` is off. Label values come "
      "from\n"
      "the program, never from a client; beyond 512 series of one metric they are counted under `other`.\n\n"
      "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const Definition& definition : kDefinitions) {
    std::string labels;
    for (const std::string_view label : definition.labels) {
      fmt::format_to(std::back_inserter(labels), "{}`{}`", labels.empty() ? "" : ", ", label);
    }
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} |\n", definition.name,
                   name_of(definition.type), labels, definition.help);
  }
  return out;
}

}  // namespace countersign::metrics
