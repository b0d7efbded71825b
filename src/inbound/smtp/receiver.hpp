// The SMTP receiver: listeners, connections, limits over all of them, and drain. Whether a recipient exists
// and who takes a message is the Intake's business.
//
// One coroutine per connection, on a strand of its own. Deadlines are kept by one sweep over all connections.
// Nothing that a client does (going away included) cancels an Intake call that has begun.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "inbound/intake.hpp"
#include "inbound/smtp/options.hpp"
#include "net/timers.hpp"

namespace countersign::inbound::smtp {

/// Listens from construction on, and accepts once start() was called. The io_context is run by the caller,
/// by one thread or several, and must outlive the receiver, as the intake must; the destructor is called when
/// no thread runs it.
class Receiver {
 public:
  /// Throws EnvironmentError when an address cannot be bound or the certificate cannot be used.
  Receiver(boost::asio::io_context& io, ReceiverOptions options, Intake& intake, ReceiverHooks hooks = {},
           net::Timers& timers = net::steady_timers());
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// The port that the listener with this index in the options listens on; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const noexcept;
  void start();
  /// Stops accepting, ends idle connections with 421, lets transactions under way finish, and completes when
  /// the last connection is gone or `patience` is over; then what is left is closed. True: nothing was left.
  [[nodiscard]] boost::asio::awaitable<bool> drain(std::chrono::milliseconds patience);
  /// Reads certificate and key anew. False: they cannot be used, and the present ones stay. (Changed files
  /// are noticed without this, at the next handshake.)
  bool reload_certificate();
  [[nodiscard]] std::size_t connections() const noexcept;
  /// Memory taken by content that is arriving or being stored.
  [[nodiscard]] std::uint64_t content_bytes_in_flight() const noexcept;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::inbound::smtp
