// Telling events to webhooks: the courier with the DNS of its own, and what disables endpoints that never
// answer.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>
#include <string>

#include "agent/webhook/courier.hpp"
#include "agent/webhook/target.hpp"
#include "base/time.hpp"
#include "daemon/config.hpp"
#include "daemon/instruments.hpp"
#include "daemon/periodic.hpp"
#include "net/unbound_resolver.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

class EventsOut {
 public:
  /// All references must outlive run().
  EventsOut(const Config& config, boost::asio::any_io_executor executor, store::Database& database,
            const Clock& clock, Instruments& instruments, bool sole_process);

  /// Works until stop(); ends when nothing is under way any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  void wake() { courier_.wake(); }
  void stop();

  /// Why events must not be delivered to this host; empty: they may.
  [[nodiscard]] boost::asio::awaitable<std::string> fault_of_host(std::string host);

 private:
  boost::asio::awaitable<void> disable_failing();

  store::Database& database_;
  const Clock& clock_;
  Instruments& instruments_;
  boost::asio::strand<boost::asio::any_io_executor> strand_;
  net::UnboundResolver dns_;
  agent::webhook::Targets targets_;
  agent::webhook::Courier courier_;
  Periodic upkeep_;
};

}  // namespace countersign::daemon
