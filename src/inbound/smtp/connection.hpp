// One client's connection: its stream, its session, its coroutine, its deadline. Internal to the receiver.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "inbound/smtp/seats.hpp"
#include "inbound/smtp/session.hpp"
#include "inbound/smtp/stream.hpp"
#include "inbound/smtp/tls_identity.hpp"
#include "net/timers.hpp"

namespace countersign::inbound::smtp {

/// What the connections of one receiver share.
struct ReceiverShared {
  ReceiverShared(ReceiverOptions given_options, ReceiverHooks given_hooks, Intake& given_intake,
                 net::Timers& given_timers);

  const ReceiverOptions options;
  const ReceiverHooks hooks;
  Intake& intake;
  net::Timers& timers;
  std::unique_ptr<TlsIdentity> identity;  // nothing: no TLS
  ContentBudget budget;
  Seats seats;
  std::atomic<bool> draining = false;
  SessionContext context;
};

/// Who opened a connection.
struct Peer {
  boost::asio::ip::address address;
  bool is_proxy = false;
  Seats::Seat seat;  // none for a proxy, whose clients are counted, and on a Unix socket
};

/// Everything but is_due runs on the connection's strand.
class Connection {
 public:
  Connection(Socket socket, Peer peer, const ListenerOptions& listener,
             std::shared_ptr<ReceiverShared> shared);

  /// Serves the session to its end. The caller keeps this object alive until then.
  boost::asio::awaitable<void> run();

  [[nodiscard]] Strand strand() { return stream_.strand(); }
  /// Whether the present wait is past its deadline. Any thread.
  [[nodiscard]] bool is_due(std::chrono::steady_clock::time_point now) const noexcept;
  /// Ends the present wait when it is past its deadline.
  void expire_if_due();
  /// The server stops: ends the connection unless a transaction is under way.
  void drain();
  void close();

 private:
  // What pump() came to.
  enum class Pumped : std::uint8_t { wants_read, wants_write, step, yield, end };

  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<bool> meet_client();
  boost::asio::awaitable<bool> read_proxy_header();
  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<bool> flush();
  boost::asio::awaitable<bool> wait_for_client(Io io);
  boost::asio::awaitable<bool> perform(Session::Next next);
  boost::asio::awaitable<RecipientAnswer> ask(std::string address);
  boost::asio::awaitable<std::vector<AcceptAnswer>> hand_over(ReceivedMessage message);
  boost::asio::awaitable<void> linger();
  Pumped pump();
  Session::Next feed(std::string_view input);
  [[nodiscard]] std::chrono::steady_clock::time_point reading_deadline();
  void arm(std::chrono::steady_clock::time_point deadline);
  void disarm();

  Stream stream_;
  const std::shared_ptr<ReceiverShared> shared_;
  Peer peer_;
  Session session_;
  std::string unread_;  // received, and to be fed after the present step
  std::string out_;     // replies to be written
  std::chrono::steady_clock::time_point command_begun_;
  std::chrono::steady_clock::time_point content_begun_;
  std::atomic<std::int64_t> deadline_ns_;  // of the steady clock
  Session::Next next_ = Session::Next::read;
  const bool implicit_tls_;
  std::uint32_t command_ = 0;  // whose beginnings the two above are
  std::uint32_t content_ = 0;
  bool waiting_ = false;  // for the client
  bool expired_ = false;
  bool told_to_stop_ = false;
};

}  // namespace countersign::inbound::smtp
