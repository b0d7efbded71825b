#include "sim/scheduler.hpp"

#include <algorithm>
#include <tuple>

#include "base/assert.hpp"

namespace countersign::sim {

Scheduler::Ticket Scheduler::at(Duration when, Owner owner, Action action) {
  entries_.push_back({std::max(when, now_), ++tickets_, owner, std::move(action)});
  return tickets_;
}

std::optional<Scheduler::Action> Scheduler::take(Ticket ticket) {
  const auto found = std::ranges::find(entries_, ticket, &Entry::ticket);
  if (found == entries_.end()) return std::nullopt;
  Action action = std::move(found->action);
  if (&*found != &entries_.back()) *found = std::move(entries_.back());
  entries_.pop_back();
  return action;
}

void Scheduler::drop(Owner owner) {
  // Destroyed after the list is in order again, since what is destroyed may take others out of it.
  std::vector<Entry> dropped;
  for (std::size_t i = 0; i < entries_.size();) {
    if (entries_[i].owner != owner) {
      ++i;
      continue;
    }
    dropped.push_back(std::move(entries_[i]));
    if (i + 1 < entries_.size()) entries_[i] = std::move(entries_.back());
    entries_.pop_back();
  }
}

void Scheduler::pause(Owner owner, Duration until) { pauses_.emplace_back(owner, until); }

bool Scheduler::paused(Owner owner) const { return paused_until(owner) > now_; }

void Scheduler::resume_all() { pauses_.clear(); }

Duration Scheduler::paused_until(Owner owner) const {
  Duration until{0};
  for (const auto& [paused, time] : pauses_) {
    if (paused == owner) until = std::max(until, time);
  }
  return until;
}

Duration Scheduler::due(const Entry& entry) const {
  return pauses_.empty() ? entry.when : std::max(entry.when, paused_until(entry.owner));
}

std::size_t Scheduler::earliest() const {
  std::size_t best = 0;
  Duration best_due = due(entries_.front());
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    const Duration time = due(entries_[i]);
    if (std::tie(time, entries_[i].ticket) >= std::tie(best_due, entries_[best].ticket)) continue;
    best = i;
    best_due = time;
  }
  return best;
}

std::optional<Duration> Scheduler::next() const {
  if (entries_.empty()) return std::nullopt;
  return std::max(now_, due(entries_[earliest()]));
}

Owner Scheduler::step() {
  CS_ASSERT(!entries_.empty());
  const std::size_t index = earliest();
  Entry entry = std::move(entries_[index]);
  if (index + 1 < entries_.size()) entries_[index] = std::move(entries_.back());
  entries_.pop_back();
  now_ = std::max(now_, due(entry));
  entry.action();
  return entry.owner;
}

}  // namespace countersign::sim
