// Transactions as the durable middle sees them: a parameter, never something it opens.
#pragma once

#include <initializer_list>
#include <optional>

#include "store/query.hpp"
#include "store/rows.hpp"

namespace countersign::store {

/// A transaction that reads committed state. On SQLite one snapshot; on PostgreSQL repeatable read, read
/// only.
class ReadTx {
 public:
  virtual ~ReadTx() = default;
  ReadTx(const ReadTx&) = delete;
  ReadTx& operator=(const ReadTx&) = delete;

  /// Runs a statement and returns all its rows.
  /// Throws store::Unavailable; store::ConstraintViolation where a constraint refused a write.
  [[nodiscard]] Rows query(const Query& query, std::initializer_list<Param> params = {}) {
    return run(query, Params(params.begin(), params.size()));
  }
  [[nodiscard]] Rows query(const Query& query, Params params) { return run(query, params); }

  [[nodiscard]] virtual Dialect dialect() const noexcept = 0;

 protected:
  ReadTx() = default;
  virtual Rows run(const Query& query, Params params) = 0;
};

/// A write transaction. Committed by Database::write when the body returns a value, rolled back when the body
/// throws or returns a refusal. Bodies may be run several times and must have no effect outside the
/// transaction.
class Tx : public ReadTx {
 public:
  /// Runs a statement now and returns the number of rows it changed.
  std::int64_t execute(const Query& query, std::initializer_list<Param> params = {}) {
    return change(query, Params(params.begin(), params.size()));
  }
  std::int64_t execute(const Query& query, Params params) { return change(query, params); }

  /// Sends a statement whose result is not needed. PostgreSQL pipelines it with what follows, or makes one of
  /// it and others like it (Query::together); a fault in it shows at the next execute, query or at COMMIT,
  /// and then nothing of the transaction is kept.
  void send(const Query& query, std::initializer_list<Param> params = {}) {
    push(query, Params(params.begin(), params.size()));
  }
  void send(const Query& query, Params params) { push(query, params); }

 protected:
  virtual std::int64_t change(const Query& query, Params params) = 0;
  virtual void push(const Query& query, Params params) = 0;
};

}  // namespace countersign::store
