#include "net/http_connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <limits>
#include <utility>

#include "base/id.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "net/takeover.hpp"

namespace countersign::net {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::uint64_t kLingerBytesMax = 64ULL * 1024 * 1024;
constexpr std::size_t kRequestIdBytesMax = 1024;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

using Tuple = asio::as_tuple_t<asio::use_awaitable_t<>>;
constexpr Tuple kTuple{};

std::int64_t ns_of(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";  // RFC 9112 §4: clients ignore the phrase
  }
}

// RFC 9110 §5.6.7, formatted once per second and thread.
std::string_view http_date() {
  thread_local std::time_t formatted = 0;
  thread_local std::array<char, 32> text{};
  const std::time_t now = std::time(nullptr);
  if (now != formatted) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    formatted = now;
  }
  return text.data();
}

// Echoed as it came (contract §3) unless it could not stand in a JSON answer or is unreasonably long.
std::string request_id_of(const Headers& headers) {
  const std::string_view given = headers.get("X-Request-Id");
  const bool printable = std::all_of(given.begin(), given.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!given.empty() && given.size() <= kRequestIdBytesMax && printable) return std::string(given);
  return "req_" + random_hex(24);
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  // A control character would let a value end the field (response splitting).
  for (const char c : value) head.push_back(static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c);
  head.append("\r\n");
}

// The header without Content-Length and without the empty line that ends it.
void fill_head(std::string& head, const Response& response, const std::string& request_id, bool keep_alive) {
  head.clear();
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(reason_phrase(response.status)).append("\r\n");
  append_field(head, "Date", http_date());
  append_field(head, "X-Request-Id", request_id);
  append_field(head, "X-Content-Type-Options", "nosniff");
  append_field(head, "Connection", keep_alive ? "keep-alive" : "close");
  for (const Header& field : response.headers) append_field(head, field.name, field.value);
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

// A share of the bytes that bodies may occupy over all connections, given back at the end of the request.
class HttpConnection::BodyReservation {
 public:
  explicit BodyReservation(HttpShared& shared) : shared_(shared) {}
  ~BodyReservation() { shared_.body_bytes_in_flight -= bytes_; }
  BodyReservation(const BodyReservation&) = delete;
  BodyReservation& operator=(const BodyReservation&) = delete;

  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const {
    return shared_.body_bytes_in_flight + bytes <= shared_.options.body_bytes_in_flight_max;
  }
  // Grows the share to `bytes`. False, and no change, when the server has no room for it.
  bool grow_to(std::uint64_t bytes) {
    if (bytes <= bytes_) return true;
    const std::uint64_t more = bytes - bytes_;
    if ((shared_.body_bytes_in_flight += more) > shared_.options.body_bytes_in_flight_max) {
      shared_.body_bytes_in_flight -= more;
      return false;
    }
    bytes_ = bytes;
    return true;
  }

 private:
  HttpShared& shared_;
  std::uint64_t bytes_ = 0;
};

HttpConnection::HttpConnection(Socket socket, std::string peer_address, std::shared_ptr<HttpShared> shared)
    : socket_(std::move(socket)),
      peer_address_(std::move(peer_address)),
      shared_(std::move(shared)),
      buffer_(shared_->options.header_bytes_max + kReadBytes),
      deadline_ns_(kNever) {}

asio::awaitable<void> HttpConnection::run() {
  bool goes_on = true;  // awaiting in the condition of a loop traps when g++ 12 compiled it
  while (goes_on) goes_on = co_await serve_one();
  close();
}

// Reads and answers one request. False: the connection has ended or must end.
asio::awaitable<bool> HttpConnection::serve_one() {
  RequestParser parser(shared_->options.header_bytes_max);
  BodyReservation reservation(*shared_);
  const Read read = co_await read_request(parser, reservation);
  if (read != Read::request) co_return false;

  const bool head = parser.request().method == "HEAD";
  const bool body_unread = parser.request().body_too_large.has_value();
  const bool client_keeps = parser.keep_alive() && !body_unread;
  const std::string request_id = parser.request().request_id;
  enter_without_deadline(Phase::handling);
  const Response response = co_await answer(std::move(parser.request()));
  if (response.takeover) {
    co_await give_away(*response.takeover, request_id);
    co_return false;
  }
  if (response.stream) {
    co_await write_stream(response, request_id, head);
    co_return false;
  }
  const bool keep_alive = client_keeps && !shared_->draining;
  const bool written = co_await write(response, request_id, head, keep_alive);
  if (written && body_unread) co_await linger();
  const bool goes_on = written && keep_alive;
  co_return goes_on;
}

asio::awaitable<HttpConnection::Read> HttpConnection::read_request(RequestParser& parser,
                                                                   BodyReservation& reservation) {
  skip_blank_lines();
  if (buffer_.size() == 0) {
    if (shared_->draining) co_return Read::end;
    enter(Phase::idle, shared_->options.idle_timeout);
    while (buffer_.size() == 0) {
      const bool received = co_await receive();
      if (!received) co_return Read::end;
      skip_blank_lines();
    }
  }
  enter(Phase::reading, shared_->options.header_timeout);
  const Read read = co_await read_on(parser, reservation);
  if (read == Read::end && expired_) {
    const std::string request_id = request_id_of(parser.request().headers);
    co_await refuse(408, request_id);
  }
  co_return read;
}

asio::awaitable<HttpConnection::Read> HttpConnection::read_on(RequestParser& parser,
                                                              BodyReservation& reservation) {
  for (;;) {
    switch (feed(parser)) {
      case RequestParser::Progress::complete:
        if (!reservation.grow_to(parser.request().body.size())) {
          co_await refuse(503, parser.request().request_id);
          co_return Read::refused;
        }
        co_return Read::request;
      case RequestParser::Progress::header: {
        const Read begun = co_await begin_body(parser, reservation);
        if (begun != Read::request || parser.request().body_too_large) co_return begun;
        break;
      }
      case RequestParser::Progress::fault: {
        if (parser.request().body_too_large) co_return Read::request;
        const std::string request_id = request_id_of(parser.request().headers);
        co_await refuse(parser.fault_status(), request_id);
        co_return Read::refused;
      }
      case RequestParser::Progress::need_more:
        if (!reservation.grow_to(parser.request().body.size())) {
          co_await refuse(503, parser.request().request_id);
          co_return Read::refused;
        }
        if (const bool received = co_await receive(); !received) co_return Read::end;
        break;
    }
  }
}

RequestParser::Progress HttpConnection::feed(RequestParser& parser) {
  const auto data = buffer_.data();
  std::size_t consumed = 0;
  const auto progress = parser.feed({static_cast<const char*>(data.data()), data.size()}, consumed);
  buffer_.consume(consumed);
  return progress;
}

// The header is complete: decides whether the body is taken, and invites it where the client waits for that.
asio::awaitable<HttpConnection::Read> HttpConnection::begin_body(RequestParser& parser,
                                                                 BodyReservation& reservation) {
  Request& request = parser.request();
  request.peer_address = peer_address_;
  request.request_id = request_id_of(request.headers);
  if (parser.is_done()) co_return Read::request;

  const std::uint64_t max = shared_->service.body_bytes_max(request.method, request.path);
  const std::uint64_t announced = parser.announced_bytes().value_or(0);
  parser.set_body_bytes_max(max);
  if (announced > max) {
    request.body_too_large = BodyTooLarge{.actual_bytes = announced, .max_bytes = max};
    co_return Read::request;
  }
  // Room is taken as the bytes come: announcing costs a client nothing, and a few that only announce must not
  // keep everybody else out.
  const auto expectation = request.headers.find("Expect");
  const bool waits = expectation && equal_ignoring_case(*expectation, "100-continue");
  const int refusal = expectation && !waits ? 417 : reservation.has_room_for(announced) ? 0 : 503;
  if (refusal != 0) {
    co_await refuse(refusal, request.request_id);
    co_return Read::refused;
  }
  enter(Phase::reading, shared_->options.body_timeout);
  if (waits && !parser.http_1_0() && buffer_.size() == 0) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto text = asio::buffer(kContinue);
    const auto [error, bytes] = co_await asio::async_write(socket_, text, kTuple);
    if (error) co_return Read::end;
  }
  co_return Read::request;
}

// Waits for more bytes. False: there are none to come.
asio::awaitable<bool> HttpConnection::receive() {
  if (expired_ || buffer_.size() >= buffer_.max_size()) co_return false;  // full: an endless chunk extension
  const std::size_t room = std::min(kReadBytes, buffer_.max_size() - buffer_.size());
  const auto space = buffer_.prepare(room);
  const auto [error, bytes] = co_await socket_.async_read_some(space, kTuple);
  buffer_.commit(bytes);
  co_return !error && !expired_;
}

asio::awaitable<Response> HttpConnection::answer(Request request) {
  Response response;
  try {
    response = co_await shared_->service.respond(std::move(request));
  } catch (const std::exception& fault) {
    log::error("http.handler_failed", {{"error", fault.what()}});
    response = Response{.status = 500, .headers = {}, .body = "internal error\n"};
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
  }
  co_return response;
}

// What a client sends before it has read the 101 belongs to no protocol (RFC 6455 §4.1).
asio::awaitable<void> HttpConnection::give_away(Takeover& takeover, const std::string& request_id) {
  if (buffer_.size() > 0) {
    co_await refuse(400, request_id);
    co_return;
  }
  takeover.take(std::move(socket_));
}

asio::awaitable<bool> HttpConnection::write(const Response& response, const std::string& request_id,
                                            bool head, bool keep_alive) {
  fill_head(head_, response, request_id, keep_alive);
  const bool body_allowed = may_have_body(response.status);
  if (body_allowed) append_field(head_, "Content-Length", std::to_string(response.body.size()));
  head_.append("\r\n");

  const bool send_body = body_allowed && !head;
  const std::array buffers{asio::buffer(std::as_const(head_)),
                           asio::buffer(response.body.data(), send_body ? response.body.size() : 0)};
  enter(Phase::writing, shared_->options.write_timeout);
  const auto [error, bytes] = co_await asio::async_write(socket_, buffers, kTuple);
  co_return !error;
}

// Without a length and without chunks: the end of the connection is the end of the body (RFC 9112 §6.3).
asio::awaitable<void> HttpConnection::write_stream(const Response& response, const std::string& request_id,
                                                   bool head) {
  fill_head(head_, response, request_id, false);
  head_.append("\r\n");
  std::string piece = head_;
  bool goes_on = true;
  while (goes_on) {
    const auto bytes = asio::buffer(std::as_const(piece));
    enter(Phase::writing, shared_->options.write_timeout);
    const auto [error, count] = co_await asio::async_write(socket_, bytes, kTuple);
    if (error || head || shared_->draining) break;
    enter_without_deadline(Phase::handling);
    std::optional<std::string> next = co_await response.stream();
    goes_on = next.has_value() && socket_.is_open();
    if (next) piece = std::move(*next);
  }
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> HttpConnection::refuse(int status, const std::string& request_id) {
  Response response;
  if (shared_->service.refuse) {
    response = shared_->service.refuse(status, request_id);
  } else {
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = std::string(reason_phrase(status)) + "\n";
  }
  const bool written = co_await write(response, request_id, false, false);
  if (written) co_await linger();
}

// A socket that is closed while bytes wait in it sends a reset, which may overtake the answer (RFC 9112
// §9.6).
asio::awaitable<void> HttpConnection::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  enter(Phase::writing, shared_->options.linger_timeout);
  std::uint64_t swallowed = buffer_.size();
  buffer_.consume(buffer_.size());
  bool more = true;
  while (more && swallowed < kLingerBytesMax) {
    more = co_await receive();
    swallowed += buffer_.size();
    buffer_.consume(buffer_.size());
  }
}

void HttpConnection::enter(Phase phase, std::chrono::milliseconds patience) {
  phase_ = phase;
  expired_ = false;
  deadline_ns_ = ns_of(std::chrono::steady_clock::now() + patience);
}

void HttpConnection::enter_without_deadline(Phase phase) {
  phase_ = phase;
  deadline_ns_ = kNever;
}

// RFC 9112 §2.2: empty lines before a request line are ignored.
void HttpConnection::skip_blank_lines() {
  const auto data = buffer_.data();
  const std::string_view text(static_cast<const char*>(data.data()), data.size());
  const std::size_t first = text.find_first_not_of("\r\n");
  buffer_.consume(first == std::string_view::npos ? text.size() : first);
}

bool HttpConnection::is_due(std::chrono::steady_clock::time_point now) const noexcept {
  return ns_of(now) > deadline_ns_;
}

void HttpConnection::expire_if_due() {
  if (!is_due(std::chrono::steady_clock::now())) return;
  enter_without_deadline(phase_);
  if (phase_ == Phase::writing) return close();
  expired_ = true;  // a read may have just completed, so that there is none to cancel
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void HttpConnection::close_if_idle() {
  if (phase_ == Phase::idle) close();
}

void HttpConnection::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace countersign::net
