#include "agent/webhook/request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/webhook/signature.hpp"

namespace countersign::agent::webhook {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr int kOk = 200;
constexpr int kMultipleChoices = 300;
constexpr int kBadRequest = 400;

bool is_success(int status) { return status >= kOk && status < kMultipleChoices; }

std::string refusal_of(int status) {
  if (status >= kMultipleChoices && status < kBadRequest) {
    return fmt::format("answered {}; redirects are not followed", status);
  }
  return fmt::format("answered {}", status);
}

net::HttpRequest request_of(Post what, const PostOptions& options, UtcTime now) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = std::move(what.url);
  request.headers.add("Content-Type", "application/json");
  request.headers.add("User-Agent", "e2a-webhooks/1");
  request.headers.add("X-E2A-Event-Type", what.event_type);
  request.headers.add("X-E2A-Schema-Version", "1");
  request.headers.add("X-E2A-Signature", signature(what.secrets, now, what.body));
  request.body = std::move(what.body);
  request.answer_bytes_max = kAnswerBytesMax;
  request.ca_file = options.ca_file;
  return request;
}

Answer answer_of(const Result<net::HttpAnswer, net::HttpFailure>& got, const std::string& address) {
  Answer answer;
  answer.address = address;
  if (got) {
    answer.status_code = got->status;
    answer.delivered = is_success(got->status);
    if (!answer.delivered) answer.error = refusal_of(got->status);
    return answer;
  }
  const net::HttpFailure& failure = got.error();
  answer.status_code = failure.status;
  answer.delivered = is_success(failure.status);
  answer.slow = failure.fault == net::HttpFault::timeout;
  if (!answer.delivered) answer.error = fmt::format("{}: {}", net::to_string(failure.fault), failure.text);
  return answer;
}

}  // namespace

asio::awaitable<Answer> post(net::HttpClient& client, Post what, Addresses addresses, PostOptions options,
                             UtcTime now) {
  const auto deadline = steady_clock::now() + options.timeout;
  net::HttpRequest request = request_of(std::move(what), options, now);
  const std::size_t count = std::min(addresses.size(), kAddressesMax);
  Answer answer;
  for (std::size_t i = 0; i < count; ++i) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (i > 0 && left.count() <= 0) break;
    request.connect_to_address = addresses[i];
    request.total_timeout = std::max(left, std::chrono::milliseconds(1));
    // What cannot be connected to leaves time for the next address.
    request.connect_timeout = i + 1 < count ? request.total_timeout / 2 : request.total_timeout;
    net::HttpRequest next = i + 1 < count ? request : std::move(request);
    const Result<net::HttpAnswer, net::HttpFailure> got = co_await client.send(std::move(next));
    answer = answer_of(got, addresses[i]);
    const bool unreached = !got && got.error().sent == net::Sent::nothing &&
                           (got.error().fault == net::HttpFault::connect || answer.slow);
    if (!unreached) break;
  }
  co_return answer;
}

}  // namespace countersign::agent::webhook
