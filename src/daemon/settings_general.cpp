// Settings of the process, its store and its API.
#include "base/assert.hpp"
#include "base/text.hpp"
#include "daemon/setting_rows.hpp"

namespace countersign::daemon {
namespace {

constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
// Longer than events are listed: what they matched is held against these rows.
constexpr Range kDeliveryDays{31, 3650};

}  // namespace

std::vector<Setting> general_settings() {
  return {
      text("data_dir", "./data", "Folder of the embedded database, the secret and the Maildir.",
           check_not_empty, [](Config& c, const std::string& v) { c.data_dir = v; }),
      text("shared_domain", "agents.localhost",
           "Domain on which every account may create agents; empty turns that off.", check_domain,
           [](Config& c, const std::string& v) { c.shared_domain = ascii_lower(v); }),
      number("stop_timeout_seconds", 30, {0, 3600},
             "How long a stop waits for requests and hand-overs in progress.",
             [](Config& c, std::int64_t v) { c.stop_timeout = std::chrono::seconds(v); }),
      else_is(
          "made once, kept in `<data_dir>/secret`",
          shown(
              Shown::hidden,
              text("signing.secret", "",
                   "Signs cursors, return paths, and the links of reviews and of the first sign-in; seals "
                   "DKIM "
                   "keys and the secrets of webhooks, which are lost with it. At least 32 bytes, the same on "
                   "every node; keep a copy (docs/operating.md).",
                   check_secret, [](Config& c, const std::string& v) { c.signing_secret = v; }))),
      text("signing.secret_file", "", "A file that holds the secret instead; a final newline is dropped.",
           check_any, [](Config& c, const std::string& v) { c.signing_secret_file = v; }),
      number("trash.retention_days", 30, {1, 3650}, "How long trashed agents and messages can be restored.",
             [](Config& c, std::int64_t v) { c.trash_retention = std::chrono::days(v); }),
      number("retention.webhook_deliveries_days", 90, kDeliveryDays,
             "How long deliveries to webhooks are shown with their attempts. Events are listed for 30 days.",
             [](Config& c, std::int64_t v) { c.retention.deliveries = std::chrono::days(v); }),
      number("retention.notifications_days", 30, {7, 3650},
             "How long a repeated notification of a provider is recognised.",
             [](Config& c, std::int64_t v) { c.retention.notifications = std::chrono::days(v); }),
      number("retention.sweep_interval_seconds", 600, {1, 86'400},
             "Pause between two looks for what is to be removed; the first is at the start.",
             [](Config& c, std::int64_t v) { c.retention.sweep_interval = std::chrono::seconds(v); }),
      choice("log.level", kLogLevels, 1, "The least severe lines that are written.",
             [](Config& c, std::int64_t v) { c.log.level = static_cast<log::Level>(v); }),
      choice("log.format", kLogFormats, 0, "One line of `key=value`, or one JSON object, per event.",
             [](Config& c, std::int64_t v) { c.log.format = static_cast<log::Format>(v); }),
  };
}

std::vector<Setting> store_settings() {
  return {
      else_is(
          "`sqlite:<data_dir>/countersign.db`",
          shown(Shown::without_password,
                text("store.url", "",
                     "`sqlite:PATH`, or `postgres://…` where several nodes share the work. A pooler before "
                     "PostgreSQL has to pool sessions, not transactions.",
                     check_store_url, [](Config& c, const std::string& v) { c.store.url = v; }))),
      number("store.connections", 8, {1, 256}, "PostgreSQL: connections, each with a thread.",
             [](Config& c, std::int64_t v) { c.store.connections = static_cast<int>(v); }),
      number("store.readers", 2, {1, 64},
             "SQLite: connections that read, each with a thread, beside the one that writes.",
             [](Config& c, std::int64_t v) { c.store.readers = static_cast<int>(v); }),
      number("store.group_max", 64, {1, 4096}, "SQLite: transactions that may share one commit.",
             [](Config& c, std::int64_t v) { c.store.group_max = static_cast<int>(v); }),
      number("store.queue_max", 10'000, {1, kMillion},
             "Transactions that may wait; the next is answered 503.",
             [](Config& c, std::int64_t v) { c.store.queue_max = static_cast<int>(v); }),
      number("store.deadline_ms", 10'000, {100, 600'000},
             "How long one transaction may take in all, reruns included.",
             [](Config& c, std::int64_t v) { c.store.deadline = std::chrono::milliseconds(v); }),
      flag("store.signals", true,
           "PostgreSQL: nodes wake each other with NOTIFY, over a connection more each. Off: they only look "
           "by themselves, with the pauses of `…poll_interval_ms`.",
           [](Config& c, bool v) { c.store.signals = v; }),
  };
}

std::vector<Setting> http_settings() {
  return {
      text("http.listen", "127.0.0.1:8080",
           "Address and port of the API. It speaks plain HTTP: put a TLS proxy before a public one.",
           check_listen,
           [](Config& c, const std::string& v) {
             const auto endpoint = read_endpoint(v);
             CS_ASSERT(endpoint.has_value());
             c.http.address = endpoint->address;
             c.http.port = endpoint->port;
           }),
      number("http.threads", 2, {1, 256}, "Threads that serve connections.",
             [](Config& c, std::int64_t v) { c.http.threads = static_cast<int>(v); }),
      text("http.public_url", "",
           "Where clients reach the API; begins the links that are handed out. "
           "Empty: mail has none, and a link in an answer leads to where the request came to.",
           check_public_url,
           [](Config& c, const std::string& v) {
             c.http.public_url = v.substr(0, v.find_last_not_of('/') + 1);
           }),
      number("http.connections_max", 4096, {1, kMillion}, "Connections that may be open at a time.",
             [](Config& c, std::int64_t v) { c.http.connections_max = static_cast<std::size_t>(v); }),
      flag("http.metrics", true, "Serve `/metrics` on the same port.",
           [](Config& c, bool v) { c.http.metrics = v; }),
      number("rate_limits.poll_per_minute", 240, kAnyLimit, "List and read calls of one account.",
             [](Config& c, std::int64_t v) { c.rate_limits.poll_per_minute = v; }),
      number("rate_limits.registration_per_hour", 200, kAnyLimit, "Agents created from one network address.",
             [](Config& c, std::int64_t v) { c.rate_limits.registration_per_hour = v; }),
      number("rate_limits.send_per_minute", 60, kAnyLimit, "Sends and approvals of one agent.",
             [](Config& c, std::int64_t v) { c.rate_limits.send_per_minute = v; }),
      text("limits.plan_code", "default", "Name of the plan of new accounts, which they are shown.",
           check_not_empty, [](Config& c, const std::string& v) { c.limits.plan_code = v; }),
      number("limits.agents_max", kMillion, kAnyQuota, "Live agents of one account.",
             [](Config& c, std::int64_t v) { c.limits.agents_max = v; }),
      number("limits.domains_max", kMillion, kAnyQuota, "Domains of one account.",
             [](Config& c, std::int64_t v) { c.limits.domains_max = v; }),
      number("limits.messages_month_max", 1000 * kMillion, kAnyQuota,
             "Messages of one account in a UTC calendar month, both directions.",
             [](Config& c, std::int64_t v) { c.limits.messages_month_max = v; }),
      number("limits.storage_bytes_max", std::int64_t{1} << 50, kAnyQuota,
             "Stored message bytes of one account.",
             [](Config& c, std::int64_t v) { c.limits.storage_bytes_max = v; }),
  };
}

}  // namespace countersign::daemon
