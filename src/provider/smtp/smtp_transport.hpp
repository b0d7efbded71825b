// The SMTP relay as a transport: a small pool of connections to one host, each used for several messages.
// Class plain: an SMTP relay can say nothing more once an answer was lost. The SMTP endpoint of Amazon SES is
// of the class evidence: its events do.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "provider/smtp/options.hpp"
#include "provider/transport.hpp"

namespace countersign::provider::smtp {

/// Connections live on strands of `executor`'s context; hand_over may be called from any coroutine, and the
/// fence is awaited on the strand of the connection. At most connections_max messages are under way at once,
/// others wait. A reused connection that turns out to be dead before anything was said to it is replaced once
/// without a word. Destroy it when nothing runs on the executor, or after drain().
class SmtpTransport final : public Transport {
 public:
  /// Throws EnvironmentError (not retryable) when the CA file cannot be read, or a host, user or EHLO name
  /// cannot be put into a command.
  SmtpTransport(boost::asio::any_io_executor executor, RelayOptions options);
  ~SmtpTransport() override;
  SmtpTransport(const SmtpTransport&) = delete;
  SmtpTransport& operator=(const SmtpTransport&) = delete;

  [[nodiscard]] boost::asio::awaitable<Reply> hand_over(HandOver message, Fence fence) override;
  /// Completes when nothing is under way any more.
  [[nodiscard]] boost::asio::awaitable<void> drain() override;
  [[nodiscard]] std::string_view name() const noexcept override { return "smtp"; }
  [[nodiscard]] TransportClass transport_class() const noexcept override {
    return ses_configuration_set_ ? TransportClass::evidence : TransportClass::plain;
  }

 private:
  class Pool;
  std::optional<std::string> ses_configuration_set_;
  std::shared_ptr<Pool> pool_;
};

}  // namespace countersign::provider::smtp
