#include "store/sqlite/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <thread>

#include "store/sqlite/lower.hpp"

namespace countersign::store::sqlite {
namespace {

constexpr std::size_t kStatementsMax = 4'000;   // far more names than the program has
constexpr std::size_t kParametersMax = 65'535;  // what the PostgreSQL protocol can carry
// SQLite walks over the whole cache at a commit that moved pages around (0.2 ms for 12,000 of them): no
// larger than what a group of transactions works on.
constexpr int kCacheKib = 16'384;
// A log that grew past this under long reads is cut back to it at the next restart of the log.
constexpr int kWalBytesKept = 64 * 1024 * 1024;

void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Savepoint journals stay in memory: a body may change more than the 64 KiB after which SQLite would open
    // a temporary file, and a full temporary folder must not fail it.
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    // Nobody reads SQLite's memory statistics, and keeping them costs a global lock at every allocation.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  });
}

// Mail is private: the file is made here with mode 0600, and SQLite gives its log the same mode. A file that
// is there is not touched: closing any descriptor of it would release the locks that other connections of
// this process hold on it (POSIX fcntl), and the next process to close the database would take it for unused
// and remove the log.
void create_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file >= 0) ::close(file);
}

}  // namespace

struct Connection::Statement {
  std::string name;
  std::string text;
  sqlite3_stmt* handle = nullptr;
  std::vector<int> positions;  // of `$1`, `$2`, …: where SQLite wants them; 0 when the text does not use one

  ~Statement() { sqlite3_finalize(handle); }
};

// Rewinds the statement at the end of its use, so that it holds no lock and no view of a parameter.
class Connection::Execution {
 public:
  explicit Execution(sqlite3_stmt* statement) : statement_(statement) {}
  ~Execution() { sqlite3_reset(statement_); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

 private:
  sqlite3_stmt* statement_;
};

Connection::Connection(const std::string& path, Access access) {
  configure_library();
  if (access == Access::write) create_private(path);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const char* name = access == Access::memory ? ":memory:" : path.c_str();
  const int code = sqlite3_open_v2(name, &database_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string reason = sqlite3_errstr(code);
    sqlite3_close_v2(database_);
    throw Unavailable(fmt::format(
        "cannot open the database file {}: {}; its folder must exist and be writable", path, reason));
  }
  try {
    configure(access);
  } catch (...) {
    sqlite3_close_v2(database_);
    throw;
  }
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(database_);
}

void Connection::configure(Access access) {
  constexpr std::chrono::seconds kOpenPatience{10};
  wait_for_locks_until(std::chrono::steady_clock::now() + kOpenPatience);
  sqlite3_busy_handler(database_, &Connection::on_busy, this);
  if (add_lower(database_) != SQLITE_OK) throw Unavailable("SQLite takes no functions", false);
  const Rows mode = enter_wal();
  if (access != Access::memory && (mode.empty() || mode.front().view(0) != "wal")) {
    throw Unavailable("the database file cannot be used in WAL mode; is it on a network file system?", false);
  }
  run_script(
      fmt::format("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; "
                  "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = {}; PRAGMA cache_size = -{}; "
                  "PRAGMA query_only = {}",
                  kWalBytesKept, kCacheKib, access == Access::read ? "ON" : "OFF"));
  // In place of SQLite's own checkpoint, which would run inside COMMIT, before anyone hears of it.
  sqlite3_wal_hook(database_, &Connection::on_commit, this);
}

// A new file becomes a WAL file by a write that begins as a read. There SQLite asks no busy handler, as two
// who read and want to write would wait for each other: of two nodes that open the file together, one hears
// SQLITE_BUSY at once, and has to begin again.
Rows Connection::enter_wal() {
  static constexpr Query kWal{"store.wal", "PRAGMA journal_mode = WAL"};
  for (int attempts = 0;; ++attempts) {
    try {
      return query(kWal, {});
    } catch (const Busy&) {
      if (on_busy(this, attempts) == 0) throw;
    }
  }
}

int Connection::on_busy(void* self, int attempts) {
  const auto now = std::chrono::steady_clock::now();
  const auto deadline = static_cast<Connection*>(self)->lock_deadline_;
  if (now >= deadline) return 0;
  constexpr std::chrono::microseconds kFirstPause{200};
  constexpr int kDoublings = 6;
  const auto pause = kFirstPause * (1 << std::min(attempts, kDoublings));
  std::this_thread::sleep_for(std::min<TimePoint::duration>(pause, deadline - now));
  return 1;
}

int Connection::on_commit(void* self, sqlite3* /*database*/, const char* /*name*/, int pages) {
  static_cast<Connection*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

Connection::Statement& Connection::prepared(const Query& query) {
  const std::string_view text = query.text(Dialect::sqlite);
  if (const auto found = statements_.find(query.name()); found != statements_.end()) {
    if (found->second->text != text) {
      throw StatementError(fmt::format("two statements are named {}", query.name()));
    }
    return *found->second;
  }
  if (statements_.size() >= kStatementsMax) {
    throw StatementError(fmt::format("more than {} statement names, at {}", kStatementsMax, query.name()));
  }
  auto statement = std::make_unique<Statement>();
  statement->name = query.name();
  statement->text = text;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v3(database_, statement->text.c_str(), static_cast<int>(statement->text.size() + 1),
                         SQLITE_PREPARE_PERSISTENT, &statement->handle, &rest);
  if (code != SQLITE_OK) raise(code, query.name());
  if (statement->handle == nullptr ||
      std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string::npos) {
    throw StatementError(fmt::format("{}: expected one statement", query.name()));
  }
  const int count = sqlite3_bind_parameter_count(statement->handle);
  for (int position = 1; position <= count; ++position) {
    const char* name = sqlite3_bind_parameter_name(statement->handle, position);
    const std::string_view digits = name == nullptr ? std::string_view() : std::string_view(name).substr(1);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || *name != '$' || error != std::errc() || end != digits.data() + digits.size() ||
        number < 1 || number > kParametersMax) {
      throw StatementError(fmt::format("{}: parameters are named $1, $2, …", query.name()));
    }
    if (statement->positions.size() < number) statement->positions.resize(number, 0);
    statement->positions[number - 1] = position;
  }
  Statement& result = *statement;
  statements_.emplace(result.name, std::move(statement));
  return result;
}

void Connection::bind(Statement& statement, Params params) {
  if (params.size() < statement.positions.size()) {
    throw StatementError(fmt::format("{}: {} parameters given, {} needed", statement.name, params.size(),
                                     statement.positions.size()));
  }
  for (std::size_t i = 0; i < statement.positions.size(); ++i) {
    const int position = statement.positions[i];
    if (position == 0) continue;
    const Param& param = params[i];
    // A view of nothing may be a null pointer, which SQLite would take for NULL.
    const char* bytes = param.text().data() == nullptr ? "" : param.text().data();
    int code = SQLITE_OK;
    switch (param.kind()) {
      case Param::Kind::null:
        code = sqlite3_bind_null(statement.handle, position);
        break;
      case Param::Kind::integer:
        code = sqlite3_bind_int64(statement.handle, position, param.integer());
        break;
      case Param::Kind::text:
        if (param.text().find('\0') != std::string_view::npos) {
          throw StatementError(fmt::format("{}: ${} is text with a NUL in it", statement.name, i + 1));
        }
        code = sqlite3_bind_text64(statement.handle, position, bytes, param.text().size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
        break;
      case Param::Kind::blob:
        code = sqlite3_bind_blob64(statement.handle, position, bytes, param.text().size(), SQLITE_STATIC);
        break;
    }
    if (code != SQLITE_OK) raise(code, statement.name);
  }
}

Rows Connection::query(const Query& query, Params params) {
  Statement& statement = prepared(query);
  const Execution execution(statement.handle);
  bind(statement, params);
  const int columns = sqlite3_column_count(statement.handle);
  Rows rows(static_cast<std::size_t>(columns));
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement.handle)) == SQLITE_ROW) {
    for (int column = 0; column < columns; ++column) {
      switch (sqlite3_column_type(statement.handle, column)) {
        case SQLITE_NULL:
          rows.add_null();
          break;
        case SQLITE_INTEGER:
          rows.add_integer(sqlite3_column_int64(statement.handle, column));
          break;
        case SQLITE_TEXT:
        case SQLITE_BLOB: {
          const void* bytes = sqlite3_column_blob(statement.handle, column);
          const auto count = static_cast<std::size_t>(sqlite3_column_bytes(statement.handle, column));
          rows.add_bytes(count == 0 ? std::string_view("")
                                    : std::string_view(static_cast<const char*>(bytes), count));
          break;
        }
        default:
          throw StatementError(
              fmt::format("{}: column {} is not integer, text or bytes", query.name(), column));
      }
    }
  }
  if (code != SQLITE_DONE) raise(code, query.name());
  return rows;
}

std::int64_t Connection::execute(const Query& query, Params params) {
  Statement& statement = prepared(query);
  const Execution execution(statement.handle);
  bind(statement, params);
  std::int64_t rows = 0;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement.handle)) == SQLITE_ROW) ++rows;
  if (code != SQLITE_DONE) raise(code, query.name());
  return sqlite3_stmt_readonly(statement.handle) != 0 ? rows : sqlite3_changes64(database_);
}

void Connection::run_script(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(code, "script");
}

bool Connection::in_transaction() const noexcept { return sqlite3_get_autocommit(database_) == 0; }

std::int64_t Connection::changes() const noexcept { return sqlite3_total_changes64(database_); }

void Connection::roll_back() noexcept {
  if (in_transaction()) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::checkpoint(Checkpoint how) noexcept {
  const int mode = how == Checkpoint::restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  sqlite3_wal_checkpoint_v2(database_, nullptr, mode, nullptr, nullptr);
}

void Connection::raise(int code, std::string_view doing) const {
  const std::string what = fmt::format("{}: {}", doing, sqlite3_errmsg(database_));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Busy(what);
    case SQLITE_CONSTRAINT:
      throw ConstraintViolation(what);
    case SQLITE_FULL:
      throw DiskFull(what);
    case SQLITE_IOERR: {
      const int reason = sqlite3_system_errno(database_);
      if (code == SQLITE_IOERR_SHMSIZE && (reason == ENOSPC || reason == EDQUOT)) throw DiskFull(what);
      throw Unavailable(fmt::format("{} ({})", what, sqlite3_errstr(code)));
    }
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_AUTH:
      throw StatementError(what);
    default:
      throw Unavailable(what);
  }
}

}  // namespace countersign::store::sqlite
