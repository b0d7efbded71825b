#include "bare_sqlite.hpp"

#include <sqlite3.h>

#include "base/assert.hpp"

namespace countersign::bench {
namespace {

class Bare {
 public:
  explicit Bare(const std::string& path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    CS_ASSERT(sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) == SQLITE_OK);
    for (const char* setting :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
          "PRAGMA cache_size=-65536", "PRAGMA temp_store=MEMORY", "PRAGMA wal_autocheckpoint=2048"}) {
      CS_ASSERT(sqlite3_exec(database_, setting, nullptr, nullptr, nullptr) == SQLITE_OK);
    }
  }
  ~Bare() {
    for (auto& [name, prepared] : statements_) sqlite3_finalize(prepared.statement);
    sqlite3_close(database_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void execute(const char* sql) {
    CS_ASSERT(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }

  void execute(const RecordedStatement& recorded) {
    const Prepared& prepared = prepare(recorded);
    for (std::size_t i = 0; i < recorded.params.size(); ++i) {
      if (prepared.indexes[i] != 0) bind(prepared.statement, prepared.indexes[i], recorded.params[i]);
    }
    int status = SQLITE_ROW;
    while (status == SQLITE_ROW) status = sqlite3_step(prepared.statement);
    CS_ASSERT(status == SQLITE_DONE);
    sqlite3_reset(prepared.statement);
  }

 private:
  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    std::vector<int> indexes;  // of `$1`, `$2`, …: named parameters in SQLite, numbered by first use
  };

  const Prepared& prepare(const RecordedStatement& recorded) {
    Prepared& prepared = statements_[recorded.name];
    if (prepared.statement == nullptr) {
      CS_ASSERT(sqlite3_prepare_v3(database_, recorded.sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                   &prepared.statement, nullptr) == SQLITE_OK);
      for (std::size_t i = 1; i <= recorded.params.size(); ++i) {
        const std::string name = "$" + std::to_string(i);
        prepared.indexes.push_back(sqlite3_bind_parameter_index(prepared.statement, name.c_str()));
      }
    }
    return prepared;
  }

  static void bind(sqlite3_stmt* statement, int index, const RecordedParam& param) {
    const auto size = static_cast<int>(param.text.size());
    switch (param.kind) {
      case store::Param::Kind::null:
        sqlite3_bind_null(statement, index);
        return;
      case store::Param::Kind::integer:
        sqlite3_bind_int64(statement, index, param.integer);
        return;
      case store::Param::Kind::text:
        sqlite3_bind_text(statement, index, param.text.data(), size, nullptr);
        return;
      case store::Param::Kind::blob:
        sqlite3_bind_blob(statement, index, param.text.data(), size, nullptr);
        return;
    }
  }

  sqlite3* database_ = nullptr;
  std::unordered_map<std::string, Prepared> statements_;
};

}  // namespace

std::chrono::duration<double> replay_on_sqlite(const std::string& path, const Recording& recording,
                                               std::size_t group) {
  Bare bare(path);
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < recording.size(); first += group) {
    bare.execute("BEGIN IMMEDIATE");
    for (std::size_t i = first; i < std::min(first + group, recording.size()); ++i) {
      for (const RecordedStatement& statement : recording[i]) bare.execute(statement);
    }
    bare.execute("COMMIT");
  }
  return std::chrono::steady_clock::now() - start;
}

}  // namespace countersign::bench
