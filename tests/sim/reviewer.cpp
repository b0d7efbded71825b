#include "account/idempotency.hpp"
#include "approve/approve.hpp"
#include "mailbox/mailbox.hpp"
#include "sim/actors.hpp"

namespace countersign::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kFingerprint = "the same decision";

}  // namespace

bool Intent::held() const { return agent == kLenientAgent || agent == kStrictAgent; }

void Reviewer::begin_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this] { look(); });
}

void Reviewer::try_again_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this, attempt = attempt_] {
    if (!done() && attempt == attempt_) look();
  });
}

// What approveReview does before its transaction: is it pending, in which revision, and is the key answered?
void Reviewer::look() {
  ++attempt_;
  try_again_after(surroundings_.random.spread(milliseconds(500), seconds(30)) * attempt_);
  Node* node = pick_();
  if (node == nullptr) return;
  auto body = [this, now = node->clock().now()](store::ReadTx& tx) {
    Seen seen;
    const auto message = mailbox::find_for_review(tx, owner_, *intent_.acknowledged);
    if (!message) return seen;
    seen.pending = message->review_status == mailbox::ReviewStatus::pending_review;
    seen.revision = message->revision;
    const auto state = account::look_up_key(tx, owner_, review().actor, kFingerprint, now);
    seen.replay = std::holds_alternative<account::Replay>(state);
    return seen;
  };
  auto done = [this, node, request = requests_](store::Outcome<Seen> seen) noexcept {
    if (this->done()) return;
    if (!seen) {
      ++attempt_;
      try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    } else if (seen->replay) {
      end(Decided::won);
    } else if (!seen->pending) {
      end(Decided::lost);
    } else {
      decide(*node, seen->revision);
    }
  };
  node->database().read_async(std::move(body), std::move(done));
}

void Reviewer::decide(Node& node, std::int64_t revision) {
  surroundings_.trace.note(surroundings_.time.now(), "{}: {} revision {} at node {}", review().actor,
                           review().approves ? "approves" : "rejects", revision, node.number());
  if (review().approves) {
    approve(node, revision);
  } else {
    reject(node);
  }
}

void Reviewer::approve(Node& node, std::int64_t revision) {
  approve::ApproveCommand command{owner_, *intent_.acknowledged, review().actor, {}, revision};
  command.edit.subject = review().subject;
  command.edit.to = review().to;
  auto body = [this, command, now = node.clock().now(),
               &send_step = node.send_step()](store::Tx& tx) -> Result<std::monostate, std::monostate> {
    const auto state = account::claim_key(tx, owner_, command.actor, kFingerprint, now);
    if (std::holds_alternative<account::Replay>(state)) return std::monostate{};
    const auto decision = approve::approve_and_send(tx, command, send_step, kSharedDomain, now);
    if (!decision) return unexpected(std::monostate{});
    account::store_answer(tx, owner_, command.actor, kFingerprint, 202,
                          fmt::format(R"({{"message_id":"{}"}})", command.message.str()), now);
    return std::monostate{};
  };
  auto done = [this, &node,
               request = requests_](store::Outcome<Result<std::monostate, std::monostate>> outcome) noexcept {
    if (outcome) {
      if (outcome->has_value()) node.wake();
      if (!this->done()) end(outcome->has_value() ? Decided::won : Decided::lost);
    } else if (!this->done()) {
      ++attempt_;
      try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    }
  };
  node.database().write_async(std::move(body), std::move(done));
}

// rejectReview takes no key: asked again after a lost answer, it finds the message decided.
void Reviewer::reject(Node& node) {
  const approve::RejectCommand command{owner_, *intent_.acknowledged, review().actor, "no"};
  auto body = [command, now = node.clock().now()](store::Tx& tx) {
    return approve::reject(tx, command, now);
  };
  auto done =
      [this, request = requests_](store::Outcome<Result<std::monostate, approve::Refusal>> outcome) noexcept {
        if (this->done()) return;
        if (outcome) {
          end(outcome->has_value() ? Decided::won : Decided::lost);
        } else {
          ++attempt_;
          try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
        }
      };
  node.database().write_async(std::move(body), std::move(done));
}

// Two requests of one person: the members' own and the one that is just ending.
bool Reviewer::another_request_under_way() const { return requests_.use_count() > 2; }

void Reviewer::end(Decided decided) {
  // A duplicate of a request that is under way is told so (409), and asked again.
  if (decided == Decided::lost && another_request_under_way()) {
    ++attempt_;
    try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    return;
  }
  const bool won = decided == Decided::won;
  intent_.reviews[index_].outcome = won ? Review::Outcome::won : Review::Outcome::lost;
  surroundings_.trace.note(surroundings_.time.now(), "{}: {}", review().actor,
                           won ? "has decided" : "comes too late");
}

}  // namespace countersign::sim
