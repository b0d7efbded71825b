// An HTTP/1.1 server: connections, framing, limits, deadlines and drain. What is answered is the handler's
// business. No TLS: it stands behind a reverse proxy or on a loopback address.
//
// One coroutine per connection, on a strand of its own. Requests of a connection are answered in order, one
// after another. Nothing that a client does (going away included) cancels a handler that has begun.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/http_message.hpp"

namespace countersign::net {

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one, see HttpServer::port
  std::size_t connections_max = 4096;
  std::size_t header_bytes_max = 64 * 1024;          // beyond: 431
  std::chrono::milliseconds idle_timeout{75'000};    // between requests
  std::chrono::milliseconds header_timeout{15'000};  // from the first byte to the end of the header
  std::chrono::milliseconds body_timeout{60'000};    // from there to the end of the body
  std::chrono::milliseconds write_timeout{60'000};   // one answer
  std::chrono::milliseconds linger_timeout{5'000};   // swallowing what a refused client still sends
  std::chrono::milliseconds sweep_interval{250};     // how late a deadline may be noticed
  std::uint64_t body_bytes_in_flight_max = 256ULL * 1024 * 1024;  // over all connections; beyond: 503
};

/// What a server needs from its user. All are called on the threads that run the io_context.
struct HttpService {
  /// Answers one request. An exception that escapes becomes a bare 500.
  std::function<boost::asio::awaitable<Response>(Request)> respond;
  /// How many body bytes are taken for this method and (raw) path; asked before the body is read. A larger
  /// body is not read: `respond` is called with body_too_large set, and the connection ends after its answer.
  std::function<std::uint64_t(std::string_view method, std::string_view path)> body_bytes_max;
  /// The answer to what is no request at all (400, 408, 417, 431, 503, 505). Plain text when not set.
  std::function<Response(int status, const std::string& request_id)> refuse;
};

/// Listens from construction on, and accepts once start() was called. The io_context is run by the caller,
/// by one thread or several, and must outlive the server; the destructor is called when no thread runs it.
class HttpServer {
 public:
  /// Throws EnvironmentError when the address cannot be bound.
  HttpServer(boost::asio::io_context& io, HttpOptions options, HttpService service);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The port that is listened on.
  [[nodiscard]] std::uint16_t port() const noexcept;
  void start();
  /// Stops accepting, closes idle connections, lets requests that have begun finish, and completes when the
  /// last connection is gone or `patience` is over; then what is left is closed, and its handlers still run
  /// to their end as long as the io_context runs. True: nothing was left.
  [[nodiscard]] boost::asio::awaitable<bool> drain(std::chrono::milliseconds patience);
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::net
