// What a deployment decides about receiving, and the named maximum of everything a client may do.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "inbound/smtp/command.hpp"
#include "net/networks.hpp"

namespace countersign::inbound::smtp {

using Milliseconds = std::chrono::milliseconds;

struct Limits {
  std::uint64_t message_bytes_max = 10ULL * 1024 * 1024;  // contract §26; announced by SIZE; beyond: 552
  std::size_t recipients_max = 50;                        // per transaction, contract §26; beyond: 452
  std::size_t command_bytes_max = 1024;  // RFC 5321 §4.5.3.1.4 with room for extensions, CRLF included
  std::size_t text_line_bytes_max = 256 * 1024;  // §4.5.3.1.6 says 1000; real mail is longer
  std::size_t header_bytes_max = 256 * 1024;     // of the content's header; what mail::parse reads
  std::size_t errors_max = 20;                   // refused commands of a session; then 421
  std::size_t refused_recipients_max = 100;      // of a session, of mailboxes that there are not; then 421
  std::size_t put_off_recipients_max = 10'000;   // of a session, for another reason; then 421
  std::size_t idle_commands_max = 100;           // NOOP, RSET, EHLO … since the last message; then 421
  std::size_t transactions_max = 10'000;         // of a session; then 421
  std::size_t chunks_max = 20'000;               // BDAT commands of a message; then 421
  std::uint64_t drained_bytes_max = 32ULL * 1024 * 1024;  // swallowed beyond message_bytes_max to answer well
};

struct Timeouts {
  Milliseconds command{30'000};        // contract §26; for the whole of a command, not per byte
  Milliseconds content_pause{30'000};  // without a byte of content
  Milliseconds content_grace{60'000};  // content may take this, and what follows from the rate
  std::uint64_t content_bytes_per_second_min = 1024;
  Milliseconds write{30'000};
  Milliseconds handshake{30'000};
  Milliseconds proxy_header{5'000};  // the whole of it
  Milliseconds linger{2'000};        // swallowing what a client still sends that was told to go
  Milliseconds sweep_interval{250};  // how late a deadline may be noticed
};

struct ListenerOptions {
  Dialect dialect = Dialect::smtp;
  bool implicit_tls = false;
  std::string address = "127.0.0.1";  // numeric; not looked at when unix_path is set
  std::uint16_t port = 0;             // 0: any free one, see Receiver::port
  std::string unix_path;
};

struct ReceiverOptions {
  std::string host_name = "localhost";  // in the greeting and EHLO
  std::vector<ListenerOptions> listeners;
  std::string tls_certificate_file;  // PEM, the chain; empty: no STARTTLS
  std::string tls_key_file;          // PEM
  // Proxies in front of the SMTP listeners: each connection of theirs begins with a PROXY protocol header,
  // which says who the client is. Nobody else's may.
  net::Networks proxies;
  std::size_t connections_max = 10'000;
  std::size_t connections_per_address_max = 100;                     // an IPv6 client counts by its /64
  std::uint64_t content_bytes_in_flight_max = 256ULL * 1024 * 1024;  // over all connections; beyond: 452
  Limits limits;
  Timeouts timeouts;
};

/// What happened, for counters. Each may be empty; called on the threads that run the receiver.
struct ReceiverHooks {
  /// A connection was taken, by listener: "smtp", "smtps", "lmtp".
  std::function<void(std::string_view listener)> connected;
  /// What became of one message: "taken", "unknown", "over_quota", "loop", "unavailable", "mixed",
  /// "too_large", "header_too_large", "line_too_long", "bare_line_end", "no_room", "flood", "lost" (the
  /// client went away).
  std::function<void(std::string_view outcome)> message;
  /// Anything refused but a message: "command", "unknown_recipient", "over_quota", "recipient_unavailable",
  /// "too_many_recipients", "size_announced", "too_many_connections", "too_many_from_address",
  /// "too_many_errors", "too_many_refused_recipients", "too_many_put_off_recipients", "too_many_commands",
  /// "too_many_transactions", "bad_line_end", "not_mail", "plaintext_after_starttls", "timeout", "stopping",
  /// "bad_proxy_header".
  std::function<void(std::string_view reason)> refused;
  /// A handshake ended: "TLSv1.3", "TLSv1.2", "failed".
  std::function<void(std::string_view version)> tls;
};

}  // namespace countersign::inbound::smtp
