#include "store/postgres/postgres_database.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include "base/time.hpp"
#include "store/migrations/schema.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/health.hpp"
#include "store/postgres/worker.hpp"

namespace countersign::store::postgres {
namespace {

// Nodes that start together migrate one after another. Any number will do that nobody else uses.
constexpr Query kLock{"store.lock", "",
                      "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7233170941520114)) AS locked"};
constexpr Query kBegin{"store.begin", "", "BEGIN ISOLATION LEVEL READ COMMITTED"};
constexpr Query kCommit{"store.commit", "COMMIT"};
constexpr Query kForgetSessions{"store.forget_sessions", "",
                                "DELETE FROM store_sessions WHERE slot IN (SELECT slot FROM store_sessions "
                                "WHERE touched_at_us < $1 FOR UPDATE SKIP LOCKED)"};

// What the driver needs for itself. store_sessions: see docs/decisions/0001-commit-outcome.md. Its rows
// change with every commit of their connection; the low fill factor keeps the versions of a row on its own
// page.
constexpr const char* kOwnTables =
    "CREATE TABLE IF NOT EXISTS store_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at_us BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS store_sessions (slot TEXT PRIMARY KEY, epoch BIGINT NOT NULL, seq BIGINT NOT "
    "NULL, "
    "touched_at_us BIGINT NOT NULL) WITH (fillfactor = 10);";

void migrate(const Options& options, TimePoint deadline) {
  const auto now_us = to_us(SystemClock().now());
  Connection connection(options.url, options.deadline, deadline);
  // The lock ends with its transaction; a fault closes the connection and with it the transaction.
  const auto locked = [&](auto&& action) {
    connection.queue(kBegin);
    connection.query(kLock);
    action();
    connection.queue(kCommit);
    connection.finish_round();
  };
  locked([&] {
    connection.run_script(kOwnTables);
    const std::array<Param, 1> oldest{now_us - kForgottenAfterUs};
    connection.query(kForgetSessions, oldest);
  });
  bool more = true;
  while (more) {
    locked([&] {
      const int version = static_cast<int>(connection.query(kSchemaVersion).front().integer(0));
      const Migration* next = next_migration(version);
      more = next != nullptr;
      if (!more) return;
      connection.run_script(migration_text(*next, Dialect::postgres));
      const std::array<Param, 3> record{next->version, next->name, now_us};
      connection.query(kRecordMigration, record);
    });
  }
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const Options& options)
      : queue_(static_cast<std::size_t>(std::max(1, options.queue_max)), options.deadline) {
    for (int i = 0; i < std::max(1, options.connections); ++i)
      workers_.emplace_back(options, queue_, health_);
  }
  ~PostgresDatabase() override { stop(); }

  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::postgres; }
  void stop() override {
    queue_.close();
    for (Worker& worker : workers_) worker.join();
  }

 private:
  void enqueue_write(std::unique_ptr<Job> job, Urgency urgency) override {
    queue_.push(std::move(job), JobKind::write, urgency);
  }
  void enqueue_read(std::unique_ptr<Job> job) override { queue_.push(std::move(job), JobKind::read); }

  JobQueue queue_;
  Health health_;
  std::deque<Worker> workers_;  // never moves them
};

}  // namespace

std::unique_ptr<Database> open(const Options& options) {
  migrate(options, std::chrono::steady_clock::now() + options.deadline);
  return std::make_unique<PostgresDatabase>(options);
}

}  // namespace countersign::store::postgres
