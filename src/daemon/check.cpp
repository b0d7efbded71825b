// `countersign check`: the invariants of delivery over a store.
#include "daemon/commands.hpp"
#include "daemon/open_store.hpp"
#include "invariants/invariants.hpp"

namespace countersign::daemon {

namespace {

// Every rule looks at every row: a large store takes longer than a request may wait.
constexpr std::chrono::hours kPatience{1};

}  // namespace

int check(const Config& config, std::ostream& out) {
  Config patient = config;
  patient.store.deadline = kPatience;
  const auto database = open_existing_store(patient);
  const auto report = database->read([now = SystemClock().now()](store::ReadTx& tx) {
    return invariants::check(tx, invariants::CheckOptions{now});
  });
  database->stop();
  out << store_line(config);
  invariants::write_report(out, report);
  return report.clean() ? kExitOk : kExitRefused;
}

}  // namespace countersign::daemon
