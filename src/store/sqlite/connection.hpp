// One SQLite connection: statements prepared once by name, parameters bound without copies, result codes
// turned into the store's exceptions. Used by one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/error.hpp"
#include "store/job_queue.hpp"
#include "store/query.hpp"
#include "store/rows.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace countersign::store::sqlite {

/// Another connection holds the lock (SQLITE_BUSY, SQLITE_LOCKED): the transaction may be run again.
class Busy : public Unavailable {
 public:
  explicit Busy(const std::string& what) : Unavailable(what) {}
};

enum class Access {
  write,
  read,
  memory,  // a database of this connection's own that is never on disk; the path is not used
};

class Connection {
 public:
  /// Opens `path` (created when Access::write) in WAL mode with synchronous=FULL. Throws Unavailable.
  Connection(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Throws Busy, ConstraintViolation, DiskFull, StatementError, Unavailable.
  [[nodiscard]] Rows query(const Query& query, Params params);
  /// Rows changed; for a statement that only reads, rows it would return.
  std::int64_t execute(const Query& query, Params params);
  /// Several statements without parameters; their rows are dropped.
  void run_script(const std::string& sql);

  /// Until when a statement waits for another connection's lock before it throws Busy.
  void wait_for_locks_until(TimePoint deadline) noexcept { lock_deadline_ = deadline; }
  /// False after SQLite rolled back by itself, as it may on a full disk, an I/O error or lack of memory.
  [[nodiscard]] bool in_transaction() const noexcept;
  /// Rows changed since the connection was opened, those of open and undone transactions included.
  [[nodiscard]] std::int64_t changes() const noexcept;
  /// Rolls back if there is something to roll back. Never throws.
  void roll_back() noexcept;

  /// Length of the write-ahead log in pages after the last commit of this connection.
  [[nodiscard]] int wal_pages() const noexcept { return wal_pages_; }
  enum class Checkpoint { passive, restart };
  /// Copies the log into the database. `restart` also waits (see wait_for_locks_until) until the next commit
  /// can reuse the log from its start. Best effort: what cannot be copied now stays in the log.
  void checkpoint(Checkpoint how) noexcept;

 private:
  struct Statement;
  class Execution;

  Statement& prepared(const Query& query);
  void bind(Statement& statement, Params params);
  void configure(Access access);
  [[nodiscard]] Rows enter_wal();
  [[noreturn]] void raise(int code, std::string_view doing) const;
  static int on_busy(void* self, int attempts);
  static int on_commit(void* self, sqlite3* database, const char* name, int pages);

  sqlite3* database_ = nullptr;
  std::unordered_map<std::string_view, std::unique_ptr<Statement>> statements_;
  TimePoint lock_deadline_{};
  int wal_pages_ = 0;
};

}  // namespace countersign::store::sqlite
