// Timers of one life of a node, in virtual time.
#pragma once

#include "net/timers.hpp"
#include "sim/scheduler.hpp"

namespace countersign::sim {

class VirtualTimers final : public net::Timers {
 public:
  VirtualTimers(Scheduler& scheduler, Owner owner) : scheduler_(scheduler), owner_(owner) {}

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override;
  [[nodiscard]] std::unique_ptr<net::Timer> make(const boost::asio::any_io_executor& executor) override;

 private:
  Scheduler& scheduler_;
  Owner owner_;
};

}  // namespace countersign::sim
