// Two transactions that meet at a row, on PostgreSQL. SQLite has one writer at a time: there it cannot
// happen.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <variant>

#include "support/stores.hpp"

namespace countersign::test {

inline constexpr store::Query kWaitingForARow("overtaking.waiting",
                                              "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                              "current_database() AND wait_event_type = 'Lock'");

inline constexpr store::Query kEverythingSent("overtaking.everything_sent", "SELECT 1");

/// Does `first` in a transaction that goes on with `then`, and is committed, once `second`, in one of another
/// node, waits for what the first has locked; fails if it does not wait. Returns when both are committed. A
/// body may run again.
inline void meet(
    TestStore& store, const std::function<void(store::Tx&)>& first,
    const std::function<void(store::Tx&)>& second,
    const std::function<void(store::Tx&)>& then = [](store::Tx&) {}) {
  static constexpr std::chrono::minutes kPatience{5};  // only a test that fails takes so long
  const auto other_node = store.open_another();
  const auto watcher = store.open_another();
  const auto is_waiting = [&] {
    return watcher->read([](store::ReadTx& tx) { return tx.query(kWaitingForARow, {}).front().flag(0); });
  };
  const auto run = [](store::Database& database, const auto& body) {
    (void)database.write([&](store::Tx& tx) {
      body(tx);
      return std::monostate{};
    });
  };
  std::future<void> other;
  run(store.database(), [&](store::Tx& tx) {
    first(tx);
    (void)tx.query(kEverythingSent, {});  // statements without an answer wait for one with
    if (other.valid()) return then(tx);   // this body runs again
    other = std::async(std::launch::async, [&] { run(*other_node, second); });
    const auto begun = std::chrono::steady_clock::now();
    bool waits = false;
    while (!waits && other.wait_for(std::chrono::seconds(0)) != std::future_status::ready &&
           std::chrono::steady_clock::now() - begun < kPatience) {
      waits = is_waiting();
    }
    EXPECT_TRUE(waits) << "the second does not wait for the first";
    then(tx);
  });
  other.get();
}

}  // namespace countersign::test

/// For suites whose transactions meet.
#define COUNTERSIGN_ON_POSTGRES(Suite)                                                             \
  INSTANTIATE_TEST_SUITE_P(Store, Suite, testing::Values(countersign::test::Backend::postgres),    \
                           [](const testing::TestParamInfo<countersign::test::Backend>& backend) { \
                             return countersign::test::name_of(backend.param);                     \
                           })
