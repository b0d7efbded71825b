// What the tests of transports share: messages, fences, and a thread to run on.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "provider/transport.hpp"

namespace countersign::provider::test {

inline HandOver message_to(std::vector<std::string> recipients,
                           std::string raw = "Subject: hi\r\n\r\nText\r\n") {
  HandOver message;
  message.submission = "sub_1";
  message.message_id = "msg_1";
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
template <class T>
class TransportOwner {
 public:
  /// make: executor → std::unique_ptr<T>.
  template <class Make>
  explicit TransportOwner(Make make) : transport_(make(io_.get_executor())) {}

  Reply send(HandOver message, Fence fence) {
    return run(transport_->hand_over(std::move(message), std::move(fence)));
  }
  Reply send(HandOver message) {
    CountingFence fence;
    return send(std::move(message), fence.fence());
  }
  Reply send_to(std::vector<std::string> recipients) { return send(message_to(std::move(recipients))); }
  void drain() {
    auto all = [](T& transport) -> boost::asio::awaitable<bool> {
      co_await transport.drain();
      co_return true;
    };
    run(all(*transport_));
  }

  template <class Value>
  Value run(boost::asio::awaitable<Value> work) {
    std::optional<Value> result;
    std::exception_ptr failed;
    bool done = false;
    boost::asio::co_spawn(io_, std::move(work), [&](std::exception_ptr error, Value value) {
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
  T& transport() { return *transport_; }

 private:
  boost::asio::io_context io_;
  std::unique_ptr<T> transport_;
};

}  // namespace countersign::provider::test
