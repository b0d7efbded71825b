// Listeners: the connection that an agent's events are pushed to. An agent has one at a time in the whole
// deployment, and this table says which.
//
// Knows no sockets: whoever holds one asks here whether it still is the one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "journal/tail.hpp"
#include "store/tx.hpp"

namespace countersign::listener {

using ListenerId = Id<struct ListenerTag>;  // lsn_ + 32 hex, of one connection

/// Unread messages that a new listener is told of at most (contract §18).
inline constexpr std::int64_t kUnreadTold = 100;

struct Listener {
  ListenerId id;
  std::string agent_email;
  ApiKeyId key;      // it was admitted by
  std::string node;  // unique to the process that holds the connection
};

struct Claimed {
  std::int64_t epoch = 0;  // of two listeners of an agent the one with the higher epoch came later
  bool took_over = false;  // from an earlier one, which is it no more
};
/// Makes this the listener of its agent. Nothing when the agent or the key is gone.
[[nodiscard]] std::optional<Claimed> claim(store::Tx& tx, const Listener& listener, UtcTime now);
/// The connection has ended. Does nothing when another one is the agent's listener.
void release(store::Tx& tx, const ListenerId& id);
/// No process with this name exists any more, or none will have connections again.
void release_node(store::Tx& tx, std::string_view node);

enum class Standing : std::uint8_t {
  listening,
  forbidden,  // the key does not authenticate any more, or the agent is in the trash
};
struct Check {
  std::string agent_email;
  ListenerId id;
  Standing standing;
};
/// The listeners of a node by agent, up to `limit` after that agent. For one that is missing see why_missing.
[[nodiscard]] std::vector<Check> check_node(store::ReadTx& tx, std::string_view node,
                                            std::string_view after_agent, std::int64_t limit, UtcTime now);
/// Why a listener is missing in check_node.
enum class Missing : std::uint8_t {
  replaced,   // another one is there
  forbidden,  // its key does not authenticate any more, or its agent is gone
  given_up,   // another one was there, and left
};
[[nodiscard]] Missing why_missing(store::ReadTx& tx, std::string_view agent_email, const ApiKeyId& key,
                                  UtcTime now);

/// The events that announced the unread messages of an agent, up to kUnreadTold, oldest message first. One
/// whose announcement is no longer in the log is left out.
[[nodiscard]] std::vector<journal::Told> unread(store::ReadTx& tx, std::string_view agent_email);

}  // namespace countersign::listener
