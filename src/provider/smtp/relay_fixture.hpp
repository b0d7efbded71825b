// What the tests of the relay client share: a client on its own io_context, messages, fences.
#pragma once

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "provider/smtp/smtp_transport.hpp"
#include "support/scripted_smtp_server.hpp"

namespace countersign::provider::smtp::test {

using countersign::test::ReceivedMessage;
using countersign::test::say_and_close;
using countersign::test::say_and_hold;
using countersign::test::say_and_reset;
using countersign::test::say_and_stall;
using countersign::test::Script;
using countersign::test::ScriptedSmtpServer;

inline HandOver message_to(std::vector<std::string> recipients,
                           std::string raw = "Subject: hi\r\n\r\nText\r\n") {
  HandOver message;
  message.submission = "sub_1";
  message.key = "msg_1";
  message.envelope_from = "agent@here.example";
  message.recipients = std::move(recipients);
  message.raw = std::make_shared<const std::string>(std::move(raw));
  return message;
}

/// A fence that answers `holds` and counts how often it was asked.
class CountingFence {
 public:
  explicit CountingFence(bool holds = true) : holds_(holds) {}
  [[nodiscard]] Fence fence() {
    return [this]() -> boost::asio::awaitable<bool> {
      ++asked_;
      co_return holds_;
    };
  }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  bool holds_;
  int asked_ = 0;
};

/// A transport and the thread it runs on: the test's own.
class Client {
 public:
  explicit Client(RelayOptions options) : transport_(io_.get_executor(), std::move(options)) {}

  Reply send(HandOver message, Fence fence) {
    return run(transport_.hand_over(std::move(message), std::move(fence)));
  }
  Reply send(HandOver message) {
    CountingFence fence;
    return send(std::move(message), fence.fence());
  }
  Reply send_to(std::vector<std::string> recipients) { return send(message_to(std::move(recipients))); }
  void drain() {
    auto all = [](SmtpTransport& transport) -> boost::asio::awaitable<bool> {
      co_await transport.drain();
      co_return true;
    };
    run(all(transport_));
  }

  template <class T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    std::exception_ptr failed;
    bool done = false;
    boost::asio::co_spawn(io_, std::move(work), [&](std::exception_ptr error, T value) {
      failed = error;
      result = std::move(value);
      done = true;
    });
    io_.restart();
    while (!done) io_.run_one();
    if (failed) std::rethrow_exception(failed);
    return std::move(*result);
  }
  boost::asio::io_context& io() { return io_; }
  SmtpTransport& transport() { return transport_; }

 private:
  boost::asio::io_context io_;
  SmtpTransport transport_;
};

/// In clear, to the server on this machine.
inline RelayOptions plain_options(const ScriptedSmtpServer& server) {
  RelayOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.tls = TlsMode::none;
  options.helo_name = "client.test";
  return options;
}

}  // namespace countersign::provider::smtp::test
