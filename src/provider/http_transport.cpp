#include "provider/http_transport.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/fault.hpp"

namespace asio = boost::asio;

namespace countersign::provider {
namespace {

// How many hand-overs are under way at once is the dispatcher's decision. A request must not wait for a
// connection here, because it is past its fence.
constexpr std::size_t kConnectionsMax = 1024;

}  // namespace

HttpTransport::HttpTransport(asio::any_io_executor executor, HttpProviderOptions options)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      client_(net::HttpClientOptions{.connections_per_host_max = kConnectionsMax}) {
  if (!is_endpoint(options_.endpoint)) {
    throw EnvironmentError("the provider's endpoint must begin with https://, or be on this machine", false);
  }
  while (options_.endpoint.ends_with('/')) options_.endpoint.pop_back();
}

asio::awaitable<Reply> HttpTransport::hand_over(HandOver message, Fence fence) {
  CS_ASSERT(message.raw && !message.recipients.empty() && fence);
  auto work = converse(std::move(message), std::move(fence));
  const auto strand = asio::make_strand(executor_);
  co_return co_await asio::co_spawn(strand, std::move(work), asio::use_awaitable);
}

asio::awaitable<Reply> HttpTransport::converse(HandOver message, Fence fence) {
  if (closing_) co_return not_begun(Phase::connect, "not handed over: shutting down");
  Result<net::HttpRequest, Reply> request = co_await prepare(message);
  if (!request) co_return std::move(request.error());
  const bool ours = co_await fence();
  if (!ours) co_return lease_lost();
  CS_FAULT("http.fence_passed");
  stamp(*request);
  const auto outcome = co_await client_.send(std::move(*request));
  CS_FAULT("http.answered");
  Reply reply = outcome ? read(*outcome) : unanswered(outcome.error(), options_.endpoint);
  learn(reply);
  co_return reply;
}

asio::awaitable<void> HttpTransport::drain() {
  closing_ = true;
  co_return;
}

net::HttpRequest HttpTransport::request_to(std::string method, std::string_view path) const {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = options_.endpoint + std::string(path);
  request.https_only = options_.endpoint.starts_with("https://");
  request.ca_file = options_.ca_file;
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.total_timeout;
  return request;
}

}  // namespace countersign::provider
