// Where feedback comes in: the webhook of SES on the node's listener, and the Maildir of bounces when there
// is one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/rest/server.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "daemon/config.hpp"
#include "daemon/periodic.hpp"
#include "net/http_client.hpp"
#include "provider/feedback/bounce_maildir.hpp"
#include "provider/feedback/ses_webhook.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

class FeedbackIntake {
 public:
  /// The references must outlive it. Bounces are read on `files`.
  FeedbackIntake(const Config& config, store::Database& database, const Clock& clock,
                 boost::asio::any_io_executor executor, boost::asio::thread_pool& files,
                 provider::feedback::OutcomeHook hook);

  /// Gives the webhook its path on `server`, which this object must outlive.
  void attach(agent::rest::Server& server);
  /// Reads bounces until stop(). Runs once.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Thread-safe.
  void stop();

 private:
  net::HttpClient client_;
  provider::feedback::SesWebhook webhook_;
  std::optional<provider::feedback::BounceMaildir> bounces_;
  Periodic bounce_loop_;
};

/// The envelope sender of a message, as the dispatcher asks for it; empty where senders stay plain.
[[nodiscard]] std::function<std::string(std::string_view, const MessageId&)> return_path_of(
    const Config& config);

}  // namespace countersign::daemon
