#include "sim/store.hpp"

#include <stdexcept>

#include "account/agent.hpp"
#include "outbox/resolve.hpp"
#include "store/migrations/migrations.hpp"
#include "store/sqlite/transactions.hpp"

namespace countersign::sim {
namespace {

using account::GateAction;
using account::GatePolicy;
using account::OnExpiry;
using store::Query;

constexpr Query kBegin{"sim.begin", "BEGIN"};
constexpr Query kRollback{"sim.rollback", "ROLLBACK"};

void must(bool done) {
  if (!done) throw std::logic_error("the base state of the simulated store could not be written");
}

void add_agent(store::Tx& tx, const UserId& owner, std::string_view email,
               const account::Protection& protection) {
  account::Principal principal;
  principal.user = owner;
  must(account::create_agent(tx, principal, {std::string(email), ""}, kSharedDomain, kBeginning).has_value());
  must(account::set_protection(tx, owner, email, protection));
}

account::Protection held(OnExpiry on_expiry) {
  account::Protection protection;
  protection.outbound.policy = GatePolicy::allowlist;
  protection.outbound.action = GateAction::review;
  protection.hold_ttl_seconds = kHoldTtl.count();
  protection.hold_on_expiry = on_expiry;
  return protection;
}

}  // namespace

Store::Store() : connection_("", store::sqlite::Access::memory), owner_(std::string(32, 'a')) {
  for (const store::Migration& migration : store::migrations()) {
    connection_.run_script(store::migration_text(migration, store::Dialect::sqlite));
  }
  prepare_base();
}

void Store::prepare_base() {
  store::sqlite::SqliteTx tx(connection_);
  must(account::create_user(tx, owner_, "owner@example.com", kBeginning).has_value());
  add_agent(tx, owner_, kFreeAgent, {});
  add_agent(tx, owner_, kInsistingAgent, {});
  must(outbox::set_unknown_policy(tx, owner_, kInsistingAgent, {true, kGrace.count()}));
  add_agent(tx, owner_, kLenientAgent, held(OnExpiry::approve));
  add_agent(tx, owner_, kStrictAgent, held(OnExpiry::reject));
  add_agent(tx, owner_, kDesk, {});
  account::Protection guarded;
  guarded.inbound.policy = GatePolicy::allowlist;
  guarded.inbound.action = GateAction::review;
  guarded.hold_ttl_seconds = kHoldTtl.count();
  guarded.hold_on_expiry = OnExpiry::approve;
  add_agent(tx, owner_, kGuardedDesk, guarded);
}

void Store::begin() { connection_.execute(kBegin, {}); }

void Store::reset() { connection_.execute(kRollback, {}); }

}  // namespace countersign::sim
