// Settings of receiving: listeners and the DNS.
#include <algorithm>

#include "base/text.hpp"
#include "daemon/setting_rows.hpp"
#include "net/networks.hpp"

namespace countersign::daemon {
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
      text("inbound.proxy_from", "",
           "Networks of proxies in front of `inbound.listen` and `inbound.tls_listen`, separated by commas. "
           "Every connection from there has to begin with a PROXY protocol header (version 1 or 2), which "
           "says who the client is, or is closed and counted as `bad_proxy_header`; nobody else's header is "
           "believed.",
           check_networks,
           [](Config& c, const std::string& v) { c.inbound.proxies = *net::Networks::parse(v); }),
      number("inbound.timeout_ms", 30'000, kTimeout, "How long a client may take for a command.",
             [](Config& c, std::int64_t v) { c.inbound.timeout = std::chrono::milliseconds(v); }),
      number("inbound.batch", 64, {1, 1000}, "Messages that are read and put into mailboxes at a time.",
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
  };
}

}  // namespace countersign::daemon
