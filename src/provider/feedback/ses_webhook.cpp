#include "provider/feedback/ses_webhook.hpp"

#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "outbox/feedback.hpp"
#include "provider/feedback/ses_event.hpp"
#include "store/awaitable.hpp"

namespace countersign::provider::feedback {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kSource = "ses";
constexpr int kInProgressMax = 64;  // what comes beside them is asked to come again
constexpr std::string_view kRetryAfterSeconds = "5";

class Counted {
 public:
  explicit Counted(std::atomic<int>& count) : count_(count), value_(++count) {}
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  [[nodiscard]] int value() const noexcept { return value_; }

 private:
  std::atomic<int>& count_;
  int value_;
};

}  // namespace

SesWebhook::SesWebhook(store::Database& database, const Clock& clock, SnsOptions options, Fetch fetch,
                       OutcomeHook hook)
    : database_(database),
      clock_(clock),
      verifier_(std::move(options), std::move(fetch)),
      hook_(std::move(hook)) {}

net::Response SesWebhook::answer(int status, std::string_view outcome) const {
  if (hook_) hook_(kSource, outcome);
  net::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  if (status == 503) response.headers.add("Retry-After", std::string(kRetryAfterSeconds));
  response.body = std::string(outcome) + "\n";
  return response;
}

asio::awaitable<net::Response> SesWebhook::respond(net::Request request) {
  if (!verifier_.takes_any_topic()) co_return answer(404, "off");
  if (request.body_too_large) co_return answer(413, "malformed");
  const Counted here(in_progress_);
  if (here.value() > kInProgressMax) co_return answer(503, "unavailable");
  try {
    auto taken = take(request.body);
    co_return co_await std::move(taken);
  } catch (const EnvironmentError& error) {
    log::write(error.retryable() ? log::Level::warn : log::Level::error, "feedback.not_taken",
               {{"source", kSource}, {"request_id", request.request_id}, {"error", error.what()}});
  }
  co_return answer(503, "unavailable");
}

net::Response SesWebhook::refuse(SnsRefusal refusal) const {
  log::warn("feedback.refused", {{"source", kSource}, {"reason", name_of(refusal)}});
  return answer(refusal == SnsRefusal::unavailable ? 503 : 403, name_of(refusal));
}

asio::awaitable<net::Response> SesWebhook::take(std::string_view body) {
  const auto envelope = parse_sns(body);
  if (!envelope) {
    log::warn("feedback.malformed", {{"source", kSource}, {"error", envelope.error()}});
    co_return answer(400, "malformed");
  }
  auto checked = verifier_.verify(*envelope, clock_.now());
  const auto verified = co_await std::move(checked);
  if (!verified) co_return refuse(verified.error());

  switch (envelope->type) {
    case SnsType::notification: {
      auto applied = apply(*envelope);
      co_return co_await std::move(applied);
    }
    case SnsType::subscription_confirmation: {
      auto asked = verifier_.confirm(*envelope);
      const auto confirmed = co_await std::move(asked);
      if (!confirmed) co_return refuse(confirmed.error());
      log::info("feedback.subscribed", {{"topic", envelope->topic_arn}});
      co_return answer(200, "confirmed");
    }
    case SnsType::unsubscribe_confirmation:
      // Somebody who may do so ended the subscription; to take it up again is theirs too.
      log::warn("feedback.unsubscribed", {{"topic", envelope->topic_arn}});
      co_return answer(200, "unsubscribed");
  }
  co_return answer(400, "malformed");
}

asio::awaitable<net::Response> SesWebhook::apply(const SnsEnvelope& envelope) {
  const auto event = read_ses_event(envelope.message, envelope.message_id, envelope.timestamp);
  if (!event) {
    log::warn("feedback.malformed", {{"source", kSource}, {"error", event.error()}});
    co_return answer(400, "malformed");
  }
  if (const auto* nothing = std::get_if<NothingToDo>(&*event)) {
    log::debug("feedback.ignored", {{"source", kSource}, {"reason", nothing->kind}});
    co_return answer(200, "ignored");
  }
  const auto& feedback = std::get<outbox::Feedback>(*event);
  CS_FAULT("feedback.ses_verified");
  auto body = [&feedback, now = clock_.now()](store::Tx& tx) {
    return outbox::apply_feedback(tx, feedback, now);
  };
  auto written = store::write(database_, std::move(body));
  const outbox::FeedbackOutcome outcome = co_await std::move(written);
  CS_FAULT("feedback.ses_committed");
  log::info("feedback.taken", {{"source", kSource},
                               {"kind", outbox::name_of(feedback.kind)},
                               {"outcome", outbox::name_of(outcome)},
                               {"message_id", feedback.message.str()}});
  co_return answer(200, outbox::name_of(outcome));
}

}  // namespace countersign::provider::feedback
