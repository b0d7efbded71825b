// POST /webhooks/ses (contract §22): Amazon SES's feedback over SNS, taken into the outbox.
//
// 200 follows the commit. What will never be accepted is answered 403 (not genuine) or 400 (malformed), which
// SNS does not repeat; what may be accepted later is answered 503, which it does.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "base/time.hpp"
#include "net/http_message.hpp"
#include "provider/feedback/outcome_hook.hpp"
#include "provider/feedback/sns_verifier.hpp"
#include "store/database.hpp"

namespace countersign::provider::feedback {

inline constexpr std::string_view kSesWebhookPath = "/webhooks/ses";

class SesWebhook {
 public:
  /// The references must outlive it. Without a topic every request is answered 404.
  SesWebhook(store::Database& database, const Clock& clock, SnsOptions options, Fetch fetch,
             OutcomeHook hook);

  /// Thread-safe. Effects: outbox::apply_feedback in one transaction; a subscription is confirmed towards
  /// SNS. Answers in plain text.
  [[nodiscard]] boost::asio::awaitable<net::Response> respond(net::Request request);

 private:
  [[nodiscard]] boost::asio::awaitable<net::Response> take(std::string_view body);
  [[nodiscard]] net::Response refuse(SnsRefusal refusal) const;
  [[nodiscard]] boost::asio::awaitable<net::Response> apply(const SnsEnvelope& envelope);
  [[nodiscard]] net::Response answer(int status, std::string_view outcome) const;

  store::Database& database_;
  const Clock& clock_;
  SnsVerifier verifier_;
  OutcomeHook hook_;
  std::atomic<int> in_progress_ = 0;
};

}  // namespace countersign::provider::feedback
