// A TCP proxy in front of PostgreSQL that understands message boundaries and breaks a connection at a chosen
// one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace countersign::test {

class PostgresProxy {
 public:
  /// What happens when a client uses the prepared statement that was armed.
  enum class Fault {
    /// The connection dies; the server never sees the statement.
    cut_before,
    /// The server gets everything and answers; the client sees its connection die instead of the answer.
    cut_after,
    /// The client sees its connection die; the server keeps waiting for the statement, which release() sends.
    delay,
    /// Nothing dies, nothing arrives: the client waits.
    swallow,
  };

  /// Forwards 127.0.0.1:port() to `host`:`port`.
  PostgresProxy(std::string host, int port);
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  /// `url` with this proxy in place of the server, without TLS.
  [[nodiscard]] std::string in_front_of(const std::string& url) const;

  /// The next `times` uses of the prepared statement `name` meet `fault`.
  void arm(Fault fault, std::string_view name, int times = 1);
  /// Sends what Fault::delay held back and waits until the server closed those connections.
  void release();
  [[nodiscard]] int faults() const;
  /// Waits until something has met a fault. False: nothing did within ten minutes.
  [[nodiscard]] bool wait_for_fault();

 private:
  class Link;

  void accept_loop();
  [[nodiscard]] bool take_order(std::string_view statement, Fault& fault);

  const std::string host_;
  const int server_port_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable met_;
  Fault fault_ = Fault::cut_before;
  std::string statement_;
  int times_ = 0;
  int faults_ = 0;
  std::vector<std::unique_ptr<Link>> links_;
  std::thread acceptor_;
};

}  // namespace countersign::test
