// The WebSockets of a node: who listens here, who is to be told of what has happened, and whose time is up.
//
// Nothing about events is kept here that the database does not know: every connection reads the log of its
// agent by itself, from where it stands. What this adds is when to look: a look at the log of all agents
// after each wake-up, and between them with pauses that grow while nothing happens. That a newer connection
// has taken an agent over, on this node or another, that a key was revoked and an agent deleted, is in the
// database as well (listener/), and is looked up at intervals and when another node says so.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/ws/admission.hpp"
#include "base/time.hpp"
#include "net/http_message.hpp"
#include "net/takeover.hpp"
#include "store/database.hpp"

namespace countersign::agent::ws {

struct HubOptions {
  std::string node;  // unique to this process
  std::size_t connections_max = 20'000;
  std::chrono::milliseconds ping_interval{30'000};  // contract §18
  std::chrono::milliseconds pong_timeout{10'000};   // contract §18
  std::chrono::milliseconds write_timeout{30'000};  // for the handshake, and for each frame
  std::chrono::milliseconds poll_interval{1'000};   // longest pause between two looks at the log
  std::chrono::milliseconds check_interval{5'000};  // between two looks at who may still listen
  std::size_t message_bytes_max = 65'536;           // of a client, whose messages nobody reads
  std::size_t frames_per_minute_max = 600;          // of a client, of any kind
};

/// What an operator counts, and what other nodes are to hear of; each may be empty. Called on any thread.
struct HubHooks {
  std::function<void()> opened;
  /// "client", "replaced", "ping_timeout", "shutting_down", "too_slow", "forbidden", "too_many_frames",
  /// "protocol", "unavailable".
  std::function<void(std::string_view why)> closed;
  /// An event went out; age: since it was written, when it was pushed as it happened.
  std::function<void(std::optional<std::chrono::microseconds> age)> pushed;
  /// An agent has a new listener and had another one before.
  std::function<void()> took_over;
};

class Hub {
 public:
  /// The references must outlive run() and every connection.
  Hub(boost::asio::any_io_executor executor, store::Database& database, const Clock& clock,
      HubOptions options, HubHooks hooks);
  /// When no thread runs the executor any more.
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// A caller that was admitted with this request for a WebSocket (see fault_of_upgrade). Nothing: there are
  /// as many connections as may be, or the node stops.
  [[nodiscard]] std::shared_ptr<net::Takeover> admit(Admission admission, const net::Headers& headers,
                                                     const std::string& request_id);
  [[nodiscard]] std::size_t connections() const;

  /// Works until stop(). Completes when every connection is gone.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// There may be events: look now. Thread-safe, and cheap when called often.
  void wake();
  /// A listener may have been replaced: look now. Thread-safe, and cheap when called often.
  void check();
  /// Admits nobody more and closes every connection with 1001 shutting_down. Thread-safe.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::agent::ws
