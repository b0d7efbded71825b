// Wake-ups: whoever has committed something says what kind of thing, and who waits for that kind looks, on
// this node at once and on the others soon (store/signals.hpp). A wake-up is a favour: everybody looks by
// himself too, at intervals.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/config.hpp"
#include "store/signals.hpp"

namespace countersign::daemon {

/// The numbers go over the wire between nodes: they are never given to something else.
enum class Topic : std::uint8_t {
  events = 0,       // the log has grown
  submissions = 1,  // mail is queued for the outside
  listeners = 2,    // a WebSocket has replaced one that may be on another node
};
inline constexpr std::size_t kTopics = 3;

class Wakes {
 public:
  /// `action` is called on any thread for each wake-up of that kind, from anywhere: it must be quick. Before
  /// start() only.
  void on(Topic topic, std::function<void()> action);
  /// From here on wake-ups of other nodes come in. `config` names the store.
  void start(const Config& config);
  /// Something of this kind was committed. Thread-safe, quick, and cheap when called often.
  void wake(Topic topic);
  /// Nothing comes in any more.
  void stop();

 private:
  void act(Topic topic) const;

  std::array<std::vector<std::function<void()>>, kTopics> actions_;
  std::unique_ptr<store::Signals> signals_;  // none beside an embedded store
};

}  // namespace countersign::daemon
