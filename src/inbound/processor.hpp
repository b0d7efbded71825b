// The processor: takes what arrived out of the spool, authenticates, reads and screens it outside every
// transaction, and moves it into the mailboxes. One per process; several processes share the work through
// leases and epochs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "inbound/detector.hpp"
#include "inbound/publish.hpp"
#include "net/dns.hpp"
#include "net/timers.hpp"
#include "store/database.hpp"

namespace countersign::inbound {

struct ProcessorOptions {
  std::string worker;  // unique to this process
  std::string shared_domain;
  std::string from_domain;
  bool screening = true;
  /// Gives a second opinion on what is screened; nullptr: nobody does. Must outlive run().
  Detector* detector = nullptr;
  /// Longer than any message takes: authentication is limited in time, reading in size.
  std::chrono::seconds lease{120};
  std::chrono::milliseconds poll_interval{1000};
  std::int64_t in_flight_max = 64;
  /// No other process works on this store: what a dead predecessor had claimed is taken up at once.
  bool sole_process = false;
};

/// Claims that end in a fault of the message before it goes to a reviewer unread.
inline constexpr std::int64_t kAttemptsMax = 4;
/// How often a message for a gated agent waits for the DNS before its error is taken for what it is.
inline constexpr std::int64_t kDelaysMax = 3;

struct ProcessorHooks {
  /// Whether more mail is coming in than one sender sends: what was taken can wait a little. May be empty.
  std::function<bool()> busy;
  /// One recipient's message came to an end.
  std::function<void(Published outcome)> published;
  /// A report came to a return path: its content, applied idempotently before this returns; throws
  /// EnvironmentError when the store is away.
  std::function<boost::asio::awaitable<void>(std::string_view content, std::vector<std::string> recipients,
                                             UtcTime received)>
      report;
};

class Processor {
 public:
  /// All references must outlive run(). `executor` is a strand; `dns` belongs to it. Messages are read on
  /// `readers`.
  Processor(boost::asio::any_io_executor executor, boost::asio::thread_pool& readers,
            store::Database& database, const Clock& clock, net::DnsResolver& dns, ProcessorOptions options,
            ProcessorHooks hooks = {}, net::Timers& timers = net::steady_timers());
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  /// Works until stop(). Completes when nothing is in flight any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Something may be due: look now. Thread-safe.
  void wake();
  /// Claims nothing more; what is under way runs to its end. Thread-safe.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::inbound
