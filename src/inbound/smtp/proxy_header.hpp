// What a proxy says in front of a connection that it passes on: the PROXY protocol, versions 1 and 2
// (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt, called PP below). No I/O.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::inbound::smtp {

/// Reads a header in pieces cut anywhere, and not a byte of what follows it: that may be a TLS handshake,
/// which OpenSSL reads from the socket itself. Nothing is guessed: a byte that no header can have there ends
/// it.
class ProxyHeader {
 public:
  enum class State : std::uint8_t { unfinished, finished, malformed };

  /// How many bytes may be read next without reading past the header; while unfinished at least one.
  [[nodiscard]] std::size_t wanted() const noexcept;
  /// `bytes` are at most wanted().
  State read(std::string_view bytes);
  /// Nothing was read yet.
  [[nodiscard]] bool untouched() const noexcept { return bytes_.empty(); }
  /// Once finished: who the client is. Nothing: the proxy speaks for itself, or does not know (PP §2.1
  /// UNKNOWN, §2.2 LOCAL, UNSPEC); the peer of the connection counts then.
  [[nodiscard]] const std::optional<boost::asio::ip::address>& client() const noexcept { return client_; }

 private:
  [[nodiscard]] State judge();
  [[nodiscard]] State judge_text();
  [[nodiscard]] State judge_binary();
  [[nodiscard]] bool is_binary() const noexcept;

  std::string bytes_;
  std::optional<boost::asio::ip::address> client_;
};

}  // namespace countersign::inbound::smtp
