// An HTTP server for tests that says exactly what a script says, bytes included, and does it at the wrong
// moment where it is told to. In process, on 127.0.0.1, a thread for each connection, blocking sockets.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/say.hpp"

namespace countersign::test {

/// What happens to one request of a connection.
struct HttpTurn {
  enum class After : std::uint8_t {
    request,  // was read to its end
    header,   // was read, of a body only how it begins
    nothing,  // was read: at once, when the connection stands
  };
  HttpTurn(Say words, After moment = After::request) : say(std::move(words)), after(moment) {}  // NOLINT
  Say say;
  After after = After::request;
};

/// A whole answer. `fields` are complete lines with CRLF.
[[nodiscard]] std::string http_answer(int status, const std::string& body, const std::string& fields = "");

struct ReceivedRequest {
  std::size_t connection = 0;
  std::string line;                           // request line
  std::map<std::string, std::string> fields;  // names in lower case; the last of a name
  std::string body;
};

class ScriptedHttpServer {
 public:
  /// The turns of one connection; the last one stays.
  using Connections = std::vector<std::vector<HttpTurn>>;

  /// Connection n follows connections[n], those after the last follow the last. With certificate and key
  /// (PEM files) it speaks TLS.
  explicit ScriptedHttpServer(Connections connections, const std::string& certificate_file = "",
                              const std::string& key_file = "");
  ~ScriptedHttpServer();
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/") const;
  /// False: that did not happen within ten seconds.
  [[nodiscard]] bool wait_for_requests(std::size_t count);
  [[nodiscard]] bool wait_for_ended(std::size_t count);
  [[nodiscard]] std::size_t connections() const;
  /// Requests (read to where their turn says), in the order in which they came.
  [[nodiscard]] std::vector<ReceivedRequest> requests() const;

 private:
  class Connection;
  void accept_loop();

  Connections scripts_;
  std::shared_ptr<void> tls_context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
  std::vector<ReceivedRequest> requests_;
  std::list<std::unique_ptr<Connection>> open_;
  std::thread acceptor_;
};

}  // namespace countersign::test
