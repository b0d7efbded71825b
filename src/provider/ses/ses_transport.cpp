#include "provider/ses/ses_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "provider/tags.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace countersign::provider::ses {
namespace {

constexpr std::string_view kSendPath = "/v2/email/outbound-emails";
constexpr std::string_view kAccountPath = "/v2/email/account";
constexpr std::string_view kService = "ses";  // of the signature; the host's name begins with "email"

HttpProviderOptions with_endpoint(const SesOptions& options) {
  HttpProviderOptions http = options.http;
  if (http.endpoint.empty()) http.endpoint = fmt::format("https://email.{}.amazonaws.com", options.region);
  return http;
}

// "MessageRejected", from `MessageRejected:http://…` in the header or `com.amazon…#MessageRejected` in the
// body (restJson1 protocol, "Operation error serialization").
std::string error_name(std::string_view text) {
  text = text.substr(0, text.find(':'));
  const std::size_t hash = text.rfind('#');
  return std::string(hash == std::string_view::npos ? text : text.substr(hash + 1));
}

// Whether other credentials might help. Throttling, a paused account and the like would meet them too, and to
// forget good ones costs a question to a service that may be away just then.
bool blames_credentials(const Reply& reply) {
  constexpr std::array<std::string_view, 9> kNames{
      "ExpiredToken",
      "ExpiredTokenException",
      "InvalidClientTokenId",
      "UnrecognizedClientException",
      "InvalidSignatureException",
      "SignatureDoesNotMatch",
      "IncompleteSignature",
      "IncompleteSignatureException",
      "MissingAuthenticationTokenException",
  };
  if (reply.code == 401 || reply.code == 403) return true;
  return reply.code != kNoAnswer && std::ranges::find(kNames, error_name(reply.text)) != kNames.end();
}

json::array tags_of(const HandOver& message) {
  json::array tags;
  for (const auto& [name, value] :
       {std::pair<std::string_view, const std::string&>{kMessageTag, message.message_id},
        {kSubmissionTag, message.submission}}) {
    if (is_tag_value(value)) tags.push_back(json::object{{"Name", name}, {"Value", value}});
  }
  return tags;
}

}  // namespace

SesTransport::SesTransport(asio::any_io_executor executor, SesOptions options, const Clock& clock)
    : HttpTransport(std::move(executor), with_endpoint(options)),
      region_(std::move(options.region)),
      configuration_set_(std::move(options.configuration_set)),
      clock_(clock),
      source_(this->executor(), client(), std::move(options.credentials), clock) {
  if (region_.empty()) throw EnvironmentError("SES needs a region", false);
}

// Every recipient stands in the Destination, which for raw content is the envelope: blind copies get it, and
// the header stays as it is. The sender is the From of the header.
std::string SesTransport::body_of(const HandOver& message) const {
  json::array recipients;
  for (const std::string& address : message.recipients) recipients.emplace_back(address);
  json::object body{{"Content", json::object{{"Raw", json::object{{"Data", base64_encode(*message.raw)}}}}},
                    {"Destination", json::object{{"ToAddresses", std::move(recipients)}}},
                    {"EmailTags", tags_of(message)}};
  if (!configuration_set_.empty()) body["ConfigurationSetName"] = configuration_set_;
  return json::serialize(body);
}

asio::awaitable<Result<net::HttpRequest, Reply>> SesTransport::prepare(const HandOver& message) {
  if (message.recipients.size() > kRecipientsMax) {
    co_return unexpected(
        refused_here(fmt::format("not handed over: SES takes at most {} recipients, and this message has {}",
                                 kRecipientsMax, message.recipients.size())));
  }
  const Result<Credentials, std::string> credentials = co_await source_.get();
  if (!credentials) co_return unexpected(not_begun(Phase::auth, credentials.error()));
  {
    const std::lock_guard lock(mutex_);
    credentials_ = *credentials;
  }
  if (doubt_) {
    if (std::optional<Reply> failing = co_await still_failing(*credentials)) {
      co_return unexpected(std::move(*failing));
    }
    doubt_ = false;
  }
  net::HttpRequest request = request_to("POST", kSendPath);
  request.headers.add("Content-Type", "application/json");
  request.body = body_of(message);
  co_return request;
}

// Asked before the fence while the last answer was no answer: a question without effect, so that an outage
// of SES makes nothing unknown but what was under way when it began. Any answer that is not a server's error
// will do, also "access denied": ses:GetAccount need not be permitted.
asio::awaitable<std::optional<Reply>> SesTransport::still_failing(const Credentials& credentials) {
  net::HttpRequest question = request_to("GET", kAccountPath);
  sign(question, credentials, region_, kService, clock_.now());
  const auto outcome = co_await client().send(std::move(question));
  if (!outcome) {
    co_return not_begun(Phase::connect, fmt::format("{}: {}", endpoint(), outcome.error().text));
  }
  if (outcome->status < 500) co_return std::nullopt;
  Reply reply = not_begun(Phase::request, fmt::format("{}: status {}", endpoint(), outcome->status));
  reply.code = outcome->status;
  co_return reply;
}

void SesTransport::stamp(net::HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  sign(request, credentials_, region_, kService, clock_.now());
}

Reply SesTransport::read(const net::HttpAnswer& answer) {
  boost::system::error_code fault;
  const json::value body = json::parse(answer.body, fault);
  std::string name = error_name(answer.headers.get("x-amzn-ErrorType"));
  if (name.empty()) name = error_name(text_member(body, {"__type", "code"}));
  const std::string said = text_member(body, {"message", "Message"});
  return answered(Service::ses, {.status = answer.status,
                                 .error_name = name,
                                 .text = said.empty() && fault ? answer.body : said,
                                 .message_id = text_member(body, {"MessageId"})});
}

void SesTransport::learn(const Reply& reply) {
  doubt_ = reply.verdict == Verdict::unknown;
  if (reply.verdict != Verdict::session_fault || !blames_credentials(reply)) return;
  const std::lock_guard lock(mutex_);
  source_.forget(credentials_);
}

}  // namespace countersign::provider::ses
