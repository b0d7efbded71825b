#include "store/postgres/postgres_database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "base/log.hpp"
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
constexpr Query kTryLock{
    "store.try_lock", "",
    "SELECT 1 FROM (SELECT pg_try_advisory_xact_lock(7233170941520114) AS got) AS locked WHERE got"};
// In this transaction.
constexpr Query kLimitLockWait{"store.limit_migration_wait", "",
                               "SELECT set_config('lock_timeout', $1, true)"};
constexpr Query kIsOurs{"store.is_ours", "", "SELECT 1 WHERE to_regclass('store_migrations') IS NOT NULL"};
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

// A step over a large table takes as long as it takes; this only ends what has hung.
constexpr std::chrono::hours kMigrationPatience{12};

int version_of(Connection& connection) {
  return static_cast<int>(connection.query(kSchemaVersion).front().integer(0));
}

class Migrator {
 public:
  explicit Migrator(const Options& options)
      : url_(options.url),
        table_patience_(std::to_string(std::max<std::int64_t>(1, options.deadline.count()))),
        connection_(options.url, kMigrationPatience, std::chrono::steady_clock::now() + options.deadline) {
    connection_.wait_until(std::chrono::steady_clock::now() + kMigrationPatience);
  }

  void run() {
    try {
      locked([this] {
        doing_ = "making the store's own tables";
        connection_.run_script(kOwnTables);
        const std::array<Param, 1> oldest{now_us_ - kForgottenAfterUs};
        connection_.query(kForgetSessions, oldest);
      });
      while (step()) {
      }
    } catch (const Conflict& conflict) {
      throw Unavailable(fmt::format(
          "{}: {}; a table was in use for longer than store.deadline_ms. Look for what holds it in "
          "pg_stat_activity, or stop the other nodes, and start again",
          doing_, conflict.what()));
    } catch (const Lost& lost) {
      throw Unavailable(fmt::format("{}: {}", doing_, lost.what()));
    }
  }

 private:
  // The lock ends with its transaction; a fault closes the connection and with it the transaction. Another
  // node's migration is waited for. A table is not, for long: all that wants to use the table meanwhile waits
  // behind whoever asks for all of it.
  template <class Action>
  void locked(Action action) {
    doing_ = "waiting for the migration of another node";
    connection_.queue(kBegin);
    if (connection_.query(kTryLock).empty()) {
      log::info("store.waiting_for_migration", {{"note", "another node brings the database up to date"}});
      connection_.query(kLock);
    }
    const std::array<Param, 1> patience{table_patience_};
    connection_.query(kLimitLockWait, patience);
    action();
    connection_.queue(kCommit);
    connection_.finish_round();
  }

  bool step() {
    bool more = false;
    locked([this, &more] {
      doing_ = "reading the schema's version";
      const int version = version_of(connection_);
      const Migration* next = next_migration(version);
      more = next != nullptr;
      if (!more) return;
      doing_ = fmt::format("migration {} ({})", next->version, next->name);
      if (version == 0) {
        created_ = true;
        log::info("store.created", {{"url", without_secret(url_)}});
      }
      // All steps of a new store are one event.
      if (!created_) log::info("store.migrating", {{"schema", next->version}, {"name", next->name}});
      connection_.run_script(migration_text(*next, Dialect::postgres));
      const std::array<Param, 3> record{next->version, next->name, now_us_};
      connection_.query(kRecordMigration, record);
    });
    return more;
  }

  const std::string url_;
  const std::string table_patience_;
  const std::int64_t now_us_ = to_us(SystemClock().now());
  Connection connection_;
  std::string doing_;
  bool created_ = false;
};

void require_prepared(const Options& options) {
  Connection connection(options.url, options.deadline, std::chrono::steady_clock::now() + options.deadline);
  if (connection.query(kIsOurs).empty()) {
    throw Unavailable(no_database_at(without_secret(options.url)), false);
  }
  require_current(version_of(connection));
}

Patience patience_of(const Options& options) {
  Patience patience = Patience::within(options.deadline);
  patience.grace = options.grace.value_or(patience.grace);
  return patience;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const Options& options)
      : queue_(static_cast<std::size_t>(std::max(1, options.queue_max)), options.deadline),
        health_(patience_of(options)) {
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
  if (options.prepare) {
    Migrator(options).run();
  } else {
    require_prepared(options);
  }
  return std::make_unique<PostgresDatabase>(options);
}

}  // namespace countersign::store::postgres
