#include "inbound/smtp/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <limits>
#include <new>

#include "base/assert.hpp"

namespace asio = boost::asio;

namespace countersign::inbound::smtp {
namespace {

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kTuple{};

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that went away would end the process.
int bio_write(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const int socket = static_cast<int>(BIO_get_fd(bio, nullptr));
  const ssize_t written = ::send(socket, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (written < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(written);
}

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = [] {
    const BIO_METHOD* socket = BIO_s_socket();
    BIO_METHOD* quiet = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR,
                                     "socket without signals");
    CS_ASSERT(quiet != nullptr);
    BIO_meth_set_write(quiet, bio_write);
    BIO_meth_set_read(quiet, BIO_meth_get_read(socket));
    BIO_meth_set_ctrl(quiet, BIO_meth_get_ctrl(socket));
    BIO_meth_set_create(quiet, BIO_meth_get_create(socket));
    BIO_meth_set_destroy(quiet, BIO_meth_get_destroy(socket));
    return quiet;
  }();
  return method;
}

int bounded(std::size_t bytes) {
  constexpr std::size_t kMax = std::numeric_limits<int>::max();
  return static_cast<int>(bytes < kMax ? bytes : kMax);
}

}  // namespace

void Stream::FreeSsl::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

Stream::Stream(Socket socket) : socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

Stream::~Stream() { close(); }

IoResult Stream::read(std::span<char> buffer) {
  if (broken_) return {Io::failed};
  if (ssl_) {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer.data(), bounded(buffer.size()));
    if (count > 0) return {Io::done, static_cast<std::size_t>(count)};
    const Io io = tls_fault(count);
    broken_ = io == Io::failed;
    return {io};
  }
  const ssize_t count = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) return {Io::done, static_cast<std::size_t>(count)};
  if (count == 0) return {Io::end};
  return {would_block() ? Io::wants_read : Io::failed};
}

IoResult Stream::write(std::string_view bytes) {
  if (broken_) return {Io::failed};
  if (ssl_) {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), bytes.data(), bounded(bytes.size()));
    if (count > 0) return {Io::done, static_cast<std::size_t>(count)};
    const Io io = tls_fault(count);
    broken_ = io == Io::failed;
    return {io == Io::end ? Io::failed : io};
  }
  const ssize_t count =
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count >= 0) return {Io::done, static_cast<std::size_t>(count)};
  return {would_block() ? Io::wants_write : Io::failed};
}

void Stream::begin_tls(const std::shared_ptr<ssl_ctx_st>& context) {
  ssl_.reset(SSL_new(context.get()));
  BIO* const bio = BIO_new(bio_method());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  BIO_set_fd(bio, socket_.native_handle(), BIO_NOCLOSE);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

Io Stream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Io::done;
  const Io io = tls_fault(result);
  broken_ = io == Io::failed;
  return io;
}

Io Stream::tls_fault(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Io::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return Io::end;
    default:
      return Io::failed;
  }
}

std::string Stream::tls_description() const {
  if (!ssl_) return {};
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  const char* const name = cipher == nullptr ? nullptr : SSL_CIPHER_standard_name(cipher);
  return std::string(SSL_get_version(ssl_.get())) + " " + (name == nullptr ? "unknown" : name);
}

void Stream::end_writing() noexcept {
  if (ssl_ && !broken_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::cancel() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

asio::awaitable<void> Stream::ready(Io io) {
  const auto what = io == Io::wants_write ? Socket::wait_write : Socket::wait_read;
  const auto [error] = co_await socket_.async_wait(what, kTuple);
  static_cast<void>(error);  // the next operation finds out
}

}  // namespace countersign::inbound::smtp
