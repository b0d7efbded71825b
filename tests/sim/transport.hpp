// One node's way to the simulated provider: the transport the production dispatcher talks to.
#pragma once

#include "provider/transport.hpp"
#include "sim/provider.hpp"
#include "sim/virtual_timers.hpp"

namespace countersign::sim {

class SimTransport final : public provider::Transport {
 public:
  SimTransport(Surroundings& surroundings, Provider& provider, VirtualTimers& timers, Owner owner)
      : surroundings_(surroundings), provider_(provider), timers_(timers), owner_(owner) {}

  [[nodiscard]] boost::asio::awaitable<provider::Reply> hand_over(provider::HandOver message,
                                                                  provider::Fence fence) override;
  [[nodiscard]] boost::asio::awaitable<void> drain() override;
  [[nodiscard]] std::string_view name() const noexcept override { return "simulated"; }
  [[nodiscard]] provider::TransportClass transport_class() const noexcept override {
    return provider_.transport_class();
  }
  [[nodiscard]] std::chrono::seconds repeat_window() const noexcept override;

 private:
  [[nodiscard]] boost::asio::awaitable<void> pass(Duration time);
  [[nodiscard]] boost::asio::awaitable<provider::Reply> converse(const provider::HandOver& message,
                                                                 provider::Fence fence, HandedOver& entry);
  [[nodiscard]] provider::Reply mutated(provider::Reply reply) const;

  Surroundings& surroundings_;
  Provider& provider_;
  VirtualTimers& timers_;
  Owner owner_;
};

}  // namespace countersign::sim
