// A transaction that notes every statement with its parameters, so that the same work can be done without us.
#pragma once

#include <string>
#include <vector>

#include "store/tx.hpp"

namespace countersign::bench {

struct RecordedParam {
  store::Param::Kind kind;
  std::int64_t integer = 0;
  std::string text;
};

struct RecordedStatement {
  std::string name;
  std::string sql;
  std::vector<RecordedParam> params;
};

/// Forwards to `inner`, which must outlive it.
class RecordingTx final : public store::Tx {
 public:
  RecordingTx(store::Tx& inner, std::vector<RecordedStatement>& into) : inner_(inner), into_(into) {}
  [[nodiscard]] store::Dialect dialect() const noexcept override { return inner_.dialect(); }

 protected:
  store::Rows run(const store::Query& query, store::Params params) override;
  std::int64_t change(const store::Query& query, store::Params params) override;
  void push(const store::Query& query, store::Params params) override;

 private:
  void note(const store::Query& query, store::Params params);

  store::Tx& inner_;
  std::vector<RecordedStatement>& into_;
};

}  // namespace countersign::bench
