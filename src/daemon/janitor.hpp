// What expires without anybody deciding it: old idempotency answers, the trash, old events of providers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "base/time.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

class Janitor {
 public:
  /// `retention`: how long trashed messages are kept (contract §21). All references must outlive it.
  Janitor(store::Database& database, const Clock& clock, std::chrono::days retention)
      : database_(database), clock_(clock), retention_(retention) {}

  /// Removes what is over, in small transactions, until nothing is left.
  [[nodiscard]] boost::asio::awaitable<void> sweep();

 private:
  boost::asio::awaitable<std::int64_t> forget_told();

  store::Database& database_;
  const Clock& clock_;
  std::chrono::days retention_;
};

}  // namespace countersign::daemon
