#include "store/sqlite/readers.hpp"

#include <algorithm>

#include "store/sqlite/transactions.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr Query kBegin{"store.begin_read", "BEGIN"};
constexpr Query kEnd{"store.end_read", "COMMIT"};

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
  while (queue_.pop(jobs, 1)) {
    QueuedJob& queued = jobs.front();
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
    jobs.clear();  // and with them what the callers' callbacks hold
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
