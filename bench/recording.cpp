#include "recording.hpp"

namespace countersign::bench {

void RecordingTx::note(const store::Query& query, store::Params params) {
  RecordedStatement statement{std::string(query.name()), std::string(query.text(inner_.dialect())), {}};
  for (const store::Param& param : params) {
    statement.params.push_back({param.kind(), param.integer(), std::string(param.text())});
  }
  into_.push_back(std::move(statement));
}

store::Rows RecordingTx::run(const store::Query& query, store::Params params) {
  note(query, params);
  return inner_.query(query, params);
}

std::int64_t RecordingTx::change(const store::Query& query, store::Params params) {
  note(query, params);
  return inner_.execute(query, params);
}

void RecordingTx::push(const store::Query& query, store::Params params) {
  note(query, params);
  inner_.send(query, params);
}

}  // namespace countersign::bench
