// One process of the deployment: production's dispatcher and expiry worker on an execution context of their
// own, which dies with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "daemon/expiry_worker.hpp"
#include "provider/dispatcher.hpp"
#include "provider/loopback/send_step.hpp"
#include "sim/database.hpp"
#include "sim/provider.hpp"
#include "sim/transport.hpp"

namespace countersign::sim {

/// Wall-clock time of one machine.
class NodeClock final : public Clock {
 public:
  explicit NodeClock(const Scheduler& time) : time_(time) {}
  [[nodiscard]] UtcTime now() const override { return kBeginning + time_.now() + skew_; }
  void set_skew(Duration skew) { skew_ = skew; }

 private:
  const Scheduler& time_;
  Duration skew_{0};
};

/// What the nodes of one schedule have in common.
struct NodeSettings {
  std::chrono::seconds lease{60};
  std::chrono::milliseconds poll_interval{1000};
  Duration sweep_interval{0};
  bool sole_process = false;
};

class Node {
 public:
  Node(Surroundings& surroundings, Store& store, Provider& provider, const NodeSettings& settings,
       int number);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void start();
  /// Everything it was at vanishes.
  void crash();
  /// Takes nothing new, finishes what is under way, and is down then.
  void stop();
  void pause(Duration time);
  /// Runs what is ready, unless it is down or paused.
  void poll();

  [[nodiscard]] bool up() const noexcept { return life_ != nullptr; }
  [[nodiscard]] bool accepts_requests() const noexcept { return up() && !stopping_; }
  [[nodiscard]] Owner owner() const;
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] NodeClock& clock() { return clock_; }
  [[nodiscard]] store::Database& database();
  [[nodiscard]] outbox::SendStep& send_step() { return send_; }
  /// Something was queued.
  void wake();
  /// Looks for expired holds, unless it is at it. The node is up.
  void sweep();

 private:
  struct Life;
  void sweep_periodically();

  Surroundings& surroundings_;
  Store& store_;
  Provider& provider_;
  const NodeSettings& settings_;
  int number_;
  int lives_ = 0;
  bool stopping_ = false;
  bool finished_ = false;
  NodeClock clock_;
  provider::loopback::SendStep send_{{std::string(kSharedDomain), std::string(kRelayDomain)}};
  std::unique_ptr<Life> life_;
};

}  // namespace countersign::sim
