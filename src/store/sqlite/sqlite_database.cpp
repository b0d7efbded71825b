#include "store/sqlite/sqlite_database.hpp"

#include <array>
#include <filesystem>

#include "base/log.hpp"
#include "base/time.hpp"
#include "store/migrations/schema.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/readers.hpp"
#include "store/sqlite/writer.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr Query kLock{"store.lock", "BEGIN EXCLUSIVE"};
constexpr Query kCommit{"store.commit", "COMMIT"};
constexpr Query kIsOurs{"store.is_ours",
                        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'store_migrations'"};
constexpr Query kForgetWriters{"store.forget_writers", "DELETE FROM store_state WHERE touched_at_us < $1"};

// What the driver needs for itself. One row per writer: the number of its last group.
constexpr const char* kOwnTables =
    "CREATE TABLE IF NOT EXISTS store_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at_us BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS store_state (writer TEXT PRIMARY KEY, group_seq BIGINT NOT NULL, "
    "touched_at_us BIGINT NOT NULL) WITHOUT ROWID;";

int version_of(Connection& connection) {
  return static_cast<int>(connection.query(kSchemaVersion, {}).front().integer(0));
}

// A file of nothing is what a start that died at once leaves behind.
void require_prepared(const std::string& path, TimePoint deadline) {
  std::error_code error;
  const std::string place = std::filesystem::absolute(path, error).lexically_normal().string();
  if (std::filesystem::file_size(path, error) == 0 || error == std::errc::no_such_file_or_directory) {
    throw Unavailable(no_database_at(place), false);
  }
  Connection connection(path, Access::write);
  connection.wait_for_locks_until(deadline);
  if (connection.query(kIsOurs, {}).empty()) throw Unavailable(no_database_at(place), false);
  require_current(version_of(connection));
}

void migrate(const std::string& path, TimePoint deadline) {
  Connection connection(path, Access::write);
  connection.wait_for_locks_until(deadline);
  const auto now_us = to_us(SystemClock().now());
  const auto locked = [&](auto&& action) {
    connection.execute(kLock, {});
    try {
      action();
      connection.execute(kCommit, {});
    } catch (...) {
      connection.roll_back();
      throw;
    }
  };
  locked([&] {
    connection.run_script(kOwnTables);
    const std::array<Param, 1> oldest{now_us - kForgottenAfterUs};
    connection.execute(kForgetWriters, oldest);
  });
  bool more = true;
  bool created = false;
  while (more) {
    locked([&] {
      const int version = version_of(connection);
      const Migration* next = next_migration(version);
      more = next != nullptr;
      if (!more) return;
      if (version == 0) {
        created = true;
        log::info("store.created", {{"file", path}});
      }
      // All steps of a new store are one event.
      if (!created) log::info("store.migrating", {{"schema", next->version}, {"name", next->name}});
      connection.run_script(migration_text(*next, Dialect::sqlite));
      const std::array<Param, 3> record{next->version, next->name, now_us};
      connection.execute(kRecordMigration, record);
    });
  }
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(const std::string& path, const Options& options)
      : writer_(path, options), readers_(path, options) {}
  ~SqliteDatabase() override { stop(); }

  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::sqlite; }
  void stop() override {
    writer_.stop();
    readers_.stop();
  }

 private:
  void enqueue_write(std::unique_ptr<Job> job, Urgency urgency) override {
    writer_.push(std::move(job), urgency);
  }
  void enqueue_read(std::unique_ptr<Job> job) override { readers_.push(std::move(job)); }

  Writer writer_;
  Readers readers_;
};

}  // namespace

std::unique_ptr<Database> open(const std::string& path, const Options& options) {
  const TimePoint deadline = std::chrono::steady_clock::now() + options.deadline;
  if (options.prepare) {
    migrate(path, deadline);
  } else {
    require_prepared(path, deadline);
  }
  return std::make_unique<SqliteDatabase>(path, options);
}

}  // namespace countersign::store::sqlite
