// The courier: fans events out and brings deliveries to their endpoints, outside every transaction. One per
// process; several processes share the work through leases on lanes.
//
// Every webhook is a lane of its own, with a width: how many requests it may have under way. A lane begins
// with one, widens while its endpoint answers, and falls back when it does not, so that an endpoint that
// hangs ties up one request and no more. Requests under way are bounded over all lanes; while there is no
// room, the account with the fewest comes first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/webhook/target.hpp"
#include "base/seal.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "net/timers.hpp"
#include "store/database.hpp"

namespace countersign::agent::webhook {

struct CourierOptions {
  std::string worker;  // unique to this process
  std::chrono::seconds lease{60};
  std::chrono::milliseconds poll_interval{1000};
  std::size_t in_flight_max = 256;                // requests, over all lanes
  std::size_t lane_width_max = 16;                // of one webhook
  std::size_t lanes_max = 512;                    // that this process works on at a time
  std::chrono::milliseconds timeout{15'000};      // of a request
  std::chrono::milliseconds retry_first{60'000};  // see webhook::pause_after
  std::string ca_file;                            // PEM; empty: the system's
  /// No other process works on this store (embedded SQLite): lanes of a dead predecessor are taken up at
  /// once.
  bool sole_process = false;
};

/// What an operator counts; each may be empty.
struct CourierHooks {
  std::function<void(std::int64_t events, std::int64_t deliveries)> fanned_out;
  /// One attempt: "delivered", "refused" (an answer that is no success), "unreachable", "timeout",
  /// "forbidden" (the name leads to nowhere it may).
  std::function<void(std::string_view outcome, std::chrono::microseconds took)> attempted;
};

class Courier {
 public:
  /// All references must outlive run().
  Courier(boost::asio::any_io_executor executor, store::Database& database, const Clock& clock,
          Targets& targets, Sealer secrets, CourierOptions options, CourierHooks hooks = {},
          net::Timers& timers = net::steady_timers());
  /// When no thread runs the executor any more.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  /// Works until stop(). Completes when nothing is under way any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Something may have happened: look now. Thread-safe, and cheap when called often.
  void wake();
  /// Begins nothing more; requests under way run to their end. Thread-safe.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::agent::webhook
