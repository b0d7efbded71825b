// Amazon SES, API v2: the stored bytes as they are (Content.Raw), in one signed request.
//
// Class evidence: SES knows no idempotency key, so a lost answer is not asked for again; its events carry our
// ids back in the tags (provider/tags.hpp) and in the header X-E2A-Message-ID. SES gives every message a
// Message-ID and Date of its own ("Amazon SES overrides any Message-ID and Date header you provide",
// Developer Guide, "Amazon SES header fields"); the rest of the header and the body leave as they are stored.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "provider/http_transport.hpp"
#include "provider/ses/credentials.hpp"

namespace countersign::provider::ses {

/// "Up to 50 recipients" in all (SES API v2, SendEmail).
inline constexpr std::size_t kRecipientsMax = 50;

struct SesOptions {
  std::string region;
  HttpProviderOptions http;       // endpoint empty: the region's public one
  std::string configuration_set;  // empty: none, and then no events
  CredentialOptions credentials;
};

class SesTransport final : public HttpTransport {
 public:
  /// The clock outlives the transport. Throws EnvironmentError when the options cannot be used.
  SesTransport(boost::asio::any_io_executor executor, SesOptions options, const Clock& clock);

  [[nodiscard]] std::string_view name() const noexcept override { return "ses"; }
  [[nodiscard]] TransportClass transport_class() const noexcept override { return TransportClass::evidence; }

 private:
  boost::asio::awaitable<Result<net::HttpRequest, Reply>> prepare(const HandOver& message) override;
  void stamp(net::HttpRequest& request) override;
  Reply read(const net::HttpAnswer& answer) override;
  void learn(const Reply& reply) override;

  boost::asio::awaitable<std::optional<Reply>> still_failing(const Credentials& credentials);
  [[nodiscard]] std::string body_of(const HandOver& message) const;

  std::string region_;
  std::string configuration_set_;
  const Clock& clock_;
  CredentialSource source_;
  std::mutex mutex_;
  Credentials credentials_;          // the ones used last
  std::atomic<bool> doubt_ = false;  // the last answer was a server's error, or none
};

}  // namespace countersign::provider::ses
