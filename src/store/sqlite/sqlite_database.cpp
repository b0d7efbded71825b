#include "store/sqlite/sqlite_database.hpp"

#include <array>

#include "base/time.hpp"
#include "store/migrations/schema.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/readers.hpp"
#include "store/sqlite/writer.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr Query kLock{"store.lock", "BEGIN EXCLUSIVE"};
constexpr Query kCommit{"store.commit", "COMMIT"};
constexpr Query kForgetWriters{"store.forget_writers", "DELETE FROM store_state WHERE touched_at_us < $1"};

// What the driver needs for itself. One row per writer: the number of its last group.
constexpr const char* kOwnTables =
    "CREATE TABLE IF NOT EXISTS store_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at_us BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS store_state (writer TEXT PRIMARY KEY, group_seq BIGINT NOT NULL, "
    "touched_at_us BIGINT NOT NULL) WITHOUT ROWID;";

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
  while (more) {
    locked([&] {
      const int version = static_cast<int>(connection.query(kSchemaVersion, {}).front().integer(0));
      const Migration* next = next_migration(version);
      more = next != nullptr;
      if (!more) return;
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
  migrate(path, std::chrono::steady_clock::now() + options.deadline);
  return std::make_unique<SqliteDatabase>(path, options);
}

}  // namespace countersign::store::sqlite
