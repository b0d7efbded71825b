#include "store/postgres/worker.hpp"

#include <algorithm>
#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "store/postgres/transactions.hpp"

namespace countersign::store::postgres {
namespace {

constexpr Query kBegin{"store.begin", "", "BEGIN ISOLATION LEVEL READ COMMITTED"};
constexpr Query kBeginRead{"store.begin_read", "", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"};
constexpr Query kRollback{"store.rollback", "ROLLBACK"};

std::exception_ptr as_unavailable(const std::exception& error) {
  return std::make_exception_ptr(Unavailable(error.what()));
}

}  // namespace

Worker::Worker(const Options& options, JobQueue& queue, Health& health)
    : session_(options), queue_(queue), health_(health), thread_([this] { loop(); }) {}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::loop() {
  std::vector<QueuedJob> jobs;
  while (queue_.pop(jobs, 1)) {
    process(jobs.front());
    jobs.clear();
  }
}

void Worker::process(QueuedJob& queued) {
  for (int runs = 0;; ++runs) {
    if (runs > 0) pause_before_rerun(runs);
    if (std::chrono::steady_clock::now() >= queued.deadline) {
      queued.job->fail(std::make_exception_ptr(Unavailable("the database was busy until the deadline")));
      return;
    }
    try {
      connect(queued.deadline);
    } catch (const std::exception&) {
      queued.job->fail(std::current_exception());
      return;
    }
    const Attempt attempt = queued.kind == JobKind::write ? attempt_write(queued) : attempt_read(queued);
    if (attempt == Attempt::ended) return;
  }
}

// A transaction that lost a deadlock and came back at once could take its lock again before the winner woke
// up, and so could the same two forever; a connection that breaks each time would be made anew without a
// breath.
void Worker::pause_before_rerun(int runs) {
  constexpr int kDoublingsMax = 6;
  const int longest_us = 1'000 << std::min(runs, kDoublingsMax);
  std::uniform_int_distribution<int> pause_us(longest_us / 2, longest_us);
  std::this_thread::sleep_for(std::chrono::microseconds(pause_us(random_)));
}

void Worker::connect(TimePoint deadline) {
  if (session_.is_stale()) session_.drop();
  while (!session_.is_open()) {
    health_.wait_for_turn(deadline);
    try {
      session_.open(std::min(deadline, std::chrono::steady_clock::now() + health_.connect_max()));
      health_.succeeded();
    } catch (const Unavailable& error) {
      health_.failed(error.what());
      if (std::chrono::steady_clock::now() >= deadline) throw;
    }
  }
  session_.connection().wait_until(deadline);
}

Worker::Attempt Worker::attempt_read(QueuedJob& queued) {
  Connection& connection = session_.connection();
  PostgresReadTx tx(connection);
  try {
    connection.queue(kBeginRead);
    queued.job->run(tx);
    tx.fault().rethrow();
  } catch (...) {
    // The database's fault rather than what the body made of it.
    return body_failed(queued, tx.fault().get() ? tx.fault().get() : std::current_exception());
  }
  // The value is there; the end of a transaction that wrote nothing need not be waited for.
  try {
    connection.queue(kRollback);
    connection.send_round();
  } catch (const Unavailable&) {
    session_.drop();
  }
  queued.job->settle();
  return Attempt::ended;
}

Worker::Attempt Worker::attempt_write(QueuedJob& queued) {
  PostgresTx tx(session_.connection());
  bool keep = false;
  try {
    session_.connection().queue(kBegin);
    keep = queued.job->run(tx);
    tx.fault().rethrow();
    if (keep) tx.finish();
  } catch (...) {
    return body_failed(queued, tx.fault().get() ? tx.fault().get() : std::current_exception());
  }
  if (keep) return commit(queued);
  roll_back();
  queued.job->settle();
  return Attempt::ended;
}

// COMMIT was not sent, so nothing was kept.
Worker::Attempt Worker::body_failed(QueuedJob& queued, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Lost& lost) {
    log::warn("store.connection_lost", {{"error", lost.what()}});
    session_.drop();
    return Attempt::again;
  } catch (const Conflict&) {
    roll_back();
    return Attempt::again;
  } catch (const ConstraintViolation&) {
    // Between what the body looked at and what it wrote, another transaction may have committed: removed the
    // row that this one refers to, or added the same one. A second run sees that; if it fails too, the body
    // is wrong.
    roll_back();
    if (!std::exchange(queued.constraint_met, true)) return Attempt::again;
    queued.job->fail(error);
    return Attempt::ended;
  } catch (...) {
    roll_back();
    queued.job->fail(error);
    return Attempt::ended;
  }
}

Worker::Attempt Worker::commit(QueuedJob& queued) {
  try {
    CS_FAULT("store.before_commit");
    CS_FAULT("store.commit");
  } catch (const std::exception& error) {
    roll_back();
    queued.job->fail(as_unavailable(error));
    return Attempt::ended;
  }
  Connection& connection = session_.connection();
  // Half of what is left is kept for finding out what became of it.
  const auto now = std::chrono::steady_clock::now();
  connection.wait_until(now + (queued.deadline - now) / 2);
  try {
    session_.queue_commit();
    connection.finish_round();
    if (connection.command_tag() != "COMMIT") throw Unavailable("COMMIT rolled the transaction back");
  } catch (const Lost& lost) {
    return resolve(queued, lost.what());
  } catch (const GuardFailed&) {
    session_.drop();
    return Attempt::again;
  } catch (const EnvironmentError&) {
    return body_failed(queued, std::current_exception());
  }
  try {
    CS_FAULT("store.after_commit");
  } catch (const EnvironmentError& error) {
    return resolve(queued, error.what());  // as if the answer had been lost
  }
  queued.job->settle();
  return Attempt::ended;
}

Worker::Attempt Worker::resolve(QueuedJob& queued, const std::string& reason) {
  log::warn("store.commit_answer_lost", {{"error", reason}});
  session_.drop();
  std::string last = reason;
  constexpr std::chrono::milliseconds kPause{50};
  while (std::chrono::steady_clock::now() < queued.deadline) {
    try {
      const bool committed = session_.was_committed(
          std::min(queued.deadline, std::chrono::steady_clock::now() + health_.connect_max()));
      health_.succeeded();  // nobody else has to find out
      if (!committed) return Attempt::again;
      queued.job->settle();
      return Attempt::ended;
    } catch (const OutcomeUnknown& unknown) {
      queued.job->fail(std::make_exception_ptr(unknown));
      return Attempt::ended;
    } catch (const EnvironmentError& error) {  // whatever it was: what was committed cannot be told yet
      last = error.what();
      std::this_thread::sleep_for(kPause);
    }
  }
  log::error("store.outcome_unknown", {{"error", last}});
  queued.job->fail(std::make_exception_ptr(OutcomeUnknown("the outcome of COMMIT is unknown: " + last)));
  return Attempt::ended;
}

void Worker::roll_back() noexcept {
  if (!session_.is_open()) return;
  Connection& connection = session_.connection();
  try {
    // Twice: a fault in what was still queued would skip the first.
    for (int i = 0; i < 2 && (connection.queued() > 0 || connection.in_transaction()); ++i) {
      try {
        connection.queue(kRollback);
        connection.finish_round();
      } catch (const Lost&) {
        throw;
      } catch (const EnvironmentError&) {
        continue;
      }
    }
    if (connection.in_transaction()) session_.drop();
  } catch (...) {
    session_.drop();
  }
}

}  // namespace countersign::store::postgres
