#include "store/postgres/session.hpp"

#include <algorithm>
#include <array>

#include "base/id.hpp"
#include "base/log.hpp"
#include "base/time.hpp"

namespace countersign::store::postgres {
namespace {

// seq is NOT NULL, so that another epoch than ours is an error and COMMIT is skipped. A third of the cost of
// a CTE that divides by the number of rows.
constexpr Query kGuard{kGuardName, "",
                       "UPDATE store_sessions SET seq = CASE WHEN epoch = $2 THEN $3 END, touched_at_us = $4 "
                       "WHERE slot = $1"};
constexpr Query kCommit{"store.commit", "COMMIT"};
constexpr Query kTakeSlot{
    "store.take_slot", "",
    "INSERT INTO store_sessions (slot, epoch, seq, touched_at_us) VALUES ($1, 1, 0, $2) "
    "ON CONFLICT (slot) DO UPDATE SET epoch = store_sessions.epoch + 1, "
    "touched_at_us = excluded.touched_at_us RETURNING epoch, seq"};
constexpr Query kLimitLockWait{"store.limit_lock_wait", "", "SELECT set_config('lock_timeout', $1, false)"};
constexpr Query kBackend{"store.backend", "",
                         "SELECT pid, CAST(extract(epoch FROM backend_start) * 1000000 AS BIGINT) "
                         "FROM pg_stat_activity WHERE pid = pg_backend_pid()"};
constexpr Query kTerminate{"store.terminate", "",
                           "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 "
                           "AND CAST(extract(epoch FROM backend_start) * 1000000 AS BIGINT) = $2"};

// How long a takeover waits for the transaction of the earlier connection before it ends that connection.
constexpr std::int64_t kTakeoverPatienceMaxMs = 500;

// Long before a slot is forgotten (kForgottenAfterUs).
constexpr std::chrono::hours kRenewedAfter{24 * 7};

std::int64_t now_us() { return to_us(SystemClock().now()); }

}  // namespace

Session::Session(const Options& options)
    : url_(options.url), statement_timeout_(options.deadline), slot_(random_hex(32)) {}

void Session::open(TimePoint deadline) {
  drop();
  connection_ = std::make_unique<Connection>(url_, statement_timeout_, deadline);
  try {
    take_slot(deadline);
  } catch (...) {
    drop();
    throw;
  }
}

void Session::take_slot(TimePoint deadline) {
  const auto left =
      std::chrono::floor<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  const auto patience_ms = std::clamp<std::int64_t>(left.count() / 4, 1, kTakeoverPatienceMaxMs);
  const std::string short_wait = std::to_string(patience_ms);
  const std::array<Param, 1> wait{short_wait};
  connection_->query(kLimitLockWait, wait);
  const std::array<Param, 2> take{slot_, now_us()};
  Rows taken;
  while (true) {
    try {
      taken = connection_->query(kTakeSlot, take);
      break;
    } catch (const Conflict&) {
      if (std::chrono::steady_clock::now() >= deadline) throw;
      terminate_previous();
    }
  }
  const std::int64_t epoch = taken.front().integer(0);
  slot_lost_ = slot_lost_ || epoch <= epoch_;
  epoch_ = epoch;
  touched_ = std::chrono::steady_clock::now();
  kept_seq_ = taken.front().integer(1);
  // The server may not have noticed that the earlier connection is gone; its transaction cannot commit any
  // more, but would keep its locks.
  terminate_previous();
  const Rows backend = connection_->query(kBackend);
  backend_ = {backend.front().integer(0), backend.front().integer(1)};
  const std::string full_wait = std::to_string(std::max<std::int64_t>(1, statement_timeout_.count()));
  const std::array<Param, 1> usual{full_wait};
  connection_->query(kLimitLockWait, usual);
}

// Ends the server's side of the session's earlier connection, if it is still there. The start time keeps a
// process that was given the same number out of it.
void Session::terminate_previous() {
  if (backend_.pid == 0) return;
  const std::array<Param, 2> previous{backend_.pid, backend_.started_at_us};
  if (!connection_->query(kTerminate, previous).empty()) {
    log::warn("store.backend_terminated", {{"pid", backend_.pid}});
  }
}

bool Session::is_stale() const noexcept {
  return connection_ != nullptr && std::chrono::steady_clock::now() - touched_ > kRenewedAfter;
}

void Session::queue_commit() {
  touched_ = std::chrono::steady_clock::now();
  ++seq_;
  slot_lost_ = false;
  const std::array<Param, 4> guard{slot_, epoch_, seq_, now_us()};
  connection_->queue(kGuard, guard);
  connection_->queue(kCommit);
}

bool Session::was_committed(TimePoint deadline) {
  open(deadline);
  if (slot_lost_) {
    throw OutcomeUnknown("the outcome of COMMIT is unknown: its record is gone from the database");
  }
  return kept_seq_ == seq_;
}

}  // namespace countersign::store::postgres
