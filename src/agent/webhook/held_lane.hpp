// A lane while this process holds it: what was read, what is under way, how wide it is. Internal to the
// courier.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/webhook/target.hpp"
#include "webhook/lane.hpp"

namespace countersign::agent::webhook {

struct HeldLane {
  explicit HeldLane(countersign::webhook::Lane claimed) : claim(std::move(claimed)) {}

  countersign::webhook::Lane claim;
  std::string url;
  std::string host;
  std::vector<std::string> secrets;
  std::chrono::steady_clock::time_point read_until{};  // the webhook is looked at again after that
  std::deque<countersign::webhook::Job> ready;         // read, not begun, in order
  std::set<std::string> open;                          // ids of deliveries that are begun and not recorded
  std::set<std::string> messages;  // that requests under way are about: one at a time of each
  std::size_t under_way = 0;       // requests
  std::size_t width = 1;
  bool more = true;                // there may be more to read
  std::set<std::string> recorded;  // since the reading under way began, which may still show them as due
  bool lost = false;
  bool busy = false;  // being read or given back
  std::optional<Result<Addresses, std::string>> target;
  std::chrono::steady_clock::time_point target_until{};

  [[nodiscard]] bool is_idle() const { return ready.empty() && open.empty(); }
  // The first job that may begin now.
  [[nodiscard]] std::deque<countersign::webhook::Job>::iterator next() {
    if (lost || under_way >= width) return ready.end();
    return std::ranges::find_if(ready, [&](const auto& job) { return !messages.contains(job.message_id); });
  }
};
using LanePtr = std::shared_ptr<HeldLane>;

// A lane that may begin a request, with the requests under way of its account and its own.
struct Candidate {
  std::size_t of_user = 0;
  std::size_t of_lane = 0;
  LanePtr lane;
  // The heap's first is the one with the fewest.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return std::tie(a.of_user, a.of_lane) > std::tie(b.of_user, b.of_lane);
  }
};

}  // namespace countersign::agent::webhook
