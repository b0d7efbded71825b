// Where AWS credentials come from: settings, a container's endpoint, or the instance metadata service.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "provider/ses/sigv4.hpp"

namespace countersign::provider::ses {

/// The first of the three that is given is used.
struct CredentialOptions {
  Credentials fixed;
  std::string fixed_secret_file;  // holds the secret of `fixed` instead, and is read at every use
  std::string container_url;      // AWS_CONTAINER_CREDENTIALS_FULL_URI, or 169.254.170.2 + …_RELATIVE_URI
  std::string container_token;    // AWS_CONTAINER_AUTHORIZATION_TOKEN, may be empty
  std::string metadata_url = "http://169.254.169.254";  // of EC2; without trailing slash
};

/// Hands out credentials and renews temporary ones before they end. Concurrent use is fine: one asks, the
/// others wait for it.
class CredentialSource {
 public:
  CredentialSource(boost::asio::any_io_executor executor, net::HttpClient& client, CredentialOptions options,
                   const Clock& clock);

  /// Refuses with what went wrong, for people; never holds a secret.
  [[nodiscard]] boost::asio::awaitable<Result<Credentials, std::string>> get();
  /// AWS turned these down: they are not handed out again unless they are settings.
  void forget(const Credentials& credentials);

 private:
  struct Temporary {
    Credentials credentials;
    UtcTime expires_at;
  };
  using Turn = boost::asio::experimental::concurrent_channel<void(boost::system::error_code)>;
  using Answer = Result<std::string, std::string>;

  [[nodiscard]] Result<Credentials, std::string> fixed() const;
  [[nodiscard]] std::optional<Credentials> kept(Duration valid_for);
  boost::asio::awaitable<Result<Temporary, std::string>> fetch();
  boost::asio::awaitable<Result<Temporary, std::string>> fetch_from_metadata();
  boost::asio::awaitable<Answer> ask(std::string_view service, net::HttpRequest request);
  [[nodiscard]] static Result<Temporary, std::string> read(std::string_view json);

  net::HttpClient& client_;
  CredentialOptions options_;
  const Clock& clock_;
  Turn turn_;
  std::mutex mutex_;
  std::optional<Temporary> temporary_;
};

}  // namespace countersign::provider::ses
