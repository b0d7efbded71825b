#include "invariants/invariants.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

store::Rows offenders_of(store::ReadTx& tx, const Rule& rule, const CheckOptions& options) {
  switch (rule.since) {
    case Since::always:
      return tx.query(rule.offenders, {options.samples_max});
    case Since::events:
      return tx.query(rule.offenders, {options.samples_max, options.now - options.events_kept});
    case Since::leases:
      return tx.query(rule.offenders, {options.samples_max, options.now - options.lease_grace});
  }
  CS_ASSERT(false);
}

Finding hold_against(store::ReadTx& tx, const Rule& rule, const CheckOptions& options) {
  Finding finding{rule.name, rule.promise, 0, {}};
  finding.needs_a_server = rule.since == Since::leases;
  const store::Rows rows = offenders_of(tx, rule, options);
  for (const store::Row row : rows) {
    finding.samples.push_back({std::string(rule.name), row.text(0), row.text(1)});
  }
  if (!rows.empty()) finding.count = rows.front().integer(2);
  return finding;
}

}  // namespace

bool Report::clean() const {
  return std::ranges::all_of(findings, [](const Finding& finding) { return finding.count == 0; });
}

std::vector<Violation> Report::violations() const {
  std::vector<Violation> all;
  for (const Finding& finding : findings) {
    all.insert(all.end(), finding.samples.begin(), finding.samples.end());
  }
  return all;
}

Report check(store::ReadTx& tx, const CheckOptions& options) {
  // For this transaction: the rules go through whole tables.
  static constexpr store::Query kScan("invariants.scan", "",
                                      "SELECT set_config('enable_seqscan', 'on', true)");
  if (tx.dialect() == store::Dialect::postgres) (void)tx.query(kScan);
  Report report;
  for (const auto& rules : {decision_rules(), transport_rules(), journal_rules(), event_rules(),
                            content_rules(), webhook_rules(), review_mail_rules()}) {
    for (const Rule& rule : rules) report.findings.push_back(hold_against(tx, rule, options));
  }
  report.findings.push_back(check_local_copies(tx, options));
  return report;
}

}  // namespace countersign::invariants
