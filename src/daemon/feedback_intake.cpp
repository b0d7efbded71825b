#include "daemon/feedback_intake.hpp"

#include <utility>

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace feedback = provider::feedback;

feedback::SnsOptions sns_options(const Config& config) {
  feedback::SnsOptions options;
  options.topic_arns = config.feedback.sns_topic_arns;
  options.ca_file = config.feedback.sns_ca_file;
  options.stand_in_authority = config.feedback.sns_stand_in_for_tests;
  options.stand_in_ca_file = config.feedback.sns_stand_in_for_tests_ca_file;
  return options;
}

}  // namespace

FeedbackIntake::FeedbackIntake(const Config& config, store::Database& database, const Clock& clock,
                               asio::any_io_executor executor, asio::thread_pool& files,
                               feedback::OutcomeHook hook)
    : webhook_(
          database, clock, sns_options(config),
          [this](net::HttpRequest request) { return client_.send(std::move(request)); }, hook),
      bounce_loop_(std::move(executor), "bounces", config.feedback.bounce_poll_interval,
                   [this] { return bounces_->sweep(); }) {
  if (config.feedback.bounce_maildir.empty()) return;
  bounces_.emplace(database, clock, config.feedback.bounce_maildir,
                   feedback::ReturnPaths(load_signing_secret(config)), files, std::move(hook));
}

void FeedbackIntake::attach(agent::rest::Server& server) {
  agent::rest::Mount mount;
  mount.path = feedback::kSesWebhookPath;
  mount.name = "ses_webhook";
  mount.body_bytes_max = feedback::kSnsBodyBytesMax;
  mount.respond = [this](net::Request request) { return webhook_.respond(std::move(request)); };
  server.mount(std::move(mount));
}

asio::awaitable<void> FeedbackIntake::run() {
  if (bounces_) co_await bounce_loop_.run();
}

void FeedbackIntake::stop() { bounce_loop_.stop(); }

std::function<std::string(std::string_view, const MessageId&)> return_path_of(const Config& config) {
  if (config.outbound.return_path == ReturnPath::plain) return {};
  return [paths = feedback::ReturnPaths(load_signing_secret(config))](
             std::string_view sender, const MessageId& message) { return paths.make(sender, message); };
}

}  // namespace countersign::daemon
