// The bounded queue between the callers of a Database and its store threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "store/database.hpp"

namespace countersign::store {

using TimePoint = std::chrono::steady_clock::time_point;

enum class JobKind { write, read };

/// A job on its way through a driver.
struct QueuedJob {
  std::unique_ptr<Job> job;
  JobKind kind = JobKind::write;
  TimePoint deadline;
  bool constraint_met = false;  // a constraint has refused one of its rows before
  TimePoint patient_until{};    // Urgency::can_wait: from then on it goes first
};

/// How long a job that can wait lets others go first.
inline constexpr std::chrono::milliseconds kGivesWay{100};

/// First in, first out among the jobs of one urgency; thread-safe.
///
/// A job that can wait goes when no other does, and one at a time after it has waited for a while: neither
/// kind starves.
class JobQueue {
 public:
  /// jobs_max  jobs that may wait; one more is refused.
  /// patience  the time from being queued to a job's deadline.
  /// gives_way how long a job that can wait lets others go first.
  JobQueue(std::size_t jobs_max, std::chrono::milliseconds patience,
           std::chrono::milliseconds gives_way = kGivesWay)
      : jobs_max_(jobs_max), patience_(patience), gives_way_(gives_way) {}

  /// Queues the job. A full or closed queue fails it with Unavailable before this returns.
  void push(std::unique_ptr<Job> job, JobKind kind, Urgency urgency = Urgency::somebody_waits);

  /// Waits for a job and moves up to `count_max` waiting ones into `jobs`, which is emptied first.
  /// False: the queue is closed and everything in it was taken.
  [[nodiscard]] bool pop(std::vector<QueuedJob>& jobs, std::size_t count_max);

  /// Refuses what comes later; what waits can still be taken.
  void close();

 private:
  const std::size_t jobs_max_;
  const std::chrono::milliseconds patience_;
  const std::chrono::milliseconds gives_way_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<QueuedJob> jobs_;
  std::deque<QueuedJob> patient_jobs_;  // those of Urgency::can_wait
  bool closed_ = false;
};

}  // namespace countersign::store
