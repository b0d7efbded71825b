// What every provider over HTTP has in common: one request for each hand-over, the fence right before it, and
// a reply from what came back. What the request is and what its answer means is the provider's own.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "base/result.hpp"
#include "net/http_client.hpp"
#include "provider/http_reply.hpp"
#include "provider/transport.hpp"

namespace countersign::provider {

/// Deadlines and trust of one provider's requests.
struct HttpProviderOptions {
  std::string endpoint;  // see is_endpoint; without trailing slash
  std::string ca_file;   // PEM; empty: the system's
  std::chrono::milliseconds connect_timeout{15'000};
  /// To the end of the answer. Later it counts as unknown, so it is long.
  std::chrono::milliseconds total_timeout{120'000};
};

/// Each hand-over runs on a strand of its own of `executor`'s context; the fence is awaited there. Destroy it
/// when no hand-over is under way.
class HttpTransport : public Transport {
 public:
  [[nodiscard]] boost::asio::awaitable<Reply> hand_over(HandOver message, Fence fence) final;
  [[nodiscard]] boost::asio::awaitable<void> drain() final;

 protected:
  /// Throws EnvironmentError when the endpoint is none.
  HttpTransport(boost::asio::any_io_executor executor, HttpProviderOptions options);

  /// A request to `endpoint + path`, with the deadlines and trust of the options.
  [[nodiscard]] net::HttpRequest request_to(std::string method, std::string_view path) const;
  [[nodiscard]] net::HttpClient& client() noexcept { return client_; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] std::string_view endpoint() const noexcept { return options_.endpoint; }

 private:
  /// Everything that can be done before the fence. Refuses with the reply to the hand-over.
  [[nodiscard]] virtual boost::asio::awaitable<Result<net::HttpRequest, Reply>> prepare(
      const HandOver& message) = 0;
  /// What has to be as young as possible: a signature with its date.
  virtual void stamp(net::HttpRequest& request) = 0;
  [[nodiscard]] virtual Reply read(const net::HttpAnswer& answer) = 0;
  /// Called with every reply after a passed fence.
  virtual void learn(const Reply& reply) = 0;

  boost::asio::awaitable<Reply> converse(HandOver message, Fence fence);

  boost::asio::any_io_executor executor_;
  HttpProviderOptions options_;
  std::atomic<bool> closing_ = false;
  net::HttpClient client_;
};

}  // namespace countersign::provider
