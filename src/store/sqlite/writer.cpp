#include "store/sqlite/writer.hpp"

#include <algorithm>
#include <array>

#include "base/fault.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "store/sqlite/transactions.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr Query kBegin{"store.begin", "BEGIN IMMEDIATE"};
constexpr Query kCommit{"store.commit", "COMMIT"};
constexpr Query kSavepoint{"store.savepoint", "SAVEPOINT body"};
constexpr Query kRollbackTo{"store.rollback_to", "ROLLBACK TO body"};
constexpr Query kRelease{"store.release", "RELEASE body"};
constexpr Query kMark{"store.mark",
                      "INSERT INTO store_state (writer, group_seq, touched_at_us) VALUES ($1, $2, $3) "
                      "ON CONFLICT (writer) DO UPDATE SET group_seq = excluded.group_seq, "
                      "touched_at_us = excluded.touched_at_us"};
constexpr Query kMarked{"store.marked", "SELECT group_seq FROM store_state WHERE writer = $1"};

// Refusals come in numbers, and running everything twice for each costs more than savepoints do.
constexpr int kGroupsInSavepoints = 16;
// 8 MiB of log between checkpoints; each copies its pages once however often they were written.
constexpr int kCheckpointPages = 2'048;
// Past this the log only grows because readers keep it open: wait for a gap between them.
constexpr int kRestartPages = 16 * kCheckpointPages;
constexpr std::chrono::milliseconds kRestartPatience{200};
constexpr std::chrono::milliseconds kReopenPause{20};

std::int64_t now_us() { return to_us(SystemClock().now()); }

std::exception_ptr as_unavailable(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Unavailable&) {
    return error;
  } catch (const std::exception& other) {
    return std::make_exception_ptr(Unavailable(other.what()));
  }
}

}  // namespace

void Writer::Member::settle() noexcept {
  if (state == State::ended) return;
  if (state == State::failed) {
    queued.job->fail(error);
  } else {
    queued.job->settle();
  }
  queued.job.reset();  // and with it what the caller's callback holds
  state = State::ended;
}

void Writer::Member::fail(std::exception_ptr reason) noexcept {
  if (state == State::ended) return;
  queued.job->fail(state == State::failed ? error : std::move(reason));
  queued.job.reset();
  state = State::ended;
}

Writer::Writer(std::string path, const Options& options)
    : path_(std::move(path)),
      id_(random_hex(32)),
      group_max_(static_cast<std::size_t>(std::max(1, options.group_max))),
      queue_(static_cast<std::size_t>(std::max(1, options.queue_max)), options.deadline),
      connection_(std::make_unique<Connection>(path_, Access::write)),
      checkpoint_at_pages_(kCheckpointPages),
      thread_([this] { loop(); }) {}

void Writer::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void Writer::loop() {
  std::vector<QueuedJob> taken;
  std::vector<Member> group;
  while (queue_.pop(taken, group_max_)) {
    group.clear();
    for (QueuedJob& queued : taken) group.push_back({std::move(queued), Member::State::waiting, nullptr});
    process(group);
    checkpoint_if_due();
  }
}

// Ends every member of the group.
void Writer::process(Group group) {
  if (!begin(group)) return;
  try {
    if (!run_bodies(group)) return;
  } catch (...) {
    // The database lost the transaction under the bodies. Whose doing it was shows when each runs alone.
    connection_->roll_back();
    if (group.size() > 1) {
      process_each_alone(group);
    } else {
      fail_all(group, as_unavailable(std::current_exception()));
    }
    return;
  }
  const auto kept = [](const Member& member) { return member.state == Member::State::kept; };
  if (std::any_of(group.begin(), group.end(), kept)) {
    commit(group);
  } else {
    connection_->roll_back();
    settle_all(group);
  }
}

void Writer::process_each_alone(Group group) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    Member& member = group[i];
    if (member.state == Member::State::ended) continue;
    member.state = Member::State::waiting;
    member.error = nullptr;
    process(group.subspan(i, 1));
  }
}

// Takes the write lock. False: no member of the group is left, or the database cannot be opened.
bool Writer::begin(Group group) {
  while (fail_expired(group) > 0) {
    try {
      if (broken_) reopen();
      connection_->wait_for_locks_until(earliest_deadline(group));
      connection_->execute(kBegin, {});
      return true;
    } catch (const Busy& busy) {
      // Another process holds the lock past the earliest deadline; the others may still wait.
      log::warn("store.busy", {{"error", busy.what()}});
    } catch (...) {
      fail_all(group, as_unavailable(std::current_exception()));
      broken_ = true;
      return false;
    }
  }
  return false;
}

// False: everybody has heard that it failed. Throws when the transaction as a whole is lost.
bool Writer::run_bodies(Group group) {
  // Of one alone the transaction itself serves as the savepoint.
  if ((groups_in_savepoints_ == 0 || group.size() == 1) && run_bodies_bare(group)) return true;
  if (groups_in_savepoints_ > 0) {
    --groups_in_savepoints_;
  } else {
    groups_in_savepoints_ = kGroupsInSavepoints;
    connection_->roll_back();
    if (!begin(group)) return false;
  }
  run_bodies_in_savepoints(group);
  return true;
}

// False: a body that changed something is not to be kept, so that none can be.
bool Writer::run_bodies_bare(Group group) {
  for (Member& member : group) {
    if (member.state == Member::State::ended) continue;
    const std::int64_t changes = connection_->changes();
    run_body(member);
    if (!connection_->in_transaction()) {
      if (member.error) std::rethrow_exception(member.error);
      throw Unavailable("SQLite rolled the transaction back");
    }
    if (member.state == Member::State::kept || group.size() == 1) continue;
    if (connection_->changes() != changes) return false;
  }
  return true;
}

void Writer::run_bodies_in_savepoints(Group group) {
  for (Member& member : group) {
    if (member.state == Member::State::ended) continue;
    member.state = Member::State::waiting;
    member.error = nullptr;
    connection_->execute(kSavepoint, {});
    run_body(member);
    if (!connection_->in_transaction()) {
      if (member.error) std::rethrow_exception(member.error);
      throw Unavailable("SQLite rolled the transaction back");
    }
    if (member.state != Member::State::kept) connection_->execute(kRollbackTo, {});
    connection_->execute(kRelease, {});
  }
}

void Writer::run_body(Member& member) {
  SqliteTx tx(*connection_);
  try {
    const bool keep = member.queued.job->run(tx);
    tx.fault().rethrow();
    member.state = keep ? Member::State::kept : Member::State::refused;
  } catch (...) {
    member.state = Member::State::failed;
    member.error = std::current_exception();
  }
}

void Writer::commit(Group group) {
  if (!mark_group(group)) return;
  try {
    connection_->execute(kCommit, {});
    CS_FAULT("store.after_commit");
    settle_all(group);
  } catch (const DiskFull&) {
    // Certain: a log that could not be written to its end holds no commit record.
    connection_->roll_back();
    fail_all(group, std::current_exception());
  } catch (const Busy&) {
    connection_->roll_back();
    fail_all(group, std::current_exception());
  } catch (const ConstraintViolation&) {
    // A deferred constraint of one member.
    connection_->roll_back();
    if (group.size() > 1) {
      process_each_alone(group);
    } else {
      fail_all(group, std::current_exception());
    }
  } catch (...) {
    resolve(group, as_unavailable(std::current_exception()));
  }
}

// Writes the group's number, by which its outcome can be told later. False: failed, and everybody was told.
bool Writer::mark_group(Group group) {
  try {
    CS_FAULT("store.before_commit");
    ++group_seq_;
    const std::array<Param, 3> mark{id_, group_seq_, now_us()};
    connection_->execute(kMark, mark);
    CS_FAULT("store.commit");
    return true;
  } catch (...) {
    connection_->roll_back();
    fail_all(group, as_unavailable(std::current_exception()));
    return false;
  }
}

// COMMIT failed in a way that leaves its outcome open: its record may stand in the log, unsynchronised, where
// a crash would bring it back. Finds out what the log says and makes that answer durable.
void Writer::resolve(Group group, const std::exception_ptr& reason) {
  const TimePoint deadline = latest_deadline(group);
  while (true) {
    try {
      if (was_committed(deadline)) {
        settle_all(group);
      } else {
        fail_all(group, reason);
      }
      return;
    } catch (const std::exception& error) {
      broken_ = true;
      if (std::chrono::steady_clock::now() + kReopenPause >= deadline) {
        log::error("store.outcome_unknown", {{"error", error.what()}});
        const OutcomeUnknown unknown(std::string("the outcome of COMMIT could not be read: ") + error.what());
        fail_all(group, std::make_exception_ptr(unknown));
        return;
      }
    }
    std::this_thread::sleep_for(kReopenPause);
  }
}

// Throws as long as it cannot tell. The commit in here settles the matter: it either stands on the group's
// own, or overwrites its remains.
bool Writer::was_committed(TimePoint deadline) {
  reopen();
  connection_->wait_for_locks_until(deadline);
  connection_->execute(kBegin, {});
  const std::array<Param, 1> writer{id_};
  const Rows rows = connection_->query(kMarked, writer);
  const bool committed = !rows.empty() && rows.front().integer(0) == group_seq_;
  // The same number again where it stands, so that a repetition of this function reads the same answer.
  const std::array<Param, 3> mark{id_, committed ? group_seq_ : group_seq_ - 1, now_us()};
  connection_->execute(kMark, mark);
  connection_->execute(kCommit, {});
  return committed;
}

// The old connection is closed last: as long as one is open, the index of the log knows which commits were
// completed; without one it would be made anew from a log that may hold what the disk refused to keep.
void Writer::reopen() {
  connection_->roll_back();
  connection_ = std::make_unique<Connection>(path_, Access::write);
  broken_ = false;
}

// After the group heard of its commit, so that nobody waits for it.
void Writer::checkpoint_if_due() {
  const int pages = connection_->wal_pages();
  if (pages < wal_pages_) checkpoint_at_pages_ = kCheckpointPages;  // the log began anew
  wal_pages_ = pages;
  if (pages < checkpoint_at_pages_) return;
  if (pages >= kRestartPages) {
    connection_->wait_for_locks_until(std::chrono::steady_clock::now() + kRestartPatience);
    connection_->checkpoint(Connection::Checkpoint::restart);
  } else {
    connection_->checkpoint(Connection::Checkpoint::passive);
  }
  checkpoint_at_pages_ = pages + kCheckpointPages;
}

void Writer::settle_all(Group group) noexcept {
  for (Member& member : group) member.settle();
}

void Writer::fail_all(Group group, const std::exception_ptr& reason) noexcept {
  for (Member& member : group) member.fail(reason);
}

// Returns how many members are left.
std::size_t Writer::fail_expired(Group group) noexcept {
  const auto now = std::chrono::steady_clock::now();
  std::size_t left = 0;
  for (Member& member : group) {
    if (member.state != Member::State::ended && member.queued.deadline <= now) {
      member.fail(std::make_exception_ptr(Unavailable("the database was busy until the deadline")));
    }
    if (member.state != Member::State::ended) ++left;
  }
  return left;
}

TimePoint Writer::earliest_deadline(Group group) noexcept {
  TimePoint earliest = TimePoint::max();
  for (const Member& member : group) {
    if (member.state != Member::State::ended) earliest = std::min(earliest, member.queued.deadline);
  }
  return earliest;
}

TimePoint Writer::latest_deadline(Group group) noexcept {
  TimePoint latest = TimePoint::min();
  for (const Member& member : group) latest = std::max(latest, member.queued.deadline);
  return latest;
}

}  // namespace countersign::store::sqlite
