// One HTTP connection: its socket, its coroutine, its deadline. Internal to net.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "net/http_server.hpp"
#include "net/request_parser.hpp"
#include "net/socket.hpp"

namespace countersign::net {

/// What the connections of one server share.
struct HttpShared {
  HttpOptions options;
  HttpService service;
  std::atomic<bool> draining = false;
  std::atomic<std::uint64_t> body_bytes_in_flight = 0;
};

/// Everything but expire_if_due runs on the connection's strand.
class HttpConnection {
 public:
  HttpConnection(Socket socket, std::string peer_address, std::shared_ptr<HttpShared> shared);

  /// Serves requests until the connection ends. The caller keeps this object alive until then.
  boost::asio::awaitable<void> run();

  [[nodiscard]] Strand strand() { return socket_.get_executor(); }
  /// Whether the present wait is past its deadline. Any thread.
  [[nodiscard]] bool is_due(std::chrono::steady_clock::time_point now) const noexcept;
  /// Ends the present wait when it is past its deadline; a half-read request is then answered with 408.
  void expire_if_due();
  /// Closes the connection when no request has begun on it.
  void close_if_idle();
  void close();

 private:
  enum class Phase { idle, reading, handling, writing };
  enum class Read { request, refused, end };
  class BodyReservation;

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Read> read_request(RequestParser& parser, BodyReservation& reservation);
  boost::asio::awaitable<Read> read_on(RequestParser& parser, BodyReservation& reservation);
  boost::asio::awaitable<bool> receive();
  boost::asio::awaitable<Read> begin_body(RequestParser& parser, BodyReservation& reservation);
  RequestParser::Progress feed(RequestParser& parser);
  boost::asio::awaitable<Response> answer(Request request);
  boost::asio::awaitable<void> give_away(Takeover& takeover, const std::string& request_id);
  boost::asio::awaitable<bool> write(const Response& response, const std::string& request_id, bool head,
                                     bool keep_alive);
  boost::asio::awaitable<void> write_stream(const Response& response, const std::string& request_id,
                                            bool head);
  boost::asio::awaitable<void> refuse(int status, const std::string& request_id);
  boost::asio::awaitable<void> linger();
  void enter(Phase phase, std::chrono::milliseconds patience);
  void enter_without_deadline(Phase phase);
  void skip_blank_lines();

  Socket socket_;
  const std::string peer_address_;
  const std::shared_ptr<HttpShared> shared_;
  boost::beast::flat_buffer buffer_;  // what was received and not yet consumed
  Phase phase_ = Phase::idle;
  bool expired_ = false;                   // the deadline of the present phase is over
  std::atomic<std::int64_t> deadline_ns_;  // of the steady clock
  std::string head_;                       // of the answer being written
};

}  // namespace countersign::net
