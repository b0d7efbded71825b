#include "daemon/wakes.hpp"

#include <utility>

#include "daemon/open_store.hpp"

namespace countersign::daemon {

void Wakes::on(Topic topic, std::function<void()> action) {
  actions_.at(static_cast<std::size_t>(topic)).push_back(std::move(action));
}

void Wakes::start(const Config& config) {
  if (!config.store.signals) return;
  signals_ = store::open_signals(store_options(config), [this](store::Topics topics) {
    for (std::size_t i = 0; i < kTopics; ++i) {
      if ((topics >> i & 1U) != 0) act(static_cast<Topic>(i));
    }
  });
}

void Wakes::wake(Topic topic) {
  act(topic);
  if (signals_) signals_->send(store::Topics{1} << static_cast<unsigned>(topic));
}

void Wakes::stop() {
  if (signals_) signals_->stop();
}

void Wakes::act(Topic topic) const {
  for (const auto& action : actions_.at(static_cast<std::size_t>(topic))) action();
}

}  // namespace countersign::daemon
