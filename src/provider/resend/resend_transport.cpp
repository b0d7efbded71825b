#include "provider/resend/resend_transport.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/secret_file.hpp"
#include "provider/resend/email_fields.hpp"

namespace asio = boost::asio;

namespace countersign::provider::resend {
namespace {

constexpr std::string_view kKeyPrefix = "countersign-";
constexpr std::size_t kKeyBytesMax = 256;

bool is_visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string idempotency_key(std::string_view key) {
  std::string own = std::string(kKeyPrefix) + std::string(key);
  if (own.size() <= kKeyBytesMax && is_visible_ascii(own)) return own;
  return std::string(kKeyPrefix) + sha256_hex(key);
}

ResendTransport::ResendTransport(asio::any_io_executor executor, ResendOptions options)
    : HttpTransport(std::move(executor), std::move(options.http)),
      api_key_(std::move(options.api_key)),
      api_key_file_(std::move(options.api_key_file)) {
  if (const auto key = api_key(); !key) throw EnvironmentError(key.error(), false);
}

Result<std::string, std::string> ResendTransport::api_key() const {
  std::string key = api_key_;
  if (!api_key_file_.empty()) {
    auto current = read_secret_file(api_key_file_);
    if (!current) return unexpected("the API key file " + current.error());
    key = std::move(*current);
  }
  if (key.empty() || !is_visible_ascii(key)) {
    return unexpected(std::string("Resend needs an API key of visible ASCII characters"));
  }
  return key;
}

asio::awaitable<Result<net::HttpRequest, Reply>> ResendTransport::prepare(const HandOver& message) {
  Result<std::string, std::string> body = email_json(message);
  if (!body) co_return unexpected(refused_here("not handed over: " + body.error()));
  const Result<std::string, std::string> key = api_key();
  if (!key) co_return unexpected(not_begun(Phase::auth, key.error()));
  net::HttpRequest request = request_to("POST", "/emails");
  request.headers.add("Authorization", "Bearer " + *key);
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Idempotency-Key", idempotency_key(message.key));
  request.headers.add("User-Agent", "countersign");  // without one the API answers 403
  request.body = std::move(*body);
  co_return request;
}

Reply ResendTransport::read(const net::HttpAnswer& answer) {
  boost::system::error_code fault;
  const boost::json::value body = boost::json::parse(answer.body, fault);
  const std::string said = text_member(body, {"message"});
  return answered(Service::resend, {.status = answer.status,
                                    .error_name = text_member(body, {"name"}),
                                    .text = said.empty() && fault ? answer.body : said,
                                    .message_id = text_member(body, {"id"})});
}

}  // namespace countersign::provider::resend
