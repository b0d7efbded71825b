#include "conformance/postgres_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <stdexcept>

namespace countersign::test {
namespace {

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Appends what has arrived; false at the end of the stream.
bool receive_some(int socket, std::string& to) {
  std::array<char, 65'536> buffer;
  const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  to.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::size_t big_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (int i = 0; i < 4; ++i)
    value = value * 256 + static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

// Bind names the prepared statement it uses: 'B', length, portal, NUL, statement, NUL, …
std::string_view statement_bound_by(std::string_view message) {
  if (message.front() != 'B') return {};
  const std::size_t portal_end = message.find('\0', 5);
  return message.substr(portal_end + 1, message.find('\0', portal_end + 1) - portal_end - 1);
}

}  // namespace

// One client and its connection to the server, on a thread of their own.
class PostgresProxy::Link {
 public:
  Link(PostgresProxy& proxy, int client) : proxy_(proxy), client_(client) {
    server_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = address_of(proxy.host_, proxy.server_port_);
    if (::connect(server_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close_both();
    for (const int socket : {client_, server_}) {
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Link() {
    finish();
    close_both();
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Sends what is held back; then reads the server's answers until it closes.
  void release() {
    if (!held_back_) return;
    if (thread_.joinable()) thread_.join();
    send_all(server_, waiting_);
    ::shutdown(server_, SHUT_WR);
    while (receive_some(server_, answers_)) {
    }
  }

 private:
  void finish() {
    ::shutdown(client_, SHUT_RDWR);
    ::shutdown(server_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  void close_both() {
    for (int* socket : {&client_, &server_}) {
      if (*socket >= 0) ::close(*socket);
      *socket = -1;
    }
  }

  void run() {
    while (true) {
      std::array<pollfd, 2> sockets{{{client_, POLLIN, 0}, {server_, POLLIN, 0}}};
      if (::poll(sockets.data(), sockets.size(), -1) < 0) return;
      if (sockets[1].revents != 0) {
        answers_.clear();
        if (!receive_some(server_, answers_) || !send_all(client_, answers_)) break;
      }
      if (sockets[0].revents != 0) {
        if (!receive_some(client_, waiting_)) break;
        if (!forward_messages()) return;
      }
    }
    ::shutdown(client_, SHUT_RDWR);
    ::shutdown(server_, SHUT_RDWR);
  }

  // Forwards the complete messages the client has sent. False when the link met its fault.
  bool forward_messages() {
    while (true) {
      // The first message of a connection has no type.
      const std::size_t type = started_ ? 1 : 0;
      if (waiting_.size() < type + 4) return true;
      const std::size_t length = type + big_endian(std::string_view(waiting_).substr(type));
      if (waiting_.size() < length) return true;
      const std::string_view message = std::string_view(waiting_).substr(0, length);
      Fault fault{};
      if (started_ && proxy_.take_order(statement_bound_by(message), fault)) {
        meet(fault);
        return false;
      }
      started_ = true;
      send_all(server_, message);
      waiting_.erase(0, length);
    }
  }

  void meet(Fault fault) {
    switch (fault) {
      case Fault::cut_before:
        ::shutdown(server_, SHUT_RDWR);
        ::shutdown(client_, SHUT_RDWR);
        return;
      case Fault::cut_after:
        // The server has finished when it says that it is ready: 'Z', length 5, 'I'.
        send_all(server_, waiting_);
        answers_.clear();
        while (answers_.find(std::string_view("Z\0\0\0\5I", 6)) == std::string::npos) {
          if (!receive_some(server_, answers_)) break;
        }
        ::shutdown(client_, SHUT_RDWR);
        return;
      case Fault::delay:
        held_back_ = true;
        ::shutdown(client_, SHUT_RDWR);
        return;
      case Fault::swallow:
        return;
    }
  }

  PostgresProxy& proxy_;
  int client_;
  int server_ = -1;
  bool started_ = false;
  std::atomic<bool> held_back_ = false;
  std::string waiting_;  // from the client, not yet forwarded
  std::string answers_;
  std::thread thread_;
};

PostgresProxy::PostgresProxy(std::string host, int port) : host_(std::move(host)), server_port_(port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = address_of("127.0.0.1", 0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

PostgresProxy::~PostgresProxy() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
}

void PostgresProxy::accept_loop() {
  while (true) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const std::lock_guard lock(mutex_);
    links_.push_back(std::make_unique<Link>(*this, client));
  }
}

std::string PostgresProxy::in_front_of(const std::string& url) const {
  const std::size_t authority = url.find("//") + 2;
  const std::size_t at = url.find('@', authority);
  const std::size_t host = at == std::string::npos ? authority : at + 1;
  const std::size_t end = std::min(url.find_first_of("/?", host), url.size());
  const char* separator = url.find('?') == std::string::npos ? "?" : "&";
  return url.substr(0, host) + "127.0.0.1:" + std::to_string(port_) + url.substr(end) + separator +
         "sslmode=disable&gssencmode=disable";
}

void PostgresProxy::arm(Fault fault, std::string_view name, int times) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  statement_ = name;
  times_ = times;
}

bool PostgresProxy::take_order(std::string_view statement, Fault& fault) {
  const std::lock_guard lock(mutex_);
  if (times_ == 0 || statement != statement_) return false;
  --times_;
  ++faults_;
  met_.notify_all();
  fault = fault_;
  return true;
}

void PostgresProxy::release() {
  std::vector<Link*> links;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& link : links_) links.push_back(link.get());
  }
  for (Link* link : links) link->release();
}

bool PostgresProxy::wait_for_fault() {
  std::unique_lock lock(mutex_);
  return met_.wait_for(lock, std::chrono::minutes(10), [this] { return faults_ > 0; });
}

int PostgresProxy::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

}  // namespace countersign::test
