#include "account/agent.hpp"
#include "account/idempotency.hpp"
#include "base/assert.hpp"
#include "hold/submit.hpp"
#include "sim/actors.hpp"

namespace countersign::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kFingerprint = "the same route and body";

MessageId fresh_message_id(Random& random, UtcTime now) {
  return MessageId(
      fmt::format("msg_{:012x}{:04x}{:016x}", to_us(now) / 1000, random.below(1 << 16), random.next()));
}

// The member of the answer that a client goes by.
constexpr std::string_view kIdMember = R"("message_id":")";
constexpr std::size_t kIdLength = 36;

}  // namespace

Client::Client(Surroundings& surroundings, const PickNode& pick, const SweepAfter& sweep_after,
               const UserId& owner, Intent& intent)
    : surroundings_(surroundings), pick_(pick), sweep_after_(sweep_after), owner_(owner), intent_(intent) {
  for (std::size_t i = 0; i < intent.reviews.size(); ++i) {
    reviewers_.push_back(
        std::make_unique<Reviewer>(surroundings, pick, owner, intent, i,
                                   [this](const SecondThought& thought) { think_again(thought); }));
  }
}

bool Client::done() const {
  if (!intent_.acknowledged) return false;
  for (const auto& reviewer : reviewers_) {
    if (!reviewer->done()) return false;
  }
  return true;
}

void Client::begin_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this] { send(); });
}

void Client::try_again_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this, attempt = attempt_] {
    if (!intent_.acknowledged && attempt == attempt_) send();
  });
}

// sendMessage: the key, the submission and the answer in one transaction.
void Client::send() {
  ++attempt_;
  // The answer may be lost, or come later than the client's patience lasts.
  try_again_after(surroundings_.random.spread(milliseconds(500), seconds(30)) * attempt_);
  Node* node = pick_();
  if (node == nullptr) return;
  const UtcTime now = node->clock().now();
  const hold::SubmitCommand command{fresh_message_id(surroundings_.random, now), mailbox::Kind::send,
                                    intent_.conversation, intent_.draft};
  surroundings_.trace.note(surroundings_.time.now(), "client {}: asks node {}, as {}", intent_.number,
                           node->number(), command.id.str());
  auto body = [this, command, now, &send_step = node->send_step()](store::Tx& tx) {
    const account::KeyState state = account::claim_key(tx, owner_, intent_.key, kFingerprint, now);
    if (const auto* replay = std::get_if<account::Replay>(&state)) {
      const std::size_t at = replay->body.find(kIdMember);
      CS_ASSERT(at != std::string::npos);
      return Answered{MessageId(replay->body.substr(at + kIdMember.size(), kIdLength)), intent_.held()};
    }
    CS_ASSERT(std::holds_alternative<account::Fresh>(state));
    const auto agent = account::find_live_agent(tx, intent_.agent, kSharedDomain);
    CS_ASSERT(agent.has_value());
    const auto submitted = hold::submit(tx, *agent, account::Limits{}, command, send_step, now);
    CS_ASSERT(submitted.has_value());
    account::store_answer(tx, owner_, intent_.key, kFingerprint, 202,
                          fmt::format(R"({{"status":"accepted","message_id":"{}"}})", command.id.str()), now);
    return Answered{command.id, std::holds_alternative<hold::Held>(*submitted)};
  };
  auto done = [this, node](store::Outcome<Answered> outcome) noexcept {
    if (outcome) {
      answered(*outcome);
      if (!outcome->held) node->wake();
    } else if (!intent_.acknowledged) {
      ++attempt_;
      try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    }
  };
  node->database().write_async(std::move(body), std::move(done));
}

void Client::answered(const Answered& answer) {
  surroundings_.trace.note(surroundings_.time.now(), "client {}: is answered, {}{}", intent_.number,
                           answer.id.str(), answer.held ? ", held" : "");
  if (intent_.acknowledged) {
    if (*intent_.acknowledged != answer.id) intent_.answers_differ = true;
    return;
  }
  intent_.acknowledged = answer.id;
  if (answer.held) begin_reviews();
}

void Client::begin_reviews() {
  sweep_after_(kHoldTtl);
  for (std::size_t i = 0; i < reviewers_.size(); ++i) {
    if (intent_.reviews[i].outcome == Review::Outcome::not_begun) continue;
    Random& random = surroundings_.random;
    // Most are quick and race each other, some come around the deadline or after it.
    reviewers_[i]->begin_after(random.chance(700)
                                   ? random.spread(milliseconds(1), seconds(10))
                                   : random.between(kHoldTtl - seconds(2), kHoldTtl + seconds(8)));
  }
}

// The hold has its time again, less what had passed of it.
void Client::think_again(const SecondThought& thought) {
  sweep_after_(kHoldTtl);
  intent_.reviews[thought.review].outcome = Review::Outcome::open;
  reviewers_[thought.review]->begin_after(surroundings_.random.spread(milliseconds(1), seconds(10)));
}

}  // namespace countersign::sim
