#include "daemon/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "provider/http_reply.hpp"
#include "provider/tags.hpp"

namespace countersign::daemon {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

constexpr std::array<std::string_view, 5> kProviders{"auto", "maildir", "smtp", "ses", "resend"};
constexpr std::array<std::string_view, 2> kReturnPaths{"per_message", "plain"};
constexpr std::array<std::string_view, 4> kTlsModes{"none", "opportunistic", "starttls", "implicit"};
constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};

std::string check_any(const std::string&) { return ""; }

std::string check_not_empty(const std::string& value) { return value.empty() ? "must not be empty" : ""; }

std::string check_store_url(const std::string& value) {
  if (value.empty()) return "";
  for (const std::string_view scheme : {"sqlite:", "postgres://", "postgresql://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size()) return "";
  }
  return "must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
}

std::string check_public_url(const std::string& value) {
  if (value.empty()) return "";
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size() &&
        value.find_first_of(" \t\r\n?#") == std::string::npos) {
      return "";
    }
  }
  return "must be an http:// or https:// URL without query";
}

// RFC 1035 §2.3.1 with the digits of RFC 1123 §2.1; 253 characters are what fits RFC 1035 §3.1.
std::string check_domain(const std::string& value) {
  if (value.empty()) return "";
  constexpr std::string_view kFault = "must be a domain name such as agents.example.com";
  if (value.size() > 253) return std::string(kFault);
  std::size_t begin = 0;
  while (begin <= value.size()) {
    const std::size_t end = std::min(value.find('.', begin), value.size());
    const std::string_view label = std::string_view(value).substr(begin, end - begin);
    const bool sized = !label.empty() && label.size() <= 63;
    if (!sized || label.front() == '-' || label.back() == '-') return std::string(kFault);
    for (const char c : ascii_lower(label)) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      if (!allowed) return std::string(kFault);
    }
    begin = end + 1;
  }
  return "";
}

// Where secrets are sent to.
std::string check_endpoint(const std::string& value) {
  return value.empty() || provider::is_endpoint(value)
             ? ""
             : "must be an https:// URL (http:// only towards this machine itself)";
}

std::string check_metadata_url(const std::string& value) {
  return value.starts_with("http://") && value.find_first_of(" \t\r\n?#@") == std::string::npos
             ? ""
             : "must be an http:// URL";
}

// RFC 9110 §5.5: what may stand in a header field.
std::string check_header_value(const std::string& value) {
  return std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f; })
             ? ""
             : "must be ASCII characters without blanks";
}

// SES API v2, CreateConfigurationSet: letters, digits, `_` and `-`, at most 64.
std::string check_configuration_set(const std::string& value) {
  return value.empty() || (provider::is_tag_value(value) && value.size() <= 64)
             ? ""
             : "must be letters, digits, _ and -, at most 64";
}

std::string check_region(const std::string& value) {
  return value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos
             ? ""
             : "must be a region such as eu-central-1";
}

std::string check_host(const std::string& value) {
  return value.find_first_of(" \t\r\n/@") == std::string::npos ? "" : "must be a host name or address";
}

// A list in one text: its entries, without blanks around them.
std::vector<std::string> entries_of(const std::string& value) {
  std::vector<std::string> entries;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    const std::string_view entry = trim(std::string_view(value).substr(begin, end - begin));
    if (!entry.empty()) entries.emplace_back(entry);
    begin = end + 1;
  }
  return entries;
}

// arn:PARTITION:sns:REGION:ACCOUNT:NAME (Amazon SNS, "Topic ARN format").
std::string check_topic_arns(const std::string& value) {
  for (const std::string& entry : entries_of(value)) {
    const bool printable = entry.find_first_of(" \t\r\n") == std::string::npos;
    const bool fields = std::ranges::count(entry, ':') == 5 && entry.find(":sns:") != std::string::npos;
    if (!entry.starts_with("arn:") || !fields || !printable) {
      return "must be ARNs of SNS topics such as arn:aws:sns:eu-west-1:123456789012:ses-feedback, separated "
             "by commas";
    }
  }
  return "";
}

// Enough entropy for HMAC-SHA256 (RFC 2104 §3: no shorter than the hash).
std::string check_secret(const std::string& value) {
  return value.empty() || value.size() >= 32 ? "" : "must have at least 32 bytes";
}

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

std::optional<Endpoint> read_endpoint(const std::string& value) {
  const std::size_t colon = value.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string address = value.substr(0, colon);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (address.empty() || bracketed != (address.find(':') != std::string::npos)) return std::nullopt;
  if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) return std::nullopt;
  Endpoint out{.address = std::move(address)};
  const char* const end = value.data() + value.size();
  const auto [rest, fault] = std::from_chars(value.data() + colon + 1, end, out.port);
  if (fault != std::errc() || rest != end) return std::nullopt;
  return out;
}

std::string check_listen(const std::string& value) {
  return read_endpoint(value) ? "" : "must be ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080";
}

std::string check_listen_or_off(const std::string& value) {
  return value.empty() || read_endpoint(value)
             ? ""
             : "must be ADDRESS:PORT such as 0.0.0.0:25 or [::]:25, or empty to turn it off";
}

std::string check_servers(const std::string& value) {
  for (const std::string& entry : entries_of(value)) {
    if (entry.find_first_not_of("0123456789abcdefABCDEF:.@") != std::string::npos) {
      return "must be addresses such as 192.0.2.53 or 127.0.0.1@5353, separated by commas";
    }
  }
  return "";
}

void listen_on(const std::string& value, std::string& address, std::uint16_t& port) {
  const auto endpoint = read_endpoint(value);
  address = endpoint ? endpoint->address : "";
  port = endpoint ? endpoint->port : std::uint16_t{0};
}

// Rows of the table, by type.

Setting text(std::string_view key, std::string fallback, std::string_view doc, CheckText check,
             ApplyText apply) {
  return {.key = key,
          .type = SettingType::text,
          .fallback = std::move(fallback),
          .doc = doc,
          .apply = apply,
          .check = check};
}

struct Range {
  std::int64_t min;
  std::int64_t max;
};

Setting number(std::string_view key, std::int64_t fallback, Range range, std::string_view doc,
               ApplyNumber apply) {
  return {.key = key,
          .type = SettingType::number,
          .fallback = fallback,
          .doc = doc,
          .apply = apply,
          .min = range.min,
          .max = range.max};
}

Setting flag(std::string_view key, bool fallback, std::string_view doc, ApplyFlag apply) {
  return {.key = key, .type = SettingType::flag, .fallback = fallback, .doc = doc, .apply = apply};
}

Setting choice(std::string_view key, std::span<const std::string_view> choices, std::int64_t fallback,
               std::string_view doc, ApplyNumber apply) {
  return {.key = key,
          .type = SettingType::choice,
          .fallback = fallback,
          .doc = doc,
          .apply = apply,
          .choices = choices};
}

/// What an empty or automatic default stands for.
Setting else_is(std::string_view note, Setting setting) {
  setting.fallback_note = note;
  return setting;
}

Setting shown(Shown how, Setting setting) {
  setting.shown = how;
  return setting;
}

constexpr Range kAnyLimit{1, 1000 * kMillion};
constexpr Range kAnyQuota{0, std::numeric_limits<std::int64_t>::max()};
constexpr Range kTimeout{100, 3'600'000};

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
      else_is("made once, kept in `<data_dir>/secret`",
              shown(Shown::hidden,
                    text("signing.secret", "",
                         "Signs cursors and tokens; at least 32 bytes, the same on every node.", check_secret,
                         [](Config& c, const std::string& v) { c.signing_secret = v; }))),
      number("trash.retention_days", 30, {1, 3650}, "How long trashed agents and messages can be restored.",
             [](Config& c, std::int64_t v) { c.trash_retention = std::chrono::days(v); }),
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
                text("store.url", "", "`sqlite:PATH`, or `postgres://…` where several nodes share the work.",
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
      text("http.public_url", "", "Where clients reach the API; begins the links that are handed out.",
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
      text("limits.plan_code", "default", "Name of the plan that accounts are shown.", check_not_empty,
           [](Config& c, const std::string& v) { c.limits.plan_code = v; }),
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

std::vector<Setting> outbound_settings() {
  return {
      else_is(
          "`smtp` when `smtp.host` is set, else `maildir`",
          choice("outbound.provider", kProviders, 0,
                 "Who takes mail that leaves: a Maildir on this machine, the relay `smtp.host`, the API of "
                 "Amazon SES, or Resend.",
                 [](Config& c, std::int64_t v) {
                   CS_ASSERT(v >= 1);  // "auto" is settled before settings are applied
                   c.outbound.provider = static_cast<Provider>(v - 1);
                 })),
      else_is("the shared domain",
              text("outbound.from_domain", "", "Domain of From for agents whose own domain may not send.",
                   check_domain,
                   [](Config& c, const std::string& v) { c.outbound.from_domain = ascii_lower(v); })),
      else_is("`<data_dir>/outbound`",
              text("outbound.maildir", "", "Folder of the provider `maildir`.", check_any,
                   [](Config& c, const std::string& v) { c.outbound.maildir = v; })),
      choice("outbound.return_path", kReturnPaths, 0,
             "Envelope sender: one per message, so that bounces say which (`bounces+…@`, `agent+…@`), or "
             "`plain`.",
             [](Config& c, std::int64_t v) { c.outbound.return_path = static_cast<ReturnPath>(v); }),
      number("dispatcher.lease_seconds", 60, {1, 3600},
             "How long a claimed hand-over belongs to a worker that does not renew it.",
             [](Config& c, std::int64_t v) { c.dispatcher.lease = std::chrono::seconds(v); }),
      number("dispatcher.batch", 32, {1, 1000}, "Hand-overs claimed at a time.",
             [](Config& c, std::int64_t v) { c.dispatcher.batch = static_cast<int>(v); }),
      number("dispatcher.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks at the queue.",
             [](Config& c, std::int64_t v) { c.dispatcher.poll_interval = std::chrono::milliseconds(v); }),
      number("expiry.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks for holds whose time is up.",
             [](Config& c, std::int64_t v) { c.expiry_poll_interval = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> inbound_settings() {
  return {
      text("inbound.listen", "127.0.0.1:2525",
           "Address and port on which mail is received (SMTP); for the world `0.0.0.0:25`. Empty: no mail "
           "comes in.",
           check_listen_or_off,
           [](Config& c, const std::string& v) { listen_on(v, c.inbound.address, c.inbound.port); }),
      text("inbound.tls_listen", "", "The same with TLS from the first byte.", check_listen_or_off,
           [](Config& c, const std::string& v) { listen_on(v, c.inbound.tls_address, c.inbound.tls_port); }),
      text(
          "inbound.lmtp_listen", "",
          "Address and port for LMTP, behind a mail server of your own. Never open it to the world.",
          check_listen_or_off,
          [](Config& c, const std::string& v) { listen_on(v, c.inbound.lmtp_address, c.inbound.lmtp_port); }),
      else_is(
          "this machine's name",
          text("inbound.host_name", "", "The name this server gives itself; MX records point to it.",
               check_domain, [](Config& c, const std::string& v) { c.inbound.host_name = ascii_lower(v); })),
      text("inbound.tls_certificate_file", "",
           "Certificate chain (PEM); with it STARTTLS is offered. A changed file is noticed.", check_any,
           [](Config& c, const std::string& v) { c.inbound.tls_certificate_file = v; }),
      text("inbound.tls_key_file", "", "Its private key (PEM).", check_any,
           [](Config& c, const std::string& v) { c.inbound.tls_key_file = v; }),
      number("inbound.message_bytes_max", 10 * 1024 * 1024, {1024, 64 * 1024 * 1024},
             "Size of a message; a larger one is refused with 552.",
             [](Config& c, std::int64_t v) { c.inbound.message_bytes_max = static_cast<std::uint64_t>(v); }),
      number("inbound.recipients_max", 50, {1, 1000}, "Recipients of one transaction.",
             [](Config& c, std::int64_t v) { c.inbound.recipients_max = static_cast<std::size_t>(v); }),
      number("inbound.connections_max", 10'000, {1, kMillion}, "Connections that may be open at a time.",
             [](Config& c, std::int64_t v) { c.inbound.connections_max = static_cast<std::size_t>(v); }),
      number("inbound.connections_per_address_max", 100, {1, kMillion},
             "Of these, from one address (IPv6: from one /64).",
             [](Config& c, std::int64_t v) {
               c.inbound.connections_per_address_max = static_cast<std::size_t>(v);
             }),
      number("inbound.timeout_ms", 30'000, kTimeout, "How long a client may take for a command.",
             [](Config& c, std::int64_t v) { c.inbound.timeout = std::chrono::milliseconds(v); }),
      number("inbound.batch", 32, {1, 1000}, "Messages that are read and put into mailboxes at a time.",
             [](Config& c, std::int64_t v) { c.inbound.batch = static_cast<int>(v); }),
      number(
          "inbound.lease_seconds", 120, {1, 3600},
          "How long a claimed arrival belongs to a worker; longer than reading one and asking the DNS takes.",
          [](Config& c, std::int64_t v) { c.inbound.lease = std::chrono::seconds(v); }),
      number("inbound.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks for what arrived.",
             [](Config& c, std::int64_t v) { c.inbound.poll_interval = std::chrono::milliseconds(v); }),
      else_is(
          "those of `/etc/resolv.conf`",
          text("dns.servers", "",
               "Resolvers that are asked about senders: `ADDRESS` or `ADDRESS@PORT`, separated by commas.",
               check_servers, [](Config& c, const std::string& v) { c.dns.servers = entries_of(v); })),
      text("dns.local_data", "", "Records beside the DNS, for tests: lines of a zone file.", check_any,
           [](Config& c, const std::string& v) {
             for (std::size_t begin = 0; begin < v.size();) {
               const std::size_t end = std::min(v.find('\n', begin), v.size());
               const std::string_view record = trim(std::string_view(v).substr(begin, end - begin));
               if (!record.empty()) c.dns.local_data.emplace_back(record);
               begin = end + 1;
             }
           }),
      number("dns.timeout_ms", 5000, kTimeout, "How long one question may take.",
             [](Config& c, std::int64_t v) { c.dns.timeout = std::chrono::milliseconds(v); }),
      flag("screening.enabled", true,
           "Screen the content of received mail for agents whose protection asks for it.",
           [](Config& c, bool v) { c.screening.enabled = v; }),
  };
}

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

std::vector<Setting> relay_settings() {
  return {
      text("smtp.host", "", "The relay that takes mail for the world.", check_host,
           [](Config& c, const std::string& v) { c.smtp.host = v; }),
      number("smtp.port", 587, {1, 65'535}, "587 is submission; 465 with `implicit`; 25 between servers.",
             [](Config& c, std::int64_t v) { c.smtp.port = static_cast<std::uint16_t>(v); }),
      choice("smtp.tls", kTlsModes, 2,
             "`starttls` and `implicit` insist on TLS; `opportunistic` takes it when offered.",
             [](Config& c, std::int64_t v) { c.smtp.tls = static_cast<SmtpTls>(v); }),
      flag("smtp.verify", true, "Check the relay's certificate and its name.",
           [](Config& c, bool v) { c.smtp.verify = v; }),
      else_is("the system's", text("smtp.ca_file", "", "Authorities that may have signed it (PEM).",
                                   check_any, [](Config& c, const std::string& v) { c.smtp.ca_file = v; })),
      else_is("`smtp.host`", text("smtp.tls_name", "", "The name expected in the certificate.", check_host,
                                  [](Config& c, const std::string& v) { c.smtp.tls_name = v; })),
      else_is("this machine's name", text("smtp.helo_name", "", "The name given in EHLO.", check_domain,
                                          [](Config& c, const std::string& v) { c.smtp.helo_name = v; })),
      text("smtp.username", "", "Log in as (AUTH PLAIN or LOGIN); empty: do not.", check_any,
           [](Config& c, const std::string& v) { c.smtp.username = v; }),
      shown(Shown::hidden, text("smtp.password", "", "Its password.", check_any,
                                [](Config& c, const std::string& v) { c.smtp.password = v; })),
      text("smtp.password_file", "",
           "A file that holds the password instead; a final newline is dropped. It is read again at every "
           "login, so that a password may be changed under a running server.",
           check_any, [](Config& c, const std::string& v) { c.smtp.password_file = v; }),
      flag("smtp.auth_without_tls", false, "Allow the password to travel unencrypted.",
           [](Config& c, bool v) { c.smtp.auth_without_tls = v; }),
      flag("smtp.ses", false,
           "The relay is Amazon SES: mail carries our ids and `ses.configuration_set` in SES's own fields.",
           [](Config& c, bool v) { c.smtp.ses = v; }),
      number("smtp.connections_max", 4, {1, 256}, "Connections to the relay at a time.",
             [](Config& c, std::int64_t v) { c.smtp.connections_max = static_cast<std::size_t>(v); }),
      number("smtp.messages_per_connection_max", 100, {1, 100'000},
             "Messages before a connection is replaced.",
             [](Config& c, std::int64_t v) {
               c.smtp.messages_per_connection_max = static_cast<std::size_t>(v);
             }),
      number("smtp.connect_timeout_ms", 30'000, kTimeout, "To connect, per address.",
             [](Config& c, std::int64_t v) { c.smtp.connect_timeout = std::chrono::milliseconds(v); }),
      number("smtp.tls_timeout_ms", 120'000, kTimeout, "For the TLS handshake.",
             [](Config& c, std::int64_t v) { c.smtp.tls_timeout = std::chrono::milliseconds(v); }),
      number("smtp.command_timeout_ms", 300'000, kTimeout,
             "For the greeting and the answer to a command (RFC 5321 §4.5.3.2).",
             [](Config& c, std::int64_t v) { c.smtp.command_timeout = std::chrono::milliseconds(v); }),
      number("smtp.data_block_timeout_ms", 180'000, kTimeout,
             "For each block of the message to be taken (RFC 5321 §4.5.3.2.5).",
             [](Config& c, std::int64_t v) { c.smtp.data_block_timeout = std::chrono::milliseconds(v); }),
      number("smtp.final_dot_timeout_ms", 600'000, kTimeout,
             "For the answer to the whole message (RFC 5321 §4.5.3.2.6); later it counts as unknown.",
             [](Config& c, std::int64_t v) { c.smtp.final_dot_timeout = std::chrono::milliseconds(v); }),
      number("smtp.idle_timeout_ms", 60'000, kTimeout, "Before an unused connection is ended.",
             [](Config& c, std::int64_t v) { c.smtp.idle_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> ses_settings() {
  return {
      else_is("`AWS_REGION`", text("ses.region", "", "Region of the SES account.", check_region,
                                   [](Config& c, const std::string& v) { c.ses.region = v; })),
      else_is("`https://email.<region>.amazonaws.com`",
              text("ses.endpoint", "", "Where the SES API v2 is reached, for instance a VPC endpoint.",
                   check_endpoint, [](Config& c, const std::string& v) { c.ses.endpoint = v; })),
      else_is("`AWS_ACCESS_KEY_ID`, a container's credentials, or the role of this machine (IMDSv2)",
              text("ses.access_key_id", "", "Access key of a user or role that may call ses:SendEmail.",
                   check_header_value, [](Config& c, const std::string& v) { c.ses.access_key_id = v; })),
      shown(Shown::hidden, text("ses.secret_access_key", "", "Its secret.", check_header_value,
                                [](Config& c, const std::string& v) { c.ses.secret_access_key = v; })),
      text("ses.secret_access_key_file", "",
           "A file that holds the secret instead; a final newline is dropped. It is read again at every "
           "message.",
           check_any, [](Config& c, const std::string& v) { c.ses.secret_access_key_file = v; }),
      shown(Shown::hidden,
            text("ses.session_token", "", "Goes with temporary credentials.", check_header_value,
                 [](Config& c, const std::string& v) { c.ses.session_token = v; })),
      text("ses.configuration_set", "",
           "The configuration set that publishes what becomes of a message; without one a lost answer stays "
           "unknown.",
           check_configuration_set, [](Config& c, const std::string& v) { c.ses.configuration_set = v; }),
      else_is("the system's",
              text("ses.ca_file", "", "Authorities that may have signed the endpoint's (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.ses.ca_file = v; })),
      text("ses.metadata_url", "http://169.254.169.254", "The instance metadata service.", check_metadata_url,
           [](Config& c, const std::string& v) { c.ses.metadata_url = v; }),
      number("ses.answer_timeout_ms", 120'000, kTimeout,
             "For the whole request and its answer; later it counts as unknown.",
             [](Config& c, std::int64_t v) { c.ses.answer_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> resend_settings() {
  return {
      shown(Shown::hidden, text("resend.api_key", "", "API key that may send.", check_header_value,
                                [](Config& c, const std::string& v) { c.resend.api_key = v; })),
      text(
          "resend.api_key_file", "",
          "A file that holds the key instead; a final newline is dropped. It is read again at every message.",
          check_any, [](Config& c, const std::string& v) { c.resend.api_key_file = v; }),
      text(
          "resend.endpoint", "https://api.resend.com", "Where the API is reached.",
          [](const std::string& v) { return v.empty() ? "must not be empty" : check_endpoint(v); },
          [](Config& c, const std::string& v) { c.resend.endpoint = v; }),
      else_is("the system's",
              text("resend.ca_file", "", "Authorities that may have signed the endpoint's (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.resend.ca_file = v; })),
      number("resend.answer_timeout_ms", 60'000, kTimeout,
             "For the whole request and its answer; later the request is repeated with its key.",
             [](Config& c, std::int64_t v) { c.resend.answer_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> feedback_settings() {
  return {
      text("feedback.sns_topic_arns", "",
           "Amazon SES: SNS topics whose notifications `POST /webhooks/ses` takes, by commas; empty: none.",
           check_topic_arns,
           [](Config& c, const std::string& v) { c.feedback.sns_topic_arns = entries_of(v); }),
      else_is("the system's",
              text("feedback.sns_ca_file", "",
                   "Authorities that SNS and its certificates are checked with (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.feedback.sns_ca_file = v; })),
      text("feedback.bounce_maildir", "",
           "A Maildir into which a mail server delivers what comes to the return paths; empty: none is read.",
           check_any, [](Config& c, const std::string& v) { c.feedback.bounce_maildir = v; }),
      number(
          "feedback.bounce_poll_interval_ms", 5000, {10, 3'600'000}, "Pause between two looks into it.",
          [](Config& c, std::int64_t v) { c.feedback.bounce_poll_interval = std::chrono::milliseconds(v); }),
      text("feedback.sns_stand_in_for_tests", "",
           "For tests only: a HOST:PORT that may play SNS. Whoever holds it can invent feedback.", check_host,
           [](Config& c, const std::string& v) { c.feedback.sns_stand_in_for_tests = ascii_lower(v); }),
      text("feedback.sns_stand_in_for_tests_ca_file", "",
           "For tests only: the authority of that stand-in (PEM).", check_any,
           [](Config& c, const std::string& v) { c.feedback.sns_stand_in_for_tests_ca_file = v; }),
  };
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> all;
    for (auto part : {general_settings, store_settings, http_settings, inbound_settings, outbound_settings,
                      webhook_settings, relay_settings, ses_settings, resend_settings, feedback_settings}) {
      std::ranges::copy(part(), std::back_inserter(all));
    }
    return all;
  }();
  return table;
}

const Setting* find_setting(std::string_view key) {
  const auto table = settings();
  const auto found = std::ranges::find(table, key, &Setting::key);
  return found == table.end() ? nullptr : &*found;
}

std::string environment_name(std::string_view key) {
  std::string name = "COUNTERSIGN_";
  for (const char c : key) {
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string describe_type(const Setting& setting) {
  switch (setting.type) {
    case SettingType::text:
      return "text";
    case SettingType::number:
      return setting.max == std::numeric_limits<std::int64_t>::max()
                 ? fmt::format("number, {} or more", setting.min)
                 : fmt::format("number, {} to {}", setting.min, setting.max);
    case SettingType::flag:
      return "true or false";
    case SettingType::choice:
      return fmt::format("{}", fmt::join(setting.choices, ", "));
  }
  return "";
}

std::string to_toml(const Setting& setting, const SettingValue& value) {
  switch (setting.type) {
    case SettingType::text: {
      std::string out = "\"";
      for (const char c : std::get<std::string>(value)) {
        if (c == '"' || c == '\\') {
          out += '\\';
          out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
      }
      return out + '"';
    }
    case SettingType::number:
      return std::to_string(std::get<std::int64_t>(value));
    case SettingType::flag:
      return std::get<bool>(value) ? "true" : "false";
    case SettingType::choice:
      return fmt::format("\"{}\"", setting.choices[static_cast<std::size_t>(std::get<std::int64_t>(value))]);
  }
  return "";
}

}  // namespace countersign::daemon
