#include "account/idempotency.hpp"
#include "approve/approve.hpp"
#include "base/assert.hpp"
#include "mailbox/mailbox.hpp"
#include "sim/actors.hpp"

namespace countersign::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kFingerprint = "the same decision";

// The member of an answer by which an approval is taken back.
constexpr std::string_view kTokenMember = R"("undo_token":")";

std::string answer_of(UtcTime decided_at) {
  return fmt::format(R"({{"undo_token":"{}"}})", to_us(decided_at));
}

UtcTime decided_at_of(const account::Replay& replay) {
  const std::size_t at = replay.body.find(kTokenMember);
  CS_ASSERT(at != std::string::npos);
  return from_us(std::stoll(replay.body.substr(at + kTokenMember.size())));
}

}  // namespace

bool Intent::held() const { return agent == kLenientAgent || agent == kStrictAgent; }

void Reviewer::begin_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this] { look(); });
}

void Reviewer::try_again_after(Duration delay) {
  surroundings_.time.after(delay, kWorld, [this, attempt = attempt_] {
    if (!decided() && attempt == attempt_) look();
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
    if (const auto* replay = std::get_if<account::Replay>(&state)) seen.replay = decided_at_of(*replay);
    return seen;
  };
  auto done = [this, node, request = requests_](store::Outcome<Seen> seen) noexcept {
    if (decided()) return;
    if (!seen) {
      ++attempt_;
      try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    } else if (seen->replay) {
      won(*seen->replay);
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
  if (review().second_thought) command.undo_for = review().second_thought->undo_for;
  using Answer = Result<UtcTime, std::monostate>;
  auto body = [this, command, now = node.clock().now(),
               &send_step = node.send_step()](store::Tx& tx) -> Answer {
    const auto state = account::claim_key(tx, owner_, command.actor, kFingerprint, now);
    if (const auto* replay = std::get_if<account::Replay>(&state)) return decided_at_of(*replay);
    const auto decision = approve::approve_and_send(tx, command, send_step, kSharedDomain, now);
    if (!decision) return unexpected(std::monostate{});
    account::store_answer(tx, owner_, command.actor, kFingerprint, 202, answer_of(now), now);
    return now;
  };
  auto done = [this, &node, request = requests_](store::Outcome<Answer> outcome) noexcept {
    if (outcome && outcome->has_value()) node.wake();
    if (decided()) return;
    if (!outcome) {
      ++attempt_;
      try_again_after(surroundings_.random.spread(milliseconds(100), seconds(5)));
    } else if (outcome->has_value()) {
      won(**outcome);
    } else {
      end(Decided::lost);
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
        if (decided()) return;
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

void Reviewer::won(UtcTime decided_at) {
  end(Decided::won);
  if (!review().second_thought) return;
  thinking_again_ = true;
  undo_after(review().second_thought->after, decided_at);
}

void Reviewer::undo_after(Duration delay, UtcTime decided_at) {
  surroundings_.time.after(delay, kWorld, [this, decided_at, attempt = ++attempt_] {
    if (thinking_again_ && attempt == attempt_) undo(decided_at);
  });
}

// undoApproval takes no key: asked again after a lost answer, it is refused although it had been done.
void Reviewer::undo(UtcTime decided_at) {
  undo_after(surroundings_.random.spread(milliseconds(500), seconds(30)) * (undos_asked_ + 1), decided_at);
  Node* node = pick_();
  if (node == nullptr) return;
  ++undos_asked_;
  surroundings_.trace.note(surroundings_.time.now(), "{}: thinks again at node {}", review().actor,
                           node->number());
  const approve::UndoCommand command{owner_, *intent_.acknowledged, decided_at};
  using Undone = Result<std::monostate, approve::UndoRefusal>;
  auto body = [command, now = node->clock().now()](store::Tx& tx) { return approve::undo(tx, command, now); };
  auto done = [this, decided_at, request = requests_](store::Outcome<Undone> undone) noexcept {
    if (!thinking_again_) return;
    if (!undone) {
      undo_after(surroundings_.random.spread(milliseconds(100), seconds(5)), decided_at);
    } else if (undone->has_value()) {
      end_undo(Review::Outcome::taken_back);
    } else {
      CS_ASSERT(undone->error() == approve::UndoRefusal::too_late);
      end_undo(undos_asked_ == 1 ? Review::Outcome::won : Review::Outcome::maybe_taken_back);
    }
  };
  node->database().write_async(std::move(body), std::move(done));
}

void Reviewer::end_undo(Review::Outcome outcome) {
  thinking_again_ = false;
  intent_.reviews[index_].outcome = outcome;
  surroundings_.trace.note(
      surroundings_.time.now(), "{}: {}", review().actor,
      outcome == Review::Outcome::taken_back ? "has taken it back" : "thinks again too late");
  if (outcome != Review::Outcome::won) taken_back_(*review().second_thought);
}

}  // namespace countersign::sim
