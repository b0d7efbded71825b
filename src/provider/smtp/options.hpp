// How a relay is reached: address, TLS, credentials, deadlines, limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace countersign::provider::smtp {

enum class TlsMode : std::uint8_t {
  none,           // never
  opportunistic,  // STARTTLS when offered; once begun, it must succeed
  starttls,       // STARTTLS or nothing
  implicit,       // TLS from the first byte (RFC 8314 §3.3)
};

/// Client timeouts of RFC 5321 §4.5.3.2, each for one wait. What RFC 5321 does not name is marked.
struct Deadlines {
  std::chrono::milliseconds connect{30'000};      // per address; not in the RFC
  std::chrono::milliseconds tls{120'000};         // handshake; not in the RFC
  std::chrono::milliseconds greeting{300'000};    // §4.5.3.2.1
  std::chrono::milliseconds hello{300'000};       // as §4.5.3.2.2
  std::chrono::milliseconds auth{180'000};        // at least 30 s by RFC 4954 §4
  std::chrono::milliseconds reset{20'000};        // not in the RFC
  std::chrono::milliseconds mail{300'000};        // §4.5.3.2.2
  std::chrono::milliseconds rcpt{300'000};        // §4.5.3.2.3
  std::chrono::milliseconds data{120'000};        // §4.5.3.2.4
  std::chrono::milliseconds data_block{180'000};  // §4.5.3.2.5
  std::chrono::milliseconds final_dot{600'000};   // §4.5.3.2.6
  std::chrono::milliseconds quit{5'000};          // nothing depends on the answer
  std::chrono::milliseconds idle{60'000};         // before an unused connection is ended
};

struct RelayOptions {
  std::string host;
  std::uint16_t port = 587;
  TlsMode tls = TlsMode::starttls;
  bool tls_verify = true;   // certificate chain and host name
  std::string tls_ca_file;  // PEM; empty: the system's
  std::string tls_name;     // name expected in the certificate; empty: host
  std::string username;     // empty: no AUTH
  std::string password;
  std::string password_file;      // when set, read at every login in place of `password`
  bool auth_without_tls = false;  // credentials in clear to a host that is not this one
  std::string helo_name = "localhost";
  /// Set (it may be empty): the relay is Amazon SES. Messages get SES's own fields with our ids, and its
  /// events make the transport one of the class evidence.
  std::optional<std::string> ses_configuration_set;
  std::size_t connections_max = 4;
  std::size_t messages_per_connection_max = 100;
  Deadlines deadlines;
};

}  // namespace countersign::provider::smtp
