// The one writer of a SQLite store: group commit.
//
// Takes whatever waits (a lone job never waits for company), runs the bodies one after another, commits once
// and only then tells everybody. What a body read of its neighbours' changes is therefore never told before
// those are durable; a failed COMMIT is everybody's failure, refusals included.
//
// Savepoints copy every page that a body changes, so the bodies first run without: when one that changed
// something is not kept, the transaction is rolled back and all run again, each in a savepoint.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "store/job_queue.hpp"
#include "store/open.hpp"
#include "store/sqlite/connection.hpp"

namespace countersign::store::sqlite {

class Writer {
 public:
  /// Starts the thread. `path` names a store that is already migrated.
  Writer(std::string path, const Options& options);
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void push(std::unique_ptr<Job> job, Urgency urgency) {
    queue_.push(std::move(job), JobKind::write, urgency);
  }
  void stop();

 private:
  // A job in the group that is being committed.
  struct Member {
    enum class State { waiting, kept, refused, failed, ended };
    QueuedJob queued;
    State state = State::waiting;
    std::exception_ptr error;

    void settle() noexcept;
    void fail(std::exception_ptr reason) noexcept;
  };
  using Group = std::span<Member>;

  void loop();
  void process(Group group);
  void process_each_alone(Group group);
  bool begin(Group group);
  bool run_bodies(Group group);
  bool run_bodies_bare(Group group);
  void run_bodies_in_savepoints(Group group);
  void run_body(Member& member);
  void commit(Group group);
  bool mark_group(Group group);
  void resolve(Group group, const std::exception_ptr& reason);
  bool was_committed(TimePoint deadline);
  void reopen();
  void checkpoint_if_due();

  static void settle_all(Group group) noexcept;
  static void fail_all(Group group, const std::exception_ptr& reason) noexcept;
  static std::size_t fail_expired(Group group) noexcept;
  static TimePoint earliest_deadline(Group group) noexcept;
  static TimePoint latest_deadline(Group group) noexcept;

  const std::string path_;
  const std::string id_;  // of this writer's row in store_state
  const std::size_t group_max_;
  JobQueue queue_;
  std::unique_ptr<Connection> connection_;
  bool broken_ = false;           // the connection is to be replaced before the next group
  std::int64_t group_seq_ = 0;    // of the last group that was sent to COMMIT
  int groups_in_savepoints_ = 0;  // how many groups to come run in savepoints at once
  int wal_pages_ = 0;             // length of the log after the last group
  int checkpoint_at_pages_;       // length at which it is copied into the database
  std::thread thread_;
};

}  // namespace countersign::store::sqlite
