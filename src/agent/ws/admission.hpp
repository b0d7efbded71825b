// Who is let in on a WebSocket, and where they begin to listen.
#pragma once

#include <optional>
#include <string>

#include "base/id.hpp"
#include "journal/tail.hpp"

namespace countersign::agent::ws {

/// What a connection is told of first.
enum class Begin : std::uint8_t {
  unread,  // of the unread messages, then of those that come in (contract §18)
  place,   // of everything from Start::place on (our own: `?after=`)
  now,     // of everything that happens from now on (our own: `?after=now`)
};
struct Start {
  Begin begin = Begin::unread;
  journal::Place place;  // of Begin::place
};

/// A caller that may listen to the agent. Whether it still may is looked at again and again.
struct Admission {
  UserId user;
  std::string agent_email;
  ApiKeyId key;
  Start start;
  /// Whether it may hear of incoming mail that is held or blocked: what an agent is kept from, its own key is
  /// too (contract §9.5).
  bool hears_of_holds = false;
};

}  // namespace countersign::agent::ws
