// Where mail comes in: the receiver on its listeners, the door, and the processor behind it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "daemon/config.hpp"
#include "daemon/instruments.hpp"
#include "inbound/acceptor.hpp"
#include "inbound/detector.hpp"
#include "inbound/processor.hpp"
#include "inbound/smtp/receiver.hpp"
#include "net/http_client.hpp"
#include "net/unbound_resolver.hpp"
#include "provider/feedback/bounce.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

class MailIn {
 public:
  /// The references must outlive it. Listens from construction on (accepts after start()); messages are read
  /// on `readers`. `happened` is called, on any thread, when there may be new events, `held` when a message
  /// waits for a reviewer. Throws EnvironmentError when an address, the certificate or a DNS server cannot be
  /// used.
  MailIn(const Config& config, boost::asio::io_context& io, boost::asio::thread_pool& readers,
         store::Database& database, const Clock& clock, Instruments& instruments, std::string worker,
         bool sole_process, std::function<void()> happened, std::function<void()> held);

  /// Accepts connections.
  void start();
  /// Puts what arrived into mailboxes until stop(). Runs once.
  [[nodiscard]] boost::asio::awaitable<void> run() { return processor_.run(); }
  /// Takes no connection more and ends those there are; true: none was cut off.
  [[nodiscard]] boost::asio::awaitable<bool> drain(std::chrono::milliseconds patience);
  /// What is being processed runs to its end. Thread-safe.
  void stop() { processor_.stop(); }

  /// The port of the first listener; 0 when no mail comes in.
  [[nodiscard]] std::uint16_t port() const noexcept;

 private:
  [[nodiscard]] inbound::AcceptorOptions acceptor_options(const Config& config);
  [[nodiscard]] inbound::ProcessorHooks processor_hooks(Instruments& instruments);
  [[nodiscard]] boost::asio::awaitable<void> take_report(std::string_view content,
                                                         std::vector<std::string> recipients,
                                                         UtcTime received);

  store::Database& database_;
  const Clock& clock_;
  Instruments& instruments_;
  const std::function<void()> happened_;
  const std::function<void()> held_;
  const provider::feedback::ReturnPaths return_paths_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  net::UnboundResolver dns_;
  std::unique_ptr<net::HttpClient> http_;  // what the detector is asked with; none without one
  std::unique_ptr<inbound::Detector> detector_;
  inbound::Processor processor_;
  inbound::Acceptor acceptor_;
  std::optional<inbound::smtp::Receiver> receiver_;
};

}  // namespace countersign::daemon
