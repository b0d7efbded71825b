// One running node: every object of the server, built from the configuration, wired, started and drained.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/time.hpp"
#include "daemon/config.hpp"

namespace countersign::daemon {

class Node {
 public:
  /// Opens the store, binds the listener, builds everything. Throws EnvironmentError with what to do.
  Node(const Config& config, const Clock& clock);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Starts the threads and begins to serve and to send.
  void start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// A link by which the first person comes in; empty when somebody can sign in, or there is no console.
  /// Without a public URL it begins with the path.
  [[nodiscard]] std::string setup_link();
  /// The port on which mail is received; 0 when none is.
  [[nodiscard]] std::uint16_t smtp_port() const noexcept;

  /// Blocks until SIGTERM or SIGINT. A second signal ends the process at once.
  void wait_for_signal();

  /// Drains: not ready, no new connections, requests and hand-overs under way finish, leases are given back,
  /// the store flushes. True when all of it was done within `patience`; what is left then is what a crash
  /// would leave.
  bool stop(std::chrono::milliseconds patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::daemon
