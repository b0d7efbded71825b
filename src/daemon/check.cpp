// `countersign check`: the invariants of delivery over a store.
#include "daemon/commands.hpp"
#include "daemon/open_store.hpp"
#include "invariants/invariants.hpp"

namespace countersign::daemon {

int check(const Config& config, std::ostream& out) {
  const auto database = open_store(config);
  const auto report = database->read([now = SystemClock().now()](store::ReadTx& tx) {
    return invariants::check(tx, invariants::CheckOptions{now});
  });
  database->stop();
  out << "store: " << store::without_secret(config.store.url) << '\n';
  invariants::write_report(out, report);
  return report.clean() ? kExitOk : kExitRefused;
}

}  // namespace countersign::daemon
