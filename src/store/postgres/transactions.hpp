// Transactions over one PostgreSQL connection. BEGIN and statements given to send() wait in the pipeline for
// the next statement whose answer is needed; those that can be sent together, until something else is asked.
#pragma once

#include "store/first_fault.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/gathered.hpp"
#include "store/tx.hpp"

namespace countersign::store::postgres {

class PostgresReadTx final : public ReadTx {
 public:
  explicit PostgresReadTx(Connection& connection) : connection_(connection) {}
  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::postgres; }
  [[nodiscard]] const FirstFault& fault() const noexcept { return fault_; }

 private:
  Rows run(const Query& query, Params params) override {
    return fault_.keep([&] { return connection_.query(query, params); });
  }

  Connection& connection_;
  FirstFault fault_;
};

class PostgresTx final : public Tx {
 public:
  explicit PostgresTx(Connection& connection) : connection_(connection), gathered_(connection) {}
  [[nodiscard]] Dialect dialect() const noexcept override { return Dialect::postgres; }
  [[nodiscard]] const FirstFault& fault() const noexcept { return fault_; }
  /// Queues what is held back. The body has ended and is to be kept.
  void finish() {
    fault_.keep([&] { gathered_.queue_all(); });
  }

 private:
  Rows run(const Query& query, Params params) override {
    return fault_.keep([&] {
      gathered_.queue_all();
      return connection_.query(query, params);
    });
  }
  std::int64_t change(const Query& query, Params params) override {
    return fault_.keep([&] {
      gathered_.queue_all();
      connection_.queue(query, params);
      connection_.finish_round();
      return connection_.rows_changed();
    });
  }
  void push(const Query& query, Params params) override {
    fault_.keep([&] {
      if (!query.together().text.empty()) return gathered_.add(query, params);
      gathered_.queue_all();
      connection_.queue(query, params);
    });
  }

  Connection& connection_;
  Gathered gathered_;
  FirstFault fault_;
};

}  // namespace countersign::store::postgres
