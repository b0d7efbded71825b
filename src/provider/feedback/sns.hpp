// Amazon SNS messages to an HTTP endpoint: their envelope, the text their signature covers, and where their
// certificate may come from. Pure; the signature itself is checked in sns_certificate.
//
// Source: Amazon SNS developer guide, "HTTP/HTTPS notification JSON format" and "Verifying the signatures of
// Amazon SNS messages".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace countersign::provider::feedback {

inline constexpr std::size_t kSnsBodyBytesMax = 320 * 1024;  // a message of SNS has at most 256 KiB

enum class SnsType : std::uint8_t { notification, subscription_confirmation, unsubscribe_confirmation };
[[nodiscard]] std::string_view name_of(SnsType type);

struct SnsEnvelope {
  SnsType type = SnsType::notification;
  std::string message_id;
  std::string topic_arn;
  std::string message;  // of a notification: what was published, here a JSON document of SES
  std::optional<std::string> subject;
  std::string timestamp_text;  // as signed
  UtcTime timestamp;
  int signature_version = 0;  // 1: RSA with SHA-1, 2: RSA with SHA-256
  std::string signature;      // bytes
  std::string signing_cert_url;
  std::string subscribe_url;  // of the confirmations
  std::string token;          // of the confirmations
};

/// Reads a request body. Refuses, with what is wrong for a log (no content of it), anything that is not
/// exactly an envelope: other types and versions, members of another type or beyond their maximum, line ends
/// in any signed member but the message (the signed text separates by them, and could be read in two ways).
[[nodiscard]] Result<SnsEnvelope, std::string> parse_sns(std::string_view body);

/// The bytes that the signature covers: the documented members in byte order, name and value on a line each.
[[nodiscard]] std::string signed_text(const SnsEnvelope& envelope);

/// `http(s)://HOST[:PORT]/PATH[?QUERY]`, nothing else: no user, no fragment, no blanks. Host in lower case.
struct WebUrl {
  std::string scheme;  // "http" or "https"
  std::string host;
  std::string port;   // digits, or empty
  std::string path;   // without query, begins with `/`
  std::string query;  // after `?`, or empty
  [[nodiscard]] std::string authority() const { return port.empty() ? host : host + ':' + port; }
};
[[nodiscard]] std::optional<WebUrl> parse_web_url(std::string_view url);

/// Whether a host is one of SNS itself: `sns.<region>.amazonaws.com` or `….com.cn`. Everybody else may own a
/// name that only looks like it (`sns.example.amazonaws.com.evil.example`).
[[nodiscard]] bool is_sns_host(std::string_view host);

/// The names of which a certificate from that host (is_sns_host) has to bear one, so that a region vouches
/// for itself only: `sns.amazonaws.com` in the regions that every account has,
/// `sns-signing.<region>.amazonaws.com` where a region is opted in to, `sns-<region>.amazonaws.com.cn` in
/// China, and one for both of GovCloud, as Amazon's own verifiers have it (AWS SDK for Java,
/// SnsMessageManager::resolveCertCommonName, and sns-message-manager, SnsHostProvider).
[[nodiscard]] std::vector<std::string> sns_signing_names(std::string_view host);

}  // namespace countersign::provider::feedback
