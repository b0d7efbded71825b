// An HTTP/1.1 client for coroutines. It says of a request without an answer how much of it can have left:
// what was never written was never carried out, and what was written may have been, however the connection
// ended.
//
// libcurl's multi interface on a thread of its own. No redirects, no cookies, no proxies from the
// environment, no repetition of its own for what may have had an effect.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_message.hpp"

namespace countersign::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute; user names in it are refused
  Headers headers;  // without Content-Length, which is added; Host is taken from the URL unless given here
  std::string body;
  std::chrono::milliseconds connect_timeout{15'000};  // name, connection and TLS together
  std::chrono::milliseconds total_timeout{60'000};    // to the last byte of the answer, waiting included
  std::size_t answer_bytes_max = 1024 * 1024;         // of the body; beyond: answer_too_large
  bool https_only = true;
  std::string ca_file;  // PEM; empty: the system's
  /// Numeric address (IPv6 without brackets) that is connected to instead of what the name resolves to; Host,
  /// SNI and the certificate's name stay those of the URL, and only connections to that address are reused.
  std::string connect_to_address;
};

struct HttpAnswer {
  int status = 0;  // 200–599; interim answers (1xx) are skipped
  Headers headers;
  std::string body;
};

enum class HttpFault : std::uint8_t {
  invalid_request,   // no usable URL, a control character in a header, https_only and no https
  resolve,           // no address for the name
  connect,           // no connection
  tls,               // handshake or certificate
  timeout,           // see `sent` for where
  connection_lost,   // closed or reset before the answer was complete
  malformed_answer,  // no HTTP
  answer_too_large,
  cancelled,  // the awaiting coroutine was cancelled, or the client destroyed
};

/// How much of a request can have reached the server. Incomplete requests are not carried out (RFC 9112 §8).
enum class Sent : std::uint8_t {
  nothing,  // also: the header only, of a request with a body
  part,     // the body was begun, and its last byte never left
  all,      // the server may have all of it
};

struct HttpFailure {
  HttpFault fault = HttpFault::connection_lost;
  Sent sent = Sent::nothing;
  int status = 0;    // of an answer that began and did not end; 0: none began
  std::string text;  // for logs: valid UTF-8, without controls and secrets
};

/// "resolve", "tls", …
[[nodiscard]] std::string_view to_string(HttpFault fault) noexcept;

struct HttpClientOptions {
  std::size_t connections_per_host_max = 16;  // more requests wait, within their total_timeout
  std::size_t idle_connections_max = 32;      // kept for reuse, over all hosts
  std::chrono::seconds idle_connection_age{
      10};  // older ones are not reused: the server may be about to close
};

/// Concurrent use is fine. Destroyed before the contexts of the executors that await it; what is under way
/// then fails as cancelled.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends one request and waits for the whole answer, whatever its status. Resumes on the awaiting executor.
  /// Terminal, partial and total cancellation of the awaiting coroutine end the request (cancelled).
  /// A connection from an earlier request that turns out to be dead is replaced, once or more, as long as
  /// nothing of a request's body was written; a request without a body is repeated only when it is GET or
  /// HEAD.
  [[nodiscard]] boost::asio::awaitable<Result<HttpAnswer, HttpFailure>> send(HttpRequest request);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::net
