// Transactions over one SQLite connection.
#pragma once

#include "store/first_fault.hpp"
#include "store/sqlite/connection.hpp"
#include "store/tx.hpp"

namespace countersign::store::sqlite {

class SqliteReadTx final : public ReadTx {
 public:
  explicit SqliteReadTx(Connection& connection) : connection_(connection) {}
  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::sqlite; }
  [[nodiscard]] const FirstFault& fault() const noexcept { return fault_; }

 private:
  Rows run(const Query& query, Params params) override {
    return fault_.keep([&] { return connection_.query(query, params); });
  }

  Connection& connection_;
  FirstFault fault_;
};

class SqliteTx final : public Tx {
 public:
  explicit SqliteTx(Connection& connection) : connection_(connection) {}
  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::sqlite; }
  [[nodiscard]] const FirstFault& fault() const noexcept { return fault_; }

 private:
  Rows run(const Query& query, Params params) override {
    return fault_.keep([&] { return connection_.query(query, params); });
  }
  std::int64_t change(const Query& query, Params params) override {
    return fault_.keep([&] { return connection_.execute(query, params); });
  }
  void push(const Query& query, Params params) override { change(query, params); }

  Connection& connection_;
  FirstFault fault_;
};

}  // namespace countersign::store::sqlite
