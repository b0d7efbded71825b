#include "provider/smtp/stream.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "provider/smtp/response.hpp"

namespace asio = boost::asio;

namespace countersign::provider::smtp {
namespace {

using asio::ip::tcp;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr int kAddressesMax = 5;  // as Postfix's smtp_mx_address_limit
constexpr std::size_t kReadBytes = 8192;
constexpr std::chrono::seconds kRecordPatience{1};  // for the rest of a TLS record that has begun
constexpr std::size_t kFaultTextBytesMax = 512;

std::string describe(const boost::system::error_code& error) {
  return presentable(error.message(), kFaultTextBytesMax);
}

// Server name indication (RFC 6066 §3: names only) and the identity the certificate must hold (RFC 6125).
void expect_name(SSL* ssl, const std::string& name) {
  boost::system::error_code no_address;
  asio::ip::make_address(name, no_address);
  if (!no_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
    return;
  }
  // SSL_set_tlsext_host_name as a call: the macro casts in the old style.
  std::string sent = name;
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sent.data());
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set1_host(ssl, name.c_str());
}

}  // namespace

struct TlsClient::Impl {
  asio::ssl::context context{asio::ssl::context::tls_client};
};

TlsClient::TlsClient(const RelayOptions& options) : impl_(std::make_unique<Impl>()) {
  if (options.tls == TlsMode::none) return;
  SSL_CTX_set_min_proto_version(impl_->context.native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  if (options.tls_ca_file.empty()) {
    impl_->context.set_default_verify_paths(error);
  } else {
    impl_->context.load_verify_file(options.tls_ca_file, error);
  }
  if (error) {
    throw EnvironmentError("cannot read the relay's CA file " + options.tls_ca_file + ": " + describe(error),
                           false);
  }
}

TlsClient::~TlsClient() = default;

// Shared with the handler of the timer, which may still be queued when the stream is gone.
struct Stream::State : std::enable_shared_from_this<Stream::State> {
  State(const asio::any_io_executor& strand, asio::ssl::context& context)
      : stream(strand, context), timer(strand) {}

  enum class AtDeadline { close, cancel };  // cancelled, the connection is as good as before
  void arm(Milliseconds patience, AtDeadline at_deadline = AtDeadline::close) {
    timed_out = false;
    timer.expires_after(patience);
    auto expired = [weak = weak_from_this(), armed = ++generation,
                    at_deadline](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->generation != armed) return;
      self->timed_out = true;
      if (at_deadline == AtDeadline::close) return self->close();
      boost::system::error_code ignored;
      self->stream.next_layer().cancel(ignored);
    };
    timer.async_wait(std::move(expired));
  }
  void disarm() {
    ++generation;
    timer.cancel();
  }
  void close() noexcept {
    boost::system::error_code ignored;
    stream.next_layer().close(ignored);
  }
  // What went wrong with the operation that just ended in `error`.
  Fault fault(const boost::system::error_code& error) {
    close();
    if (timed_out) return {Fault::Kind::timeout, "deadline exceeded"};
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
      return {Fault::Kind::closed, "connection closed"};
    }
    return {Fault::Kind::closed, describe(error)};
  }

  asio::ssl::stream<tcp::socket> stream;
  asio::steady_timer timer;
  std::uint64_t generation = 0;
  bool timed_out = false;
  bool tls = false;
  bool loopback = false;
  std::array<char, kReadBytes> input{};
};

Stream::Stream(asio::any_io_executor strand, const TlsClient& tls)
    : state_(std::make_shared<State>(strand, tls.impl_->context)) {}

Stream::~Stream() { close(); }

bool Stream::encrypted() const noexcept { return state_->tls; }
bool Stream::to_loopback() const noexcept { return state_->loopback; }
void Stream::close() noexcept { state_->close(); }

asio::awaitable<Result<void, Fault>> Stream::connect(std::string host, std::uint16_t port,
                                                     Milliseconds patience) {
  const auto state = state_;
  tcp::resolver resolver(state->stream.get_executor());
  auto [lookup_error, addresses] = co_await resolver.async_resolve(host, std::to_string(port), kTuple);
  if (lookup_error) {
    co_return unexpected(
        Fault{Fault::Kind::unreachable, "cannot resolve " + host + ": " + describe(lookup_error)});
  }
  Fault last{Fault::Kind::unreachable, "no address for " + host};
  int tried = 0;
  for (const auto& address : addresses) {
    if (tried++ == kAddressesMax) break;
    const tcp::endpoint endpoint = address.endpoint();
    state->arm(patience);
    auto [error] = co_await state->stream.next_layer().async_connect(endpoint, kTuple);
    state->disarm();
    if (!error) {
      state->loopback = endpoint.address().is_loopback();
      boost::system::error_code ignored;
      state->stream.next_layer().set_option(tcp::no_delay(true), ignored);
      co_return Result<void, Fault>();
    }
    const std::string why = state->timed_out ? "deadline exceeded" : describe(error);
    last.kind = state->timed_out ? Fault::Kind::timeout : Fault::Kind::unreachable;
    last.text = "cannot connect to " + endpoint.address().to_string() + ": " + why;
    state->close();
  }
  co_return unexpected(std::move(last));
}

asio::awaitable<Result<void, Fault>> Stream::start_tls(std::string name, bool verify, Milliseconds patience) {
  const auto state = state_;
  SSL* const ssl = state->stream.native_handle();
  expect_name(ssl, name);
  state->stream.set_verify_mode(verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  state->arm(patience);
  auto [error] = co_await state->stream.async_handshake(asio::ssl::stream_base::client, kTuple);
  state->disarm();
  if (!error) {
    state->tls = true;
    co_return Result<void, Fault>();
  }
  Fault fault = state->fault(error);
  if (fault.kind == Fault::Kind::timeout) co_return unexpected(std::move(fault));
  fault.kind = Fault::Kind::tls;
  const long verified = SSL_get_verify_result(ssl);
  if (verify && verified != X509_V_OK) {
    fault.text = std::string("certificate: ") + X509_verify_cert_error_string(verified);
  }
  co_return unexpected(std::move(fault));
}

asio::awaitable<Result<std::string_view, Fault>> Stream::read_some(Milliseconds patience) {
  const auto state = state_;
  const auto buffer = asio::buffer(state->input);
  boost::system::error_code error;
  std::size_t bytes = 0;
  state->arm(patience);
  if (state->tls) {
    std::tie(error, bytes) = co_await state->stream.async_read_some(buffer, kTuple);
  } else {
    std::tie(error, bytes) = co_await state->stream.next_layer().async_read_some(buffer, kTuple);
  }
  state->disarm();
  if (error) co_return unexpected(state->fault(error));
  co_return std::string_view(state->input.data(), bytes);
}

asio::awaitable<Result<std::string_view, Fault>> Stream::read_what_is_there() {
  const auto state = state_;
  // Of what came together, OpenSSL has opened one record. Those behind it were read from the socket too.
  SSL* const ssl = state->stream.native_handle();
  const bool read_already = state->tls && (SSL_pending(ssl) > 0 || BIO_ctrl_pending(SSL_get_rbio(ssl)) > 0);
  if (!read_already) {
    char byte = 0;
    const int socket = state->stream.next_layer().native_handle();
    const ssize_t there = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (there < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) co_return std::string_view();
    if (there < 0) co_return unexpected(state->fault({errno, boost::system::system_category()}));
    if (there == 0) co_return unexpected(state->fault(asio::error::eof));
  }
  const auto buffer = asio::buffer(state->input);
  boost::system::error_code error;
  std::size_t bytes = 0;
  // Under TLS, what is there may be a record of the protocol's own, or the beginning of one.
  state->arm(kRecordPatience, State::AtDeadline::cancel);
  if (state->tls) {
    std::tie(error, bytes) = co_await state->stream.async_read_some(buffer, kTuple);
  } else {
    std::tie(error, bytes) = co_await state->stream.next_layer().async_read_some(buffer, kTuple);
  }
  state->disarm();
  if (error == asio::error::operation_aborted && state->timed_out) co_return std::string_view();
  if (error) co_return unexpected(state->fault(error));
  co_return std::string_view(state->input.data(), bytes);
}

asio::awaitable<Result<void, Fault>> Stream::write(std::string_view bytes, Milliseconds patience) {
  const auto state = state_;
  const auto buffer = asio::buffer(bytes);
  boost::system::error_code error;
  std::size_t written = 0;
  state->arm(patience);
  if (state->tls) {
    std::tie(error, written) = co_await asio::async_write(state->stream, buffer, kTuple);
  } else {
    std::tie(error, written) = co_await asio::async_write(state->stream.next_layer(), buffer, kTuple);
  }
  state->disarm();
  if (!error) co_return Result<void, Fault>();
  // Left open unless the deadline closed it: the relay may have said why before it closed its side.
  if (state->timed_out) co_return unexpected(state->fault(error));
  co_return unexpected(Fault{Fault::Kind::closed, describe(error)});
}

}  // namespace countersign::provider::smtp
