// Virtual time: everything that will happen, in the order of its time.
//
// An action belongs to an owner (one life of a node, or the world). What belongs to a dead owner is
// destroyed, what belongs to a paused one waits until it goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace countersign::sim {

using Owner = std::uint32_t;
inline constexpr Owner kWorld = 0;

class Scheduler {
 public:
  using Action = std::move_only_function<void()>;
  using Ticket = std::uint64_t;  // never 0

  /// Since the schedule began.
  [[nodiscard]] Duration now() const noexcept { return now_; }
  Ticket at(Duration when, Owner owner, Action action);
  Ticket after(Duration delay, Owner owner, Action action) {
    return at(now_ + delay, owner, std::move(action));
  }
  /// Takes an action out before its time; nothing when it ran already.
  [[nodiscard]] std::optional<Action> take(Ticket ticket);
  /// Destroys what belongs to `owner`.
  void drop(Owner owner);
  /// Nothing of `owner` happens before `until`.
  void pause(Owner owner, Duration until);
  [[nodiscard]] bool paused(Owner owner) const;
  /// Everybody goes on now.
  void resume_all();

  /// When the next action is due; nothing when there is none.
  [[nodiscard]] std::optional<Duration> next() const;
  /// Moves time to the next action and runs it; whose it was.
  Owner step();

 private:
  struct Entry {
    Duration when;
    Ticket ticket;
    Owner owner;
    Action action;
  };
  [[nodiscard]] std::size_t earliest() const;
  [[nodiscard]] Duration due(const Entry& entry) const;
  [[nodiscard]] Duration paused_until(Owner owner) const;

  Duration now_{0};
  Ticket tickets_ = 0;
  std::vector<Entry> entries_;  // few at a time: searched, not sorted
  std::vector<std::pair<Owner, Duration>> pauses_;
};

}  // namespace countersign::sim
