// What ends without anybody deciding it: answers to keyed requests, the trash, what was told and is not shown
// any more.
//
// What is over is found by its age in the store, so that nothing depends on how long a process has been up,
// and in small transactions, a kind after the other, so that a process that lives for seconds gets on with
// all kinds. Several nodes may sweep at once.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

struct JanitorOptions {
  std::chrono::days trash{30};          // agents and messages (contract §21)
  std::chrono::days deliveries{90};     // of webhooks, once settled (contract §17)
  std::chrono::days notifications{30};  // of providers; these repeat them for hours, not for weeks
};

class Janitor {
 public:
  using Removed = std::function<void(std::string_view what, std::int64_t count)>;

  /// All references must outlive it.
  Janitor(store::Database& database, const Clock& clock, JanitorOptions options, Removed removed = {})
      : database_(database), clock_(clock), options_(options), removed_(std::move(removed)) {}

  /// Removes what is over, until nothing is left or stop() was called. A kind that cannot be swept holds up
  /// no other; the error of the last such one is thrown in the end.
  [[nodiscard]] boost::asio::awaitable<void> sweep();
  /// Ends a sweep after the transaction under way. Thread-safe.
  void stop() { stopping_ = true; }

  /// What is swept, in this order; rows: in one transaction.
  struct Kind {
    std::string_view name;
    std::int64_t rows;
    std::int64_t (*remove)(store::Tx& tx, const JanitorOptions& options, UtcTime now, std::int64_t limit);
  };
  [[nodiscard]] static std::span<const Kind> kinds();

 private:
  store::Database& database_;
  const Clock& clock_;
  const JanitorOptions options_;
  const Removed removed_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace countersign::daemon
