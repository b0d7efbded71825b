#include "support/scripted_http_server.hpp"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "support/server_socket.hpp"

namespace countersign::test {
namespace {

// How long a test waits for what its client is to do; only one that fails takes so long.
constexpr std::chrono::minutes kPatience{5};

}  // namespace

std::string http_answer(int status, const std::string& body, const std::string& fields) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Scripted\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

class ScriptedHttpServer::Connection {
 public:
  Connection(ScriptedHttpServer& server, std::vector<HttpTurn> turns, int socket, std::size_t index)
      : server_(server), turns_(std::move(turns)), socket_(socket), index_(index) {
    thread_ = std::thread([this] { run(); });
  }
  ~Connection() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  void run() {
    converse();
    if (tls_ != nullptr) SSL_free(tls_);
    ::shutdown(socket_, SHUT_RDWR);
    const std::lock_guard lock(server_.mutex_);
    ++server_.ended_;
    server_.changed_.notify_all();
  }

  void converse() {
    if (server_.tls_context_ && turns_.front().after != HttpTurn::After::nothing && !start_tls()) return;
    for (std::size_t n = 0;; ++n) {
      const HttpTurn& turn = turns_[std::min(n, turns_.size() - 1)];
      if (turn.after != HttpTurn::After::nothing && !read_request(turn.after)) return;
      if (!perform(turn.say)) return;
    }
  }

  bool start_tls() {
    tls_ = SSL_new(static_cast<SSL_CTX*>(server_.tls_context_.get()));
    SSL_set_fd(tls_, socket_);
    return SSL_accept(tls_) == 1;
  }

  bool read_request(HttpTurn::After until) {
    std::size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return false;
    }
    ReceivedRequest request = parsed(std::string_view(input_).substr(0, end));
    input_.erase(0, end + 4);
    const auto length = request.fields.find("content-length");
    const std::size_t bytes = length == request.fields.end() ? 0 : std::stoul(length->second);
    if (until == HttpTurn::After::header && bytes > 0 && input_.empty() && !read_more()) return false;
    if (until == HttpTurn::After::request) {
      while (input_.size() < bytes) {
        if (!read_more()) return false;
      }
      request.body = input_.substr(0, bytes);
      input_.erase(0, bytes);
    }
    const std::lock_guard lock(server_.mutex_);
    server_.requests_.push_back(std::move(request));
    server_.changed_.notify_all();
    return true;
  }

  [[nodiscard]] ReceivedRequest parsed(std::string_view head) const {
    ReceivedRequest request;
    request.connection = index_;
    while (!head.empty()) {
      const std::size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, end);
      if (request.line.empty()) {
        request.line = line;
      } else {
        const std::size_t colon = std::min(line.find(':'), line.size() - 1);
        request.fields[ascii_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
      }
      head.remove_prefix(std::min(end + 2, head.size()));
    }
    return request;
  }

  bool read_more() {
    std::array<char, 65536> bytes{};
    const auto got = tls_ != nullptr ? SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                     : static_cast<int>(::recv(socket_, bytes.data(), bytes.size(), 0));
    if (got <= 0) return false;
    input_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }

  // False: the connection is over.
  bool perform(const Say& say) {
    std::string_view rest = say.text;
    while (!rest.empty()) {
      const auto sent = tls_ != nullptr ? SSL_write(tls_, rest.data(), static_cast<int>(rest.size()))
                                        : ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    switch (say.then) {
      case Say::Then::go_on:
        return true;
      case Say::Then::hold:
        while (read_more()) {
        }
        return false;
      case Say::Then::stall: {
        pollfd gone{socket_, POLLRDHUP, 0};
        ::poll(&gone, 1, -1);
        return false;
      }
      case Say::Then::reset:
        disconnect_with_reset(socket_);
        return false;
      case Say::Then::close:
        return false;
    }
    return false;
  }

  ScriptedHttpServer& server_;
  std::vector<HttpTurn> turns_;
  int socket_;
  std::size_t index_;
  SSL* tls_ = nullptr;
  std::string input_;
  std::thread thread_;
};

ScriptedHttpServer::ScriptedHttpServer(Connections connections, const std::string& certificate_file,
                                       const std::string& key_file)
    : scripts_(std::move(connections)) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
  if (!certificate_file.empty()) tls_context_ = server_tls_context(certificate_file, key_file);
  std::tie(listener_, port_) = listen_on_loopback();
  acceptor_ = std::thread([this] { accept_loop(); });
}

ScriptedHttpServer::~ScriptedHttpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  open_.clear();
}

void ScriptedHttpServer::accept_loop() {
  while (true) {
    const int socket = accept_on(listener_);
    if (socket < 0) return;
    std::size_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      index = begun_++;
    }
    const auto& turns = scripts_[std::min(index, scripts_.size() - 1)];
    open_.push_back(std::make_unique<Connection>(*this, turns, socket, index));
  }
}

std::string ScriptedHttpServer::url(const std::string& path) const {
  return std::string(tls_context_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) + path;
}

bool ScriptedHttpServer::wait_for_requests(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
}

bool ScriptedHttpServer::wait_for_ended(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return ended_ >= count; });
}

std::size_t ScriptedHttpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

std::vector<ReceivedRequest> ScriptedHttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace countersign::test
