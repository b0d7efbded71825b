// A receiver on loopback sockets, an intake that keeps what it is given, a clock that can be put forward, and
// a client that says exactly what it is told to.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "inbound/smtp/receiver.hpp"

namespace countersign::test {

/// Real timers on a clock that stands still until it is put forward: they wake whoever looks for the late,
/// and nobody is late because the machine was busy.
class SkippingTimers final : public net::Timers {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const override {
    return begin_ + skipped_.load();
  }
  [[nodiscard]] std::unique_ptr<net::Timer> make(const boost::asio::any_io_executor& executor) override {
    return net::steady_timers().make(executor);
  }
  void skip(std::chrono::steady_clock::duration time) { skipped_ = skipped_.load() + time; }

 private:
  const std::chrono::steady_clock::time_point begin_ = net::steady_timers().now();
  std::atomic<std::chrono::steady_clock::duration> skipped_{};
};

struct KeptMessage {
  inbound::Envelope envelope;
  std::string content;
};

/// Answers by the local part: "unknown…", "full…", "down…" and "broken…" (throws) are refused at RCPT;
/// "gone…", "late-full…", "loop…", "unstored…" and "burst…" (throws) at the end of the content; everybody
/// else has a mailbox.
class KeepingIntake final : public inbound::Intake {
 public:
  boost::asio::awaitable<inbound::RecipientAnswer> recipient(std::string address) override;
  boost::asio::awaitable<std::vector<inbound::AcceptAnswer>> accept(
      inbound::Envelope envelope, std::shared_ptr<const std::string> raw) override;

  [[nodiscard]] std::vector<KeptMessage> kept() const;
  /// Messages wait in accept() while this is set.
  void hold(bool on);
  void wait_until_held(std::size_t count);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<KeptMessage> kept_;
  std::size_t held_ = 0;
  bool hold_ = false;
};

/// Blocking; every wait ends after ten minutes.
class SmtpClient {
 public:
  explicit SmtpClient(std::uint16_t port);
  explicit SmtpClient(const std::string& unix_path);
  ~SmtpClient();
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;

  void send(std::string_view text);
  /// One whole reply, lines parted by CRLF; "" at the end of the connection.
  std::string reply();
  /// send, then reply.
  std::string say(std::string_view text);
  /// Everything until the server closes.
  std::string rest();
  void half_close();
  void reset();
  /// False: the handshake failed.
  bool start_tls();
  /// SHA-256 of the server's certificate, in hexadecimal.
  [[nodiscard]] std::string server_fingerprint() const;
  [[nodiscard]] int socket() const { return socket_; }

 private:
  bool receive();

  int socket_ = -1;
  std::string received_;
  std::shared_ptr<void> context_;
  std::shared_ptr<void> ssl_;
};

class ReceiverTest : public testing::Test {
 protected:
  ReceiverTest();
  ~ReceiverTest() override;

  /// Starts with options_; once per test.
  void start();
  SmtpClient connect(std::size_t listener = 0) { return SmtpClient(receiver_->port(listener)); }
  bool drain(std::chrono::milliseconds patience);
  std::vector<std::string> messages() const { return counted(messages_); }
  std::vector<std::string> refusals() const { return counted(refusals_); }
  std::vector<std::string> handshakes() const { return counted(handshakes_); }
  /// Puts the clock forward until there is no connection any more.
  bool everybody_leaves_in_time();
  static bool eventually(const std::function<bool()>& condition);

  inbound::smtp::ReceiverOptions options_;
  KeepingIntake intake_;
  SkippingTimers timers_;
  boost::asio::io_context io_;
  std::unique_ptr<inbound::smtp::Receiver> receiver_;

 private:
  std::vector<std::string> counted(const std::vector<std::string>& list) const;
  std::function<void(std::string_view)> counter(std::vector<std::string>& list);

  mutable std::mutex mutex_;
  std::vector<std::string> messages_;
  std::vector<std::string> refusals_;
  std::vector<std::string> handshakes_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::thread> threads_;
};

}  // namespace countersign::test
