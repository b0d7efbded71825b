// What a provider tells later: events about what it took, early, late, twice and out of order, posted to a
// node until one has taken them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "outbox/feedback.hpp"
#include "sim/actors.hpp"

namespace countersign::sim {

/// An event that a node has acknowledged.
struct Told {
  std::string submission;
  std::string message;
  std::string recipient;    // empty: the event was about the message as a whole
  bool by_our_ids = false;  // it carried them; else it can be known by the provider's id alone
};

class Notifier {
 public:
  Notifier(Surroundings& surroundings, const PickNode& pick) : surroundings_(surroundings), pick_(pick) {}

  /// The provider has taken this for these recipients; what follows from it is posted in its time.
  void taken(const std::string& submission, const std::string& message,
             const std::vector<std::string>& recipients, bool lied);
  [[nodiscard]] bool done() const noexcept { return open_ == 0; }
  [[nodiscard]] const std::vector<Told>& told() const noexcept { return told_; }

 private:
  struct Event {
    outbox::Feedback feedback;
    Told told;
    bool acknowledged = false;
    int attempt = 0;
  };

  void plan(outbox::Feedback feedback, Told told);
  void post(const std::shared_ptr<Event>& event);
  void post_later(const std::shared_ptr<Event>& event, Duration delay);

  Surroundings& surroundings_;
  const PickNode& pick_;
  int events_ = 0;
  int open_ = 0;
  std::vector<Told> told_;
};

}  // namespace countersign::sim
