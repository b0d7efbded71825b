#include "support/server_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/assert.hpp"

namespace countersign::test {

std::pair<int, std::uint16_t> listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  CS_ASSERT(::bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  CS_ASSERT(::listen(listener, 64) == 0);
  CS_ASSERT(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return {listener, ntohs(address.sin_port)};
}

int accept_on(int listener) {
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return socket;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

void disconnect_with_reset(int socket) {
  const linger now{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  ::connect(socket, &unspecified, sizeof unspecified);
}

std::shared_ptr<void> server_tls_context(const std::string& certificate_file, const std::string& key_file) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  std::shared_ptr<void> owner(context, [](void* p) { SSL_CTX_free(static_cast<SSL_CTX*>(p)); });
  CS_ASSERT(SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) == 1);
  CS_ASSERT(SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  return owner;
}

}  // namespace countersign::test
