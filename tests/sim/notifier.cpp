#include "sim/notifier.hpp"

namespace countersign::sim {
namespace {

using outbox::Feedback;
using outbox::FeedbackKind;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void Notifier::taken(const std::string& submission, const std::string& message,
                     const std::vector<std::string>& recipients, bool lied) {
  Random& random = surroundings_.random;
  Feedback feedback;
  feedback.source = "simulated";
  feedback.provider_message_id = "provider-" + submission;
  feedback.occurred_at = kBeginning + surroundings_.time.now();
  const bool ours = random.chance(700);
  if (ours) {
    feedback.submission = SubmissionId(submission);
    feedback.message = MessageId(message);
  }
  if (random.chance(300)) plan(feedback, {submission, message, "", ours});
  for (const std::string& address : recipients) {
    feedback.recipients = {{address, "as the recipient's server said"}};
    if (random.chance(200)) {
      feedback.kind = FeedbackKind::delayed;
      plan(feedback, {submission, message, address, ours});
    }
    if (random.chance(200)) continue;  // nothing more is ever heard of it
    feedback.kind = lied ? FeedbackKind::bounced : FeedbackKind::delivered;
    plan(feedback, {submission, message, address, ours});
  }
}

void Notifier::plan(Feedback feedback, Told told) {
  feedback.event_id = fmt::format("event-{}", ++events_);
  auto event = std::make_shared<Event>(Event{std::move(feedback), std::move(told)});
  Random& random = surroundings_.random;
  ++open_;
  // Often before the answer to the hand-over is recorded, seldom long after.
  const Duration delay = random.chance(400) ? random.between(microseconds(100), milliseconds(30))
                                            : random.spread(milliseconds(30), minutes(20));
  post_later(event, delay);
  if (random.chance(150)) post_later(event, delay + random.spread(milliseconds(1), minutes(5)));
}

void Notifier::post_later(const std::shared_ptr<Event>& event, Duration delay) {
  surroundings_.time.after(delay, kWorld, [this, event] { post(event); });
}

void Notifier::post(const std::shared_ptr<Event>& event) {
  const int attempt = ++event->attempt;
  surroundings_.time.after(surroundings_.random.spread(seconds(1), seconds(30)) * attempt, kWorld,
                           [this, event, attempt] {
                             if (!event->acknowledged && event->attempt == attempt) post(event);
                           });
  Node* node = pick_();
  if (node == nullptr) return;
  auto body = [event, now = node->clock().now()](store::Tx& tx) {
    return outbox::apply_feedback(tx, event->feedback, now);
  };
  auto done = [this, event](store::Outcome<outbox::FeedbackOutcome> outcome) noexcept {
    if (!outcome) return;  // posted again when the provider's patience is over
    surroundings_.trace.note(surroundings_.time.now(), "provider: tells {} of {} {}: {}",
                             outbox::name_of(event->feedback.kind), event->told.message,
                             event->told.recipient, outbox::name_of(*outcome));
    if (std::exchange(event->acknowledged, true)) return;
    --open_;
    told_.push_back(event->told);
  };
  node->database().write_async(std::move(body), std::move(done));
}

}  // namespace countersign::sim
