// A connection with a slot: a row of its own in store_sessions, through which the outcome of a COMMIT can be
// told after the connection died (docs/decisions/0001-commit-outcome.md).
//
// Every write transaction sets the row's seq right before COMMIT, under the condition that its epoch still
// is the one this connection was given. A new connection of the slot raises the epoch: that waits for a
// transaction in progress and shuts out one that comes late, and seq then says what was committed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/open.hpp"
#include "store/postgres/connection.hpp"

namespace countersign::store::postgres {

class Session {
 public:
  explicit Session(const Options& options);

  [[nodiscard]] bool is_open() const noexcept { return connection_ != nullptr; }
  [[nodiscard]] Connection& connection() noexcept { return *connection_; }

  /// The slot was not touched for so long that it may be forgotten; open() renews it.
  [[nodiscard]] bool is_stale() const noexcept;

  /// Connects and takes the slot over from an earlier connection of this session. Throws Unavailable.
  void open(TimePoint deadline);
  /// Closes the connection; what was in progress on it is rolled back by the server, or was committed.
  void drop() noexcept { connection_.reset(); }

  /// Queues the slot's guard and COMMIT. The guard fails when another connection took the slot over.
  void queue_commit();
  /// After a COMMIT without an answer: connects anew and says whether it took place.
  /// Throws Unavailable while that cannot be told; may be called again.
  [[nodiscard]] bool was_committed(TimePoint deadline);

 private:
  struct Backend {
    std::int64_t pid = 0;
    std::int64_t started_at_us = 0;
  };
  void take_slot(TimePoint deadline);
  void terminate_previous();

  const std::string url_;
  const std::chrono::milliseconds statement_timeout_;
  const std::string slot_;
  std::unique_ptr<Connection> connection_;
  Backend backend_;            // of the newest connection
  TimePoint touched_;          // when the slot was taken or set last
  std::int64_t epoch_ = 0;     // given to the newest connection
  std::int64_t seq_ = 0;       // of the last transaction sent to COMMIT
  std::int64_t kept_seq_ = 0;  // what the slot said when it was taken over
  bool slot_lost_ = false;     // the row was gone at a takeover since the last COMMIT
};

}  // namespace countersign::store::postgres
