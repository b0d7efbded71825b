// A client's socket, in clear or under TLS. It never waits: whoever would have to, gets told for what.
//
// Waiting on readiness instead of on an operation with a buffer lets ten thousand idle connections do without
// ten thousand buffers, and OpenSSL working on the socket itself saves the two copies of a BIO pair.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace countersign::inbound::smtp {

using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Strand>;

enum class Io : std::uint8_t {
  done,
  wants_read,
  wants_write,
  end,     // the client closed its side
  failed,  // reset, TLS fault
};

struct IoResult {
  Io io = Io::done;
  std::size_t bytes = 0;
};

class Stream {
 public:
  explicit Stream(Socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] IoResult read(std::span<char> buffer);
  /// A part may be written; the rest is to be given again.
  [[nodiscard]] IoResult write(std::string_view bytes);
  /// Prepares the server's side of TLS.
  void begin_tls(const std::shared_ptr<ssl_ctx_st>& context);
  /// Goes on with the handshake.
  [[nodiscard]] Io shake_hands();
  /// "TLSv1.3 TLS_AES_256_GCM_SHA384"; "" in clear.
  [[nodiscard]] std::string tls_description() const;
  /// Tells the client that nothing follows (close_notify, FIN).
  void end_writing() noexcept;
  void close() noexcept;

  /// Completes when the socket is ready for what `io` wants, or cancel() was called.
  [[nodiscard]] boost::asio::awaitable<void> ready(Io io);
  void cancel() noexcept;
  [[nodiscard]] Strand strand() { return socket_.get_executor(); }

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const noexcept;
  };
  [[nodiscard]] Io tls_fault(int result) const;

  Socket socket_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  bool broken_ = false;  // after a fatal TLS error nothing more may be done with it
};

}  // namespace countersign::inbound::smtp
