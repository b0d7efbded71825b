#include "sim/transaction.hpp"

namespace countersign::sim {
namespace {

using store::Param;
using store::Query;

Postponed postpone(const Query& query, store::Params params) {
  Postponed out{query, {}, {}};
  for (const Param& param : params) {
    switch (param.kind()) {
      case Param::Kind::text:
        out.params.emplace_back(out.texts.emplace_back(param.text()));
        break;
      case Param::Kind::blob:
        out.params.emplace_back(store::Blob{out.texts.emplace_back(param.text())});
        break;
      case Param::Kind::null:
      case Param::Kind::integer:
        out.params.push_back(param);
        break;
    }
  }
  return out;
}

}  // namespace

const Query& SimTx::actual(const Query& query) const {
  if (mutant_ == nullptr) return query;
  for (const Replacement& replacement : mutant_->replacements) {
    if (replacement.name == query.name()) return replacement.with;
  }
  return query;
}

bool SimTx::postpones(const Query& query) const {
  if (mutant_ == nullptr) return false;
  return (mutant_->defect == Defect::enqueue_afterwards && query.name() == "outbox.insert_first_attempt") ||
         (mutant_->defect == Defect::answer_afterwards && query.name() == "account.store_answer");
}

store::Rows SimTx::run(const Query& query, store::Params params) {
  if (mutant_ != nullptr && query.name() == "outbox.settle_accepted") {
    recorded_acceptance_ = true;
  }
  store::Rows rows = fault_.keep([&] { return connection_.query(actual(query), params); });
  if (surroundings_.trace.verbose()) tell(query, params, rows.size());
  return rows;
}

// The statements by which a message for somebody who lives here comes to be.
void SimTx::note_copy(const Query& query, store::Params params) {
  if (mutant_ == nullptr || mutant_->defect != Defect::copies_beforehand) return;
  if (query.name() == "mailbox.insert_inbound") copies_.push_back(postpone(query, params));
}

std::int64_t SimTx::change(const Query& query, store::Params params) {
  note_copy(query, params);
  const std::int64_t rows = fault_.keep([&] { return connection_.execute(actual(query), params); });
  if (surroundings_.trace.verbose()) tell(query, params, static_cast<std::size_t>(rows));
  return rows;
}

// The statements that move a message along, as a reader wants to see them.
void SimTx::tell(const Query& query, store::Params params, std::size_t rows) const {
  const std::string_view name = query.name();
  const bool moves = name.starts_with("outbox.") || name == "approve.resolve" ||
                     name == "mailbox.advance_delivery" || name == "mailbox.resume_sending";
  if (!moves || rows == 0) return;
  const std::string_view subject =
      !params.empty() && params[0].kind() == Param::Kind::text ? params[0].text() : std::string_view();
  surroundings_.trace.detail(surroundings_.time.now(), "{} {}: {} rows", name, subject, rows);
}

void SimTx::push(const Query& query, store::Params params) {
  if (postpones(query)) {
    postponed_.push_back(postpone(query, params));
  } else {
    change(query, params);
  }
}

}  // namespace countersign::sim
