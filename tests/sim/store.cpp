#include "sim/store.hpp"

#include <sqlite3.h>

#include <mutex>
#include <stdexcept>

#include "account/agent.hpp"
#include "notify/settings.hpp"
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

// A store is used by one thread, and its statements open many small tables of their own for a moment: no
// mutexes, and no stock of twenty pages for each of those.
void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    must(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
    must(sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0) == SQLITE_OK);
  });
}

}  // namespace

Store::Store()
    : connection_((configure_library(), ""), store::sqlite::Access::memory), owner_(std::string(32, 'a')) {
  // A savepoint copies every page that it changes, so smaller ones cost less.
  connection_.run_script("PRAGMA page_size = 2048");
  for (const store::Migration& migration : store::migrations()) {
    connection_.run_script(store::migration_text(migration, store::Dialect::sqlite));
  }
  prepare_base();
}

void Store::prepare_base() {
  store::sqlite::SqliteTx tx(connection_);
  must(account::create_user(tx, owner_, "owner@example.com", kBeginning).has_value());
  notify::Settings unnoticed;  // nobody mails reviewers here
  unnoticed.mute = true;
  must(notify::set_account_settings(tx, owner_, unnoticed));
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

void Store::begin() {
  connection_.execute(kBegin, {});
  last_failure_.reset();
}

void Store::reset() { connection_.execute(kRollback, {}); }

}  // namespace countersign::sim
