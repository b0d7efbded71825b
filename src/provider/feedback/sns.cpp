#include "provider/feedback/sns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "provider/feedback/json_members.hpp"

namespace countersign::provider::feedback {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameBytesMax = 256;     // ids, ARNs, times
constexpr std::size_t kUrlBytesMax = 2048;     // and tokens
constexpr std::size_t kSubjectBytesMax = 400;  // SNS: fewer than 100 characters
constexpr std::size_t kMessageBytesMax = 256 * 1024;
constexpr std::size_t kSignatureBytesMax = 1024;  // an RSA key of 8192 bits

std::optional<SnsType> type_of(std::string_view name) {
  for (const SnsType type :
       {SnsType::notification, SnsType::subscription_confirmation, SnsType::unsubscribe_confirmation}) {
    if (name == name_of(type)) return type;
  }
  return std::nullopt;
}

bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A signed member of one line; the first fault stays.
std::string take_line(const json::object& object, std::string_view name, std::size_t bytes_max,
                      std::string& fault) {
  auto value = text_member(object, name, bytes_max);
  if (value && !value->empty() && one_line(*value)) return std::move(*value);
  if (fault.empty()) fault = fmt::format("{} is missing, too long or no single line of text", name);
  return {};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_host_character(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.'; }

}  // namespace

std::string_view name_of(SnsType type) {
  switch (type) {
    case SnsType::notification:
      return "Notification";
    case SnsType::subscription_confirmation:
      return "SubscriptionConfirmation";
    case SnsType::unsubscribe_confirmation:
      return "UnsubscribeConfirmation";
  }
  return "";
}

Result<SnsEnvelope, std::string> parse_sns(std::string_view body) {
  if (body.size() > kSnsBodyBytesMax) return unexpected(std::string("the body is too large"));
  const auto object = parse_object(body);
  if (!object) return unexpected(std::string("the body is no JSON object"));
  const auto type = type_of(text_member(*object, "Type", kNameBytesMax).value_or(""));
  if (!type) return unexpected(std::string("Type is none of the three that SNS sends"));

  SnsEnvelope out;
  std::string fault;
  out.type = *type;
  out.message_id = take_line(*object, "MessageId", kNameBytesMax, fault);
  out.topic_arn = take_line(*object, "TopicArn", kNameBytesMax, fault);
  out.timestamp_text = take_line(*object, "Timestamp", kNameBytesMax, fault);
  out.signing_cert_url = take_line(*object, "SigningCertURL", kUrlBytesMax, fault);
  const std::string version = take_line(*object, "SignatureVersion", 1, fault);
  const std::string signature = take_line(*object, "Signature", 2 * kSignatureBytesMax, fault);
  if (*type != SnsType::notification) {
    out.subscribe_url = take_line(*object, "SubscribeURL", kUrlBytesMax, fault);
    out.token = take_line(*object, "Token", kUrlBytesMax, fault);
  } else if (const json::value* subject = object->if_contains("Subject"); subject && !subject->is_null()) {
    out.subject = take_line(*object, "Subject", kSubjectBytesMax, fault);
  }
  if (!fault.empty()) return unexpected(std::move(fault));

  auto message = text_member(*object, "Message", kMessageBytesMax);
  if (!message) return unexpected(std::string("Message is missing or too long"));
  out.message = std::move(*message);
  const auto timestamp = parse_rfc3339(out.timestamp_text);
  if (!timestamp) return unexpected(std::string("Timestamp is no time"));
  out.timestamp = *timestamp;
  if (version != "1" && version != "2") return unexpected(std::string("SignatureVersion is neither 1 nor 2"));
  out.signature_version = version == "1" ? 1 : 2;
  auto bytes = base64_decode(signature);
  if (!bytes || bytes->empty()) return unexpected(std::string("Signature is no base64"));
  out.signature = std::move(*bytes);
  return out;
}

std::string signed_text(const SnsEnvelope& envelope) {
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append("\n").append(value).append("\n");
  };
  add("Message", envelope.message);
  add("MessageId", envelope.message_id);
  if (envelope.type == SnsType::notification) {
    if (envelope.subject) add("Subject", *envelope.subject);
  } else {
    add("SubscribeURL", envelope.subscribe_url);
  }
  add("Timestamp", envelope.timestamp_text);
  if (envelope.type != SnsType::notification) add("Token", envelope.token);
  add("TopicArn", envelope.topic_arn);
  add("Type", name_of(envelope.type));
  return out;
}

std::optional<WebUrl> parse_web_url(std::string_view url) {
  const bool printable = std::ranges::all_of(
      url, [](char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '#'; });
  const auto scheme_end = url.find("://");
  if (url.size() > kUrlBytesMax || !printable || scheme_end == std::string_view::npos) return std::nullopt;
  WebUrl out;
  out.scheme = ascii_lower(url.substr(0, scheme_end));
  if (out.scheme != "https" && out.scheme != "http") return std::nullopt;
  url.remove_prefix(scheme_end + 3);
  const auto slash = url.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string authority = ascii_lower(url.substr(0, slash));
  const auto colon = authority.find(':');
  out.host = authority.substr(0, colon);
  if (colon != std::string::npos) {
    out.port = authority.substr(colon + 1);
    if (out.port.empty() || out.port.size() > 5 || !std::ranges::all_of(out.port, is_digit))
      return std::nullopt;
  }
  if (out.host.empty() || !std::ranges::all_of(out.host, is_host_character)) return std::nullopt;
  const auto question = url.find('?', slash);
  out.path = url.substr(slash, question == std::string_view::npos ? question : question - slash);
  if (question != std::string_view::npos) out.query = url.substr(question + 1);
  return out;
}

namespace {

struct SnsHost {
  std::string_view region;
  std::string_view domain;  // with its leading dot
};

std::optional<SnsHost> sns_host(std::string_view host) {
  constexpr std::string_view kBegin = "sns.";
  if (!host.starts_with(kBegin)) return std::nullopt;
  host.remove_prefix(kBegin.size());
  for (const std::string_view end : {".amazonaws.com", ".amazonaws.com.cn"}) {
    if (!host.ends_with(end)) continue;
    const std::string_view region = host.substr(0, host.size() - end.size());
    const bool is_region = region.size() >= 3 && std::ranges::all_of(region, [](char c) {
                             return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
                           });
    if (!is_region) return std::nullopt;
    return SnsHost{region, end};
  }
  return std::nullopt;
}

}  // namespace

bool is_sns_host(std::string_view host) { return sns_host(host).has_value(); }

std::vector<std::string> sns_signing_names(std::string_view host) {
  const auto sns = sns_host(host);
  if (!sns) return {};
  std::vector<std::string> names{fmt::format("sns{}", sns->domain),
                                 fmt::format("sns-signing.{}{}", sns->region, sns->domain),
                                 fmt::format("sns-{}{}", sns->region, sns->domain)};
  if (sns->region.starts_with("us-gov-")) names.emplace_back("sns-us-gov-west-1.amazonaws.com");
  return names;
}

}  // namespace countersign::provider::feedback
