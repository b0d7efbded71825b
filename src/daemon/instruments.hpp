// What the node tells its operator in numbers: the metrics, fed by the hooks of the parts that know nothing
// of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/metrics.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

class Instruments {
 public:
  Instruments();

  void request(std::string_view operation, int status, std::chrono::microseconds duration);
  /// A hold resolved by the clock: "expired_approved", "expired_rejected"; or "postponed". Those of people
  /// count by their requests.
  void review(std::string_view outcome);
  /// A mail to a reviewer that was handed over, by what came of it.
  void review_mail(std::string_view outcome);
  void review_mail_given_up();
  /// A hand-over that ended, by the transport's verdict.
  void submission(std::string_view provider, std::string_view verdict);
  /// What became of one notification of a provider or mailed report.
  void feedback(std::string_view source, std::string_view outcome);
  void smtp_connection(std::string_view listener);
  /// What became of a message at the door.
  void smtp_message(std::string_view outcome);
  /// Anything else that was refused there.
  void smtp_refusal(std::string_view reason);
  /// A message that came out of the spool: "delivered", "flagged", "held", "blocked", "lost".
  void arrival(std::string_view outcome);
  void fanned_out(std::int64_t events, std::int64_t deliveries);
  void webhook_attempt(std::string_view outcome, std::chrono::microseconds took);
  void webhooks_disabled(std::size_t count);
  void websocket_opened();
  void websocket_closed(std::string_view why);
  /// age: since the event, when it was pushed as it happened.
  void websocket_pushed(std::optional<std::chrono::microseconds> age);
  void rescued(std::int64_t requeued, std::int64_t unknown);
  void resent(std::int64_t count);
  /// Rows whose time was over.
  void removed(std::string_view what, std::int64_t count);

  /// Looks the queues up in the store, and how `provider` stands.
  [[nodiscard]] boost::asio::awaitable<void> measure(store::Database& database, std::string_view provider,
                                                     UtcTime now);

  [[nodiscard]] std::string render() const { return metrics_.render(); }

 private:
  metrics::Metrics metrics_;
};

}  // namespace countersign::daemon
