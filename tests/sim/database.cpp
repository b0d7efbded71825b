#include "sim/database.hpp"

#include "sim/transaction.hpp"
#include "store/sqlite/transactions.hpp"

namespace countersign::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using store::Job;
using store::Query;

constexpr Query kSavepoint{"sim.savepoint", "SAVEPOINT job"};
constexpr Query kRollbackTo{"sim.rollback_to", "ROLLBACK TO job"};
constexpr Query kRelease{"sim.release", "RELEASE job"};

// Until production gives up resolving the outcome of a COMMIT, with some to spare.
constexpr seconds kResolveMax{20};

std::exception_ptr unavailable(const char* what) { return std::make_exception_ptr(store::Unavailable(what)); }

// The body in a savepoint that is open afterwards. True: it wants to be kept.
bool run_body(Job& job, SimTx& tx, store::sqlite::Connection& connection) {
  connection.execute(kSavepoint, {});
  const bool keep = job.run(tx);
  tx.fault().rethrow();
  return keep;
}

void close(store::sqlite::Connection& connection, bool keep) {
  if (!keep) connection.execute(kRollbackTo, {});
  connection.execute(kRelease, {});
}

}  // namespace

Duration SimDatabase::latency() {
  Random& random = surroundings_.random;
  if (surroundings_.faults.store.slow > 0 && random.chance(surroundings_.faults.store.slow)) {
    return random.spread(milliseconds(100), minutes(2));
  }
  return random.between(microseconds(50), milliseconds(2));
}

// A job that counts as open until it is destroyed, told or not.
class SimDatabase::OpenJob {
 public:
  OpenJob(std::unique_ptr<Job> job, Store& store) : job_(std::move(job)), store_(&store) {
    store_->note_open(1);
  }
  OpenJob(OpenJob&& other) noexcept : job_(std::move(other.job_)), store_(other.store_) {}
  OpenJob& operator=(OpenJob&&) = delete;
  ~OpenJob() {
    if (job_) store_->note_open(-1);
  }
  Job* operator->() const { return job_.get(); }
  Job& operator*() const { return *job_; }

 private:
  std::unique_ptr<Job> job_;
  Store* store_;
};

// The order is the seed's, whatever the urgency.
void SimDatabase::enqueue_write(std::unique_ptr<Job> job, store::Urgency /*urgency*/) {
  write_later(OpenJob(std::move(job), store_));
}

void SimDatabase::write_later(OpenJob job) {
  surroundings_.time.after(latency(), owner_,
                           [this, job = std::move(job)]() mutable { run_write(std::move(job)); });
}

void SimDatabase::enqueue_read(std::unique_ptr<Job> job) {
  surroundings_.time.after(latency(), owner_, [this, job = OpenJob(std::move(job), store_)]() mutable {
    run_read(std::move(job));
  });
}

void SimDatabase::settle_later(OpenJob job, Duration delay) {
  surroundings_.time.after(delay, owner_, [job = std::move(job)] { job->settle(); });
}

void SimDatabase::fail_later(OpenJob job, std::exception_ptr error, Duration delay) {
  surroundings_.time.after(delay, owner_, [this, job = std::move(job), error = std::move(error)] {
    store_.note_failure(surroundings_.time.now());
    job->fail(error);
  });
}

// A transaction of a mutant's own.
void SimDatabase::run_statements(const std::vector<Postponed>& statements) {
  for (const Postponed& statement : statements) {
    store_.connection().execute(statement.query, statement.params);
  }
}

SimDatabase::End SimDatabase::draw_end() {
  Random& random = surroundings_.random;
  const StoreFaults& faults = surroundings_.faults.store;
  if (faults.commit_late > 0 && random.chance(faults.commit_late)) return End::commit_late;
  if (faults.commit_lost > 0 && random.chance(faults.commit_lost)) return End::commit_lost;
  if (faults.outcome_unknown > 0 && random.chance(faults.outcome_unknown)) {
    return random.chance(500) ? End::unknown_kept : End::unknown_lost;
  }
  return End::commit;
}

void SimDatabase::run_read(OpenJob job) {
  const StoreFaults& faults = surroundings_.faults.store;
  if (faults.unavailable > 0 && surroundings_.random.chance(faults.unavailable)) {
    surroundings_.trace.note(surroundings_.time.now(), "store: a read of {} fails", owner_);
    fail_later(std::move(job), unavailable("the store is away"), latency());
    return;
  }
  store::sqlite::SqliteReadTx tx(store_.connection());
  try {
    job->run(tx);
    tx.fault().rethrow();
  } catch (...) {
    fail_later(std::move(job), std::current_exception(), latency());
    return;
  }
  settle_later(std::move(job), latency());
}

void SimDatabase::run_write(OpenJob job) {
  Random& random = surroundings_.random;
  const StoreFaults& faults = surroundings_.faults.store;
  store::sqlite::Connection& connection = store_.connection();
  SimTx tx(connection, surroundings_);
  bool keep = false;
  try {
    keep = run_body(*job, tx, connection);
  } catch (...) {
    close(connection, false);
    fail_later(std::move(job), std::current_exception(), latency());
    return;
  }
  if (!keep) {  // the body refused: the refusal is the result
    close(connection, false);
    settle_later(std::move(job), latency());
    return;
  }
  if (tx.recorded_acceptance() && surroundings_.broken(Defect::record_with_other_work) &&
      random.chance(100)) {
    close(connection, false);
    fail_later(std::move(job), std::make_exception_ptr(store::ConstraintViolation("work beside the record")),
               latency());
    return;
  }
  const Duration now = surroundings_.time.now();
  if (faults.busy > 0 && random.chance(faults.busy)) {
    surroundings_.trace.note(now, "store: a job of {} was busy, its body runs again", owner_);
    close(connection, false);
    run_statements(tx.copies());
    write_later(std::move(job));
    return;
  }
  if (faults.unavailable > 0 && random.chance(faults.unavailable)) {
    surroundings_.trace.note(now, "store: a job of {} fails before its commit", owner_);
    close(connection, false);
    run_statements(tx.copies());
    fail_later(std::move(job), unavailable("the store is away"), latency());
    return;
  }
  const End end = draw_end();
  const bool kept = end == End::commit || end == End::commit_late || end == End::unknown_kept;
  close(connection, kept);
  if (!kept) run_statements(tx.copies());
  if (kept && !tx.postponed().empty()) {
    surroundings_.time.after(latency(), owner_, [this, statements = std::move(tx.postponed())]() mutable {
      run_statements(statements);
    });
  }
  switch (end) {
    case End::commit:
      settle_later(std::move(job), latency());
      return;
    case End::commit_late:
      surroundings_.trace.note(now, "store: a commit of {} happened, and is known late", owner_);
      settle_later(std::move(job), random.spread(milliseconds(10), kResolveMax));
      return;
    case End::commit_lost:
      surroundings_.trace.note(now, "store: a commit of {} did not happen", owner_);
      fail_later(std::move(job), unavailable("the connection died during COMMIT"),
                 random.spread(milliseconds(10), kResolveMax));
      return;
    case End::unknown_kept:
    case End::unknown_lost:
      surroundings_.trace.note(now, "store: a commit of {} {}, and nobody can tell", owner_,
                               end == End::unknown_kept ? "happened" : "did not happen");
      fail_later(std::move(job), std::make_exception_ptr(store::OutcomeUnknown("the outcome is unknown")),
                 kResolveMax);
      return;
  }
}

}  // namespace countersign::sim
