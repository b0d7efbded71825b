#include "inbound/smtp/receiver_fixture.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <cstring>

#include "base/crypto.hpp"
#include "base/error.hpp"

namespace countersign::test {
namespace asio = boost::asio;
using inbound::AcceptAnswer;
using inbound::RecipientAnswer;
namespace {

constexpr std::chrono::seconds kPatience{600};  // only a receiver that hangs gets there
constexpr int kThreads = 2;

void set_patience(int socket) {
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void connect_to(int socket, const void* address, std::size_t bytes) {
  set_patience(socket);
  if (::connect(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(bytes)) != 0) {
    ADD_FAILURE() << "cannot connect: " << std::strerror(errno);
  }
}

SSL* as_ssl(const std::shared_ptr<void>& ssl) { return static_cast<SSL*>(ssl.get()); }

AcceptAnswer answer_for(const std::string& recipient) {
  if (recipient.starts_with("burst")) throw EnvironmentError("the disk is full", true);
  if (recipient.starts_with("gone")) return AcceptAnswer::unknown;
  if (recipient.starts_with("late-full")) return AcceptAnswer::over_quota;
  if (recipient.starts_with("loop")) return AcceptAnswer::refused;
  if (recipient.starts_with("unstored")) return AcceptAnswer::unavailable;
  return AcceptAnswer::taken;
}

}  // namespace

asio::awaitable<RecipientAnswer> KeepingIntake::recipient(std::string address) {
  if (address.starts_with("broken")) throw EnvironmentError("the store is away", true);
  if (address.starts_with("unknown")) co_return RecipientAnswer::unknown;
  if (address.starts_with("full")) co_return RecipientAnswer::over_quota;
  if (address.starts_with("down")) co_return RecipientAnswer::unavailable;
  co_return RecipientAnswer::ok;
}

asio::awaitable<std::vector<AcceptAnswer>> KeepingIntake::accept(inbound::Envelope envelope,
                                                                 std::shared_ptr<const std::string> raw) {
  std::vector<AcceptAnswer> answers;
  for (const std::string& recipient : envelope.recipients) answers.push_back(answer_for(recipient));
  {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hold_; });
    --held_;
    kept_.push_back({std::move(envelope), *raw});
  }
  co_return answers;
}

std::vector<KeptMessage> KeepingIntake::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

void KeepingIntake::hold(bool on) {
  const std::lock_guard lock(mutex_);
  hold_ = on;
  changed_.notify_all();
}

void KeepingIntake::wait_until_held(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return held_ >= count; }));
}

SmtpClient::SmtpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect_to(socket_, &address, sizeof(address));
}

SmtpClient::SmtpClient(const std::string& unix_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_path.copy(&address.sun_path[0], sizeof(address.sun_path) - 1);
  connect_to(socket_, &address, sizeof(address));
}

SmtpClient::~SmtpClient() { ::close(socket_); }

void SmtpClient::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ssl_ ? SSL_write(as_ssl(ssl_), text.data(), static_cast<int>(text.size()))
                           : ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server hung up; what it said is still to be read
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool SmtpClient::receive() {
  std::array<char, 4096> buffer{};
  const auto count = ssl_ ? SSL_read(as_ssl(ssl_), buffer.data(), static_cast<int>(buffer.size()))
                          : ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count < 0 && !ssl_ && (errno == EAGAIN || errno == EWOULDBLOCK))
    ADD_FAILURE() << "no reply in ten minutes";
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string SmtpClient::reply() {
  std::size_t line = 0;
  for (;;) {
    const std::size_t end = received_.find("\r\n", line);
    if (end == std::string::npos) {
      if (!receive()) return {};
      continue;
    }
    const bool last = end < line + 4 || received_[line + 3] != '-';
    if (last) {
      std::string reply = received_.substr(0, end);
      received_.erase(0, end + 2);
      return reply;
    }
    line = end + 2;
  }
}

std::string SmtpClient::say(std::string_view text) {
  send(text);
  return reply();
}

std::string SmtpClient::rest() {
  while (receive()) continue;
  return std::exchange(received_, {});
}

void SmtpClient::half_close() { ::shutdown(socket_, SHUT_WR); }

void SmtpClient::reset() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  ::close(std::exchange(socket_, -1));
}

bool SmtpClient::start_tls() {
  context_ = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  ssl_ = std::shared_ptr<SSL>(SSL_new(static_cast<SSL_CTX*>(context_.get())), SSL_free);
  SSL_set_fd(as_ssl(ssl_), socket_);
  if (SSL_connect(as_ssl(ssl_)) == 1) return true;
  ssl_.reset();
  return false;
}

std::string SmtpClient::server_fingerprint() const {
  const std::shared_ptr<X509> certificate(SSL_get1_peer_certificate(as_ssl(ssl_)), X509_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest.data(), &bytes);
  return to_hex(std::string(digest.begin(), digest.begin() + bytes));
}

ReceiverTest::ReceiverTest() {
  options_.host_name = "mx.example";
  options_.listeners.emplace_back();
  options_.timeouts.sweep_interval = std::chrono::milliseconds(10);
}

ReceiverTest::~ReceiverTest() {
  intake_.hold(false);
  if (receiver_) static_cast<void>(drain(std::chrono::milliseconds(0)));
  work_.reset();
  for (std::thread& thread : threads_) thread.join();
}

void ReceiverTest::start() {
  inbound::smtp::ReceiverHooks hooks;
  hooks.message = counter(messages_);
  hooks.refused = counter(refusals_);
  hooks.tls = counter(handshakes_);
  receiver_ = std::make_unique<inbound::smtp::Receiver>(io_, options_, intake_, std::move(hooks), timers_);
  receiver_->start();
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { io_.run(); });
}

bool ReceiverTest::drain(std::chrono::milliseconds patience) {
  return asio::co_spawn(io_, receiver_->drain(patience), asio::use_future).get();
}

bool ReceiverTest::everybody_leaves_in_time() {
  return eventually([this] {
    timers_.skip(std::chrono::seconds(5));
    return receiver_->connections() == 0;
  });
}

bool ReceiverTest::eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::vector<std::string> ReceiverTest::counted(const std::vector<std::string>& list) const {
  const std::lock_guard lock(mutex_);
  return list;
}

std::function<void(std::string_view)> ReceiverTest::counter(std::vector<std::string>& list) {
  return [this, &list](std::string_view what) {
    const std::lock_guard lock(mutex_);
    list.emplace_back(what);
  };
}

}  // namespace countersign::test
