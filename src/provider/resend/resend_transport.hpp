// Resend's HTTP API.
//
// Class keyed: `Idempotency-Key` is remembered for 24 hours ("Idempotency keys expire after 24 hours", at
// most 256 characters; Resend, Idempotency Keys), so after a lost answer the identical request is repeated,
// and Resend answers it as it answered the first. Where a request with that key is still being worked at, or
// came with other bytes, it says so with a 409, which proves only that the first one exists.
#pragma once

#include <string>
#include <string_view>

#include "provider/http_transport.hpp"

namespace countersign::provider::resend {

struct ResendOptions {
  HttpProviderOptions http{.endpoint = "https://api.resend.com", .ca_file = ""};
  std::string api_key;
  std::string api_key_file;  // read at every hand-over instead, when it is given
};

/// The same for every attempt at a message: `key` itself where it may stand in a header, else its hash.
[[nodiscard]] std::string idempotency_key(std::string_view key);

class ResendTransport final : public HttpTransport {
 public:
  /// Throws EnvironmentError when the options cannot be used.
  ResendTransport(boost::asio::any_io_executor executor, ResendOptions options);

  [[nodiscard]] std::string_view name() const noexcept override { return "resend"; }
  [[nodiscard]] TransportClass transport_class() const noexcept override { return TransportClass::keyed; }
  /// Resend's 24 hours, less what two clocks and a slow request may differ by.
  [[nodiscard]] std::chrono::seconds repeat_window() const noexcept override {
    return std::chrono::hours(23);
  }

 private:
  boost::asio::awaitable<Result<net::HttpRequest, Reply>> prepare(const HandOver& message) override;
  void stamp(net::HttpRequest& /*request*/) override {}
  Reply read(const net::HttpAnswer& answer) override;
  void learn(const Reply& /*reply*/) override {}

  [[nodiscard]] Result<std::string, std::string> api_key() const;

  std::string api_key_;
  std::string api_key_file_;
};

}  // namespace countersign::provider::resend
