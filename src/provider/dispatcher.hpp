// The dispatcher: takes due attempts out of the outbox, hands them to the transport outside every
// transaction, and records what came of it. One per process; several processes share the work through leases
// and epochs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "net/timers.hpp"
#include "provider/message_signer.hpp"
#include "provider/receipts.hpp"
#include "provider/transport.hpp"
#include "store/database.hpp"

namespace countersign::provider {

struct DispatcherOptions {
  std::string worker;       // unique to this process
  std::string from_domain;  // of the relay identity
  std::chrono::seconds lease{60};
  std::chrono::milliseconds poll_interval{1000};
  std::int64_t in_flight_max = 32;
  /// After a session fault: the first pause of all nodes; it doubles up to outbox::kOutagePauseMax while the
  /// fault lasts (outbox/relay.hpp).
  std::chrono::milliseconds outage_pause_first{1000};
  /// The envelope sender a message is handed over with, from the one it would have (outbox::Work) and its id;
  /// the same for every attempt. Empty: unchanged. Called on the dispatcher's strand.
  std::function<std::string(std::string_view envelope_sender, const MessageId& message)> return_path;
  /// No other process can hold a lease in this store (embedded SQLite): what a dead predecessor had claimed
  /// is taken up at once instead of when its lease runs out.
  bool sole_process = false;
  /// Where answers are kept until the store has them; null when the store is as near as the disk (embedded).
  /// Must outlive run().
  ReceiptFile* receipts = nullptr;
  /// Signs what is handed over; null: nothing is signed. Must outlive run().
  MessageSigner* signer = nullptr;
};

/// What an operator counts; each may be empty.
struct DispatcherHooks {
  /// One hand-over ended with this verdict.
  std::function<void(std::string_view provider, std::string_view verdict)> ended;
  /// Leases that had run out were taken up.
  std::function<void(std::int64_t requeued, std::int64_t unknown)> rescued;
  /// Unknown hand-overs were sent again because their agents' policy says so.
  std::function<void(std::int64_t count)> resent;
};

class Dispatcher {
 public:
  /// All references must outlive run().
  Dispatcher(boost::asio::any_io_executor executor, store::Database& database, const Clock& clock,
             Transport& transport, DispatcherOptions options, DispatcherHooks hooks = {},
             net::Timers& timers = net::steady_timers());
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Works until stop(). Completes when nothing is in flight any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Something may be due: look now. Thread-safe.
  void wake();
  /// Claims nothing more; hand-overs under way run to their end. Thread-safe.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::provider
