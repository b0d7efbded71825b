// The notifier: mails reviewers about what waits for them, through the node's own transport and past every
// gate, quota and loop limit of agents. One per process; several share the work through leases.
//
// At least once. A worker that dies between the hand-over and its record leaves a mail that is sent again,
// with the same Message-ID and the same links; that is wanted, since the hold would otherwise expire unseen.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/timers.hpp"
#include "notify/compose.hpp"
#include "notify/link.hpp"
#include "provider/message_signer.hpp"
#include "provider/transport.hpp"
#include "store/database.hpp"

namespace countersign::provider {

struct NotifierOptions {
  bool enabled = true;  // else notifications are muted as they come
  std::string worker;   // unique to this process
  notify::Sender sender;
  std::chrono::seconds lease{60};
  std::chrono::milliseconds poll_interval{1000};
  std::int64_t in_flight_max = 8;
  std::chrono::seconds gather{60};                // see notify::ClaimCommand
  std::chrono::seconds reaction{3600};            // see notify::Policy
  std::chrono::milliseconds retry_first{30'000};  // see notify::pause_after
  std::chrono::milliseconds outage_pause_first{
      1000};  // after a session fault; doubles up to kNotifierPauseMax
  /// No other process works on this store (embedded SQLite): what a dead predecessor had claimed is taken up
  /// at once.
  bool sole_process = false;
  MessageSigner* signer = nullptr;  // null: nothing is signed. Must outlive run()
};
inline constexpr std::chrono::seconds kNotifierPauseMax{60};

/// What an operator counts; may be empty.
struct NotifierHooks {
  /// A hand-over ended: "accepted", "refused", "deferred", "unknown", "not_taken".
  std::function<void(std::string_view outcome)> ended;
  /// A mail was given up: its holds will not be approved by the clock.
  std::function<void()> given_up;
};

class Notifier {
 public:
  /// All references must outlive run().
  Notifier(boost::asio::any_io_executor executor, store::Database& database, const Clock& clock,
           Transport& transport, notify::Links links, NotifierOptions options, NotifierHooks hooks = {},
           net::Timers& timers = net::steady_timers());
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// Works until stop(). Completes when nothing is under way any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Something may be due: look now. Thread-safe, and cheap when called often.
  void wake();
  /// Begins nothing more; hand-overs under way run to their end. Thread-safe.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::provider
