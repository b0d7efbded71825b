// Whether an SNS message is genuine: from a topic of ours, fresh, and signed with a certificate of SNS.
//
// Every step that costs something comes after those that cost nothing: a stranger who knows no topic of ours
// makes this program fetch nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "provider/feedback/sns.hpp"
#include "provider/feedback/sns_certificate.hpp"

namespace countersign::provider::feedback {

/// As net::HttpClient::send.
using Fetch = std::function<boost::asio::awaitable<Result<net::HttpAnswer, net::HttpFailure>>(
    net::HttpRequest request)>;

/// Older messages are refused. SNS gives up after hours; what is repeated within this time is recognised by
/// its id, which is remembered longer.
inline constexpr std::chrono::hours kSnsAgeMax{24};
inline constexpr std::chrono::minutes kSnsSkewMax{15};

struct SnsOptions {
  std::vector<std::string> topic_arns;  // empty: nothing is taken
  std::string ca_file;                  // authorities for SNS and its certificates, PEM; empty: the system's
  /// For tests: a HOST[:PORT] that plays SNS, and the authorities that vouch for it and for nobody else.
  std::string stand_in_authority;
  std::string stand_in_ca_file;
};

enum class SnsRefusal : std::uint8_t {
  foreign_topic,
  stale,        // too old, or from the future
  foreign_url,  // of the certificate or the subscription: not a host of SNS
  bad_certificate,
  bad_signature,
  not_there,    // SNS answered that there is no such certificate or subscription
  unavailable,  // the certificate cannot be had now, or too much is asked for at once: try again
};
[[nodiscard]] std::string_view name_of(SnsRefusal refusal);

class SnsVerifier {
 public:
  SnsVerifier(SnsOptions options, Fetch fetch);

  /// Thread-safe. Effects: may fetch the certificate, and certificates of its issuers; keeps a few.
  [[nodiscard]] boost::asio::awaitable<Result<void, SnsRefusal>> verify(const SnsEnvelope& envelope,
                                                                        UtcTime now);
  /// Asks SNS to begin to deliver: GETs SubscribeURL of a verified confirmation.
  [[nodiscard]] boost::asio::awaitable<Result<void, SnsRefusal>> confirm(const SnsEnvelope& envelope);

  [[nodiscard]] bool takes_any_topic() const noexcept { return !options_.topic_arns.empty(); }

 private:
  using Certificate = std::shared_ptr<const SnsCertificate>;
  struct Trust {
    std::string ca_file;
    std::vector<std::string> signing_names;
  };
  struct Kept {
    Certificate certificate;
    UtcTime since;
  };

  [[nodiscard]] Result<Trust, SnsRefusal> trust_in(std::string_view url, bool certificate) const;
  [[nodiscard]] boost::asio::awaitable<Result<Certificate, SnsRefusal>> certificate(std::string url,
                                                                                    Trust trust, UtcTime now);
  [[nodiscard]] boost::asio::awaitable<Result<std::string, SnsRefusal>> get(std::string url, Trust trust,
                                                                            bool https_only);
  [[nodiscard]] bool may_fetch_issuer(std::string_view url) const;
  [[nodiscard]] Certificate kept(const std::string& url, UtcTime now);
  void keep(const std::string& url, Certificate certificate, UtcTime now);
  [[nodiscard]] bool take_fetch(UtcTime now);

  const SnsOptions options_;
  const Fetch fetch_;
  std::mutex mutex_;  // for what follows; never held over a wait
  std::map<std::string, Kept> certificates_;
  UtcTime fetches_since_{};
  int fetches_ = 0;
};

}  // namespace countersign::provider::feedback
