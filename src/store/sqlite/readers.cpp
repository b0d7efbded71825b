#include "store/sqlite/readers.hpp"

#include <algorithm>

#include "store/sqlite/transactions.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr Query kBegin{"store.begin_read", "BEGIN"};
constexpr Query kEnd{"store.end_read", "COMMIT"};

// More would let one long read hold up too many others.
constexpr std::size_t kJobsPerSnapshotMax = 8;

}  // namespace

Readers::Readers(std::string path, const Options& options)
    : path_(std::move(path)),
      queue_(static_cast<std::size_t>(std::max(1, options.queue_max)), options.deadline) {
  for (int i = 0; i < std::max(1, options.readers); ++i) threads_.emplace_back([this] { loop(); });
}

void Readers::stop() {
  queue_.close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Readers::loop() {
  std::unique_ptr<Connection> connection;
  std::vector<QueuedJob> jobs;
  while (queue_.pop(jobs, kJobsPerSnapshotMax)) {
    if (jobs.size() > 1) run_together(connection, jobs);
    for (QueuedJob& queued : jobs) {
      if (queued.job) run_alone(connection, queued);
    }
    jobs.clear();  // and with them what the callers' callbacks hold
  }
}

// Runs jobs that waited at the same time on one snapshot, younger than all of them: every snapshot costs
// reading pages anew that a writer has changed. Ends those that succeed; the others are left to run alone,
// where their faults show.
void Readers::run_together(std::unique_ptr<Connection>& connection, std::vector<QueuedJob>& jobs) {
  std::vector<QueuedJob*> succeeded;
  try {
    if (!connection) connection = std::make_unique<Connection>(path_, Access::read);
    connection->wait_for_locks_until(jobs.front().deadline);
    connection->execute(kBegin, {});
    for (QueuedJob& queued : jobs) {
      SqliteReadTx tx(*connection);
      try {
        queued.job->run(tx);
        tx.fault().rethrow();
        succeeded.push_back(&queued);
      } catch (...) {
        if (!connection->in_transaction()) throw;
      }
    }
    connection->execute(kEnd, {});
  } catch (...) {
    if (connection) connection->roll_back();
    return;
  }
  for (QueuedJob* queued : succeeded) {
    queued->job->settle();
    queued->job.reset();
  }
}

void Readers::run_alone(std::unique_ptr<Connection>& connection, QueuedJob& queued) {
  try {
    if (!connection) connection = std::make_unique<Connection>(path_, Access::read);
    run(*connection, queued);
    queued.job->settle();
  } catch (const StatementError&) {
    queued.job->fail(std::current_exception());
  } catch (const EnvironmentError&) {
    queued.job->fail(std::current_exception());
    connection.reset();
  } catch (...) {
    queued.job->fail(std::current_exception());
  }
}

// Runs the body to its end on one snapshot, again while another process holds a lock that readers need.
void Readers::run(Connection& connection, QueuedJob& queued) {
  while (true) {
    SqliteReadTx tx(connection);
    try {
      connection.wait_for_locks_until(queued.deadline);
      connection.execute(kBegin, {});
      queued.job->run(tx);
      tx.fault().rethrow();
      connection.execute(kEnd, {});
      return;
    } catch (const Busy&) {
      connection.roll_back();
      if (std::chrono::steady_clock::now() >= queued.deadline) throw;
    } catch (...) {
      connection.roll_back();
      throw;
    }
  }
}

}  // namespace countersign::store::sqlite
