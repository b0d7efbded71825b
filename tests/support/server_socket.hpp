// Blocking sockets of the scripted servers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace countersign::test {

/// A listening socket on a free port of 127.0.0.1, and the port.
[[nodiscard]] std::pair<int, std::uint16_t> listen_on_loopback();
/// The next connection, or a negative number when the listener was shut down.
[[nodiscard]] int accept_on(int listener);
/// Ends the connection with RST.
void disconnect_with_reset(int socket);
/// An SSL_CTX for a server, from PEM files.
[[nodiscard]] std::shared_ptr<void> server_tls_context(const std::string& certificate_file,
                                                       const std::string& key_file);

}  // namespace countersign::test
