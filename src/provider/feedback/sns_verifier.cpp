#include "provider/feedback/sns_verifier.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace countersign::provider::feedback {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kCertificatesKeptMax = 16;  // SNS has one per region at a time
constexpr std::chrono::hours kKeptMax{24};
constexpr int kFetchesPerMinuteMax = 20;
constexpr int kIssuersMax = 3;  // that are fetched for one chain
constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::chrono::seconds kFetchTimeout{10};  // SNS waits 15 s for an answer

constexpr std::string_view kStandInName = "sns.amazonaws.com";

}  // namespace

std::string_view name_of(SnsRefusal refusal) {
  switch (refusal) {
    case SnsRefusal::foreign_topic:
      return "foreign_topic";
    case SnsRefusal::stale:
      return "stale";
    case SnsRefusal::foreign_url:
      return "foreign_url";
    case SnsRefusal::bad_certificate:
      return "bad_certificate";
    case SnsRefusal::bad_signature:
      return "bad_signature";
    case SnsRefusal::not_there:
      return "not_there";
    case SnsRefusal::unavailable:
      return "unavailable";
  }
  return "";
}

SnsVerifier::SnsVerifier(SnsOptions options, Fetch fetch)
    : options_(std::move(options)), fetch_(std::move(fetch)) {}

asio::awaitable<Result<void, SnsRefusal>> SnsVerifier::verify(const SnsEnvelope& envelope, UtcTime now) {
  if (std::ranges::find(options_.topic_arns, envelope.topic_arn) == options_.topic_arns.end()) {
    co_return unexpected(SnsRefusal::foreign_topic);
  }
  if (now - envelope.timestamp > kSnsAgeMax || envelope.timestamp - now > kSnsSkewMax) {
    co_return unexpected(SnsRefusal::stale);
  }
  const auto trust = trust_in(envelope.signing_cert_url, true);
  if (!trust) co_return unexpected(trust.error());
  auto wanted = certificate(envelope.signing_cert_url, *trust, now);
  const auto found = co_await std::move(wanted);
  if (!found) co_return unexpected(found.error());
  const std::string text = signed_text(envelope);
  if (!(*found)->signed_by_it(text, envelope.signature, envelope.signature_version)) {
    co_return unexpected(SnsRefusal::bad_signature);
  }
  co_return Result<void, SnsRefusal>();
}

asio::awaitable<Result<void, SnsRefusal>> SnsVerifier::confirm(const SnsEnvelope& envelope) {
  const auto trust = trust_in(envelope.subscribe_url, false);
  if (!trust) co_return unexpected(trust.error());
  auto asked = get(envelope.subscribe_url, *trust, true);
  const auto answer = co_await std::move(asked);
  if (!answer) co_return unexpected(answer.error());
  co_return Result<void, SnsRefusal>();
}

Result<SnsVerifier::Trust, SnsRefusal> SnsVerifier::trust_in(std::string_view url, bool certificate) const {
  const auto parts = parse_web_url(url);
  if (!parts || parts->scheme != "https") return unexpected(SnsRefusal::foreign_url);
  const bool pem = parts->path.ends_with(".pem") && parts->query.empty();
  if (certificate && !pem) return unexpected(SnsRefusal::foreign_url);
  const bool stand_in =
      !options_.stand_in_authority.empty() && parts->authority() == options_.stand_in_authority;
  if (stand_in) return Trust{options_.stand_in_ca_file, {std::string(kStandInName)}};
  const bool standard_port = parts->port.empty() || parts->port == "443";
  if (!is_sns_host(parts->host) || !standard_port) return unexpected(SnsRefusal::foreign_url);
  return Trust{options_.ca_file, sns_signing_names(parts->host)};
}

// Amazon's authorities offer the certificates of their issuers under names of this domain, over http: what is
// fetched there counts only as a link of a chain whose signatures are checked up to a trusted authority.
bool SnsVerifier::may_fetch_issuer(std::string_view url) const {
  const auto parts = parse_web_url(url);
  if (!parts) return false;
  return parts->host.ends_with(".amazontrust.com") ||
         (!options_.stand_in_authority.empty() && parts->authority() == options_.stand_in_authority);
}

asio::awaitable<Result<SnsVerifier::Certificate, SnsRefusal>> SnsVerifier::certificate(std::string url,
                                                                                       Trust trust,
                                                                                       UtcTime now) {
  if (Certificate found = kept(url, now)) co_return found;
  if (!take_fetch(now)) co_return unexpected(SnsRefusal::unavailable);
  auto fetched = get(url, trust, true);
  const auto pem = co_await std::move(fetched);
  if (!pem) co_return unexpected(pem.error());
  std::vector<std::string> issuers;
  for (;;) {
    auto checked = SnsCertificate::check(*pem, issuers, trust.ca_file, trust.signing_names, now);
    if (checked) {
      const Certificate good = std::make_shared<const SnsCertificate>(std::move(*checked));
      keep(url, good, now);
      co_return good;
    }
    const std::string issuer_url = checked.error().issuer_url;
    if (issuers.size() == kIssuersMax || !may_fetch_issuer(issuer_url)) {
      log::warn("feedback.sns_certificate_refused", {{"error", checked.error().text}});
      co_return unexpected(SnsRefusal::bad_certificate);
    }
    auto offered = get(issuer_url, trust, false);
    auto issuer = co_await std::move(offered);
    if (!issuer) co_return unexpected(issuer.error());
    issuers.push_back(std::move(*issuer));
  }
}

asio::awaitable<Result<std::string, SnsRefusal>> SnsVerifier::get(std::string url, Trust trust,
                                                                  bool https_only) {
  net::HttpRequest request;
  request.url = std::move(url);
  request.https_only = https_only;
  request.ca_file = trust.ca_file;
  request.connect_timeout = kConnectTimeout;
  request.total_timeout = kFetchTimeout;
  request.answer_bytes_max = kCertificateBytesMax;
  auto sent = fetch_(std::move(request));
  auto answer = co_await std::move(sent);
  if (!answer) {
    log::warn("feedback.sns_unreachable", {{"error", answer.error().text}});
    co_return unexpected(SnsRefusal::unavailable);
  }
  if (answer->status != 200) {
    log::warn("feedback.sns_unreachable", {{"status", answer->status}});
    // A definite no will not change by repeating the question.
    const bool definite = answer->status >= 400 && answer->status < 500 && answer->status != 429;
    co_return unexpected(definite ? SnsRefusal::not_there : SnsRefusal::unavailable);
  }
  co_return std::move(answer->body);
}

SnsVerifier::Certificate SnsVerifier::kept(const std::string& url, UtcTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = certificates_.find(url);
  if (found == certificates_.end()) return nullptr;
  const bool usable = now - found->second.since < kKeptMax && found->second.certificate->valid_at(now);
  if (usable) return found->second.certificate;
  certificates_.erase(found);
  return nullptr;
}

void SnsVerifier::keep(const std::string& url, Certificate certificate, UtcTime now) {
  const std::scoped_lock lock(mutex_);
  if (certificates_.size() >= kCertificatesKeptMax && !certificates_.contains(url)) {
    certificates_.erase(
        std::ranges::min_element(certificates_, {}, [](const auto& entry) { return entry.second.since; }));
  }
  certificates_.insert_or_assign(url, Kept{std::move(certificate), now});
}

bool SnsVerifier::take_fetch(UtcTime now) {
  const std::scoped_lock lock(mutex_);
  if (now < fetches_since_ || now - fetches_since_ >= std::chrono::minutes(1)) {
    fetches_since_ = now;
    fetches_ = 0;
  }
  return fetches_++ < kFetchesPerMinuteMax;
}

}  // namespace countersign::provider::feedback
