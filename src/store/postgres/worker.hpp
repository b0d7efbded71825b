// A store thread with one session: takes jobs from the shared queue and brings each to its end.
#pragma once

#include <random>
#include <thread>

#include "store/open.hpp"
#include "store/postgres/health.hpp"
#include "store/postgres/session.hpp"

namespace countersign::store::postgres {

class Worker {
 public:
  /// `queue` and `health` are shared by the workers of a store and outlive them. Starts the thread, which
  /// ends when the queue is closed and empty.
  Worker(const Options& options, JobQueue& queue, Health& health);
  void join();

 private:
  // What became of one run of a body.
  enum class Attempt { ended, again };

  void loop();
  void process(QueuedJob& queued);
  void pause_before_rerun(int runs);
  void connect(TimePoint deadline);
  Attempt attempt_read(QueuedJob& queued);
  Attempt attempt_write(QueuedJob& queued);
  Attempt body_failed(QueuedJob& queued, const std::exception_ptr& error);
  Attempt commit(QueuedJob& queued);
  Attempt resolve(QueuedJob& queued, const std::string& reason);
  void roll_back() noexcept;

  Session session_;
  JobQueue& queue_;
  Health& health_;
  std::minstd_rand random_{std::random_device{}()};  // spreads reruns
  std::thread thread_;
};

}  // namespace countersign::store::postgres
