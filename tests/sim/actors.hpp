// The people and programs outside: clients that send until they are answered, and reviewers that race and
// think again.
//
// They do what the REST handlers do in their transactions, with the same functions of the durable middle.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/intent.hpp"
#include "sim/node.hpp"

namespace countersign::sim {

/// Chooses a node that takes requests; null when there is none.
using PickNode = std::function<Node*()>;
/// Has expired holds looked for after this time.
using SweepAfter = std::function<void(Duration)>;

/// A reviewer: reads, decides under a key, and repeats that until there is an answer. An approval may be
/// taken back, which is repeated as well.
class Reviewer {
 public:
  /// Called when the hold may stand again.
  using TakenBack = std::function<void(const SecondThought&)>;

  Reviewer(Surroundings& surroundings, const PickNode& pick, const UserId& owner, Intent& intent,
           std::size_t review, TakenBack taken_back)
      : surroundings_(surroundings),
        pick_(pick),
        owner_(owner),
        intent_(intent),
        index_(review),
        taken_back_(std::move(taken_back)) {}

  void begin_after(Duration delay);
  [[nodiscard]] bool done() const { return decided() && !thinking_again_; }

 private:
  struct Seen {
    std::optional<UtcTime> replay;  // when the approval was made that is answered again
    bool pending = false;
    std::int64_t revision = 0;
  };
  enum class Decided : std::uint8_t { won, lost };

  [[nodiscard]] const Review& review() const { return intent_.reviews[index_]; }
  [[nodiscard]] bool decided() const { return review().outcome != Review::Outcome::open; }
  void look();
  void decide(Node& node, std::int64_t revision);
  void approve(Node& node, std::int64_t revision);
  void reject(Node& node);
  [[nodiscard]] bool another_request_under_way() const;
  void won(UtcTime decided_at);
  void end(Decided decided);
  void try_again_after(Duration delay);
  void undo(UtcTime decided_at);
  void undo_after(Duration delay, UtcTime decided_at);
  void end_undo(Review::Outcome outcome);

  Surroundings& surroundings_;
  const PickNode& pick_;
  UserId owner_;
  Intent& intent_;
  std::size_t index_;
  TakenBack taken_back_;
  int attempt_ = 0;
  bool thinking_again_ = false;
  int undos_asked_ = 0;
  // Held by every request that is under way.
  std::shared_ptr<const std::monostate> requests_ = std::make_shared<const std::monostate>();
};

/// A client: sends under a key, and repeats that until there is an answer. Then its reviewers begin.
class Client {
 public:
  Client(Surroundings& surroundings, const PickNode& pick, const SweepAfter& sweep_after, const UserId& owner,
         Intent& intent);

  void begin_after(Duration delay);
  [[nodiscard]] bool done() const;

 private:
  struct Answered {
    MessageId id;
    bool held = false;
  };

  void send();
  void answered(const Answered& answer);
  void try_again_after(Duration delay);
  void begin_reviews();
  void think_again(const SecondThought& thought);

  Surroundings& surroundings_;
  const PickNode& pick_;
  const SweepAfter& sweep_after_;
  UserId owner_;
  Intent& intent_;
  int attempt_ = 0;
  std::vector<std::unique_ptr<Reviewer>> reviewers_;
};

}  // namespace countersign::sim
