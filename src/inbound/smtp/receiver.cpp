#include "inbound/smtp/receiver.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "inbound/smtp/connection.hpp"
#include "inbound/smtp/reply.hpp"

namespace countersign::inbound::smtp {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, Strand>;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after a failed accept (EMFILE and its like)
constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kTuple{};

asio::ip::address address_of(const asio::generic::stream_protocol::endpoint& peer) {
  tcp::endpoint endpoint;
  if (peer.size() > endpoint.capacity() || peer.protocol().family() == AF_UNIX) return {};
  std::memcpy(endpoint.data(), peer.data(), peer.size());
  endpoint.resize(peer.size());
  return net::unmapped(endpoint.address());
}

std::string_view name_of(const ListenerOptions& listener) {
  if (listener.dialect == Dialect::lmtp) return "lmtp";
  return listener.implicit_tls ? "smtps" : "smtp";
}

std::string place_of(const ListenerOptions& listener) {
  if (!listener.unix_path.empty()) return listener.unix_path;
  return listener.address + " port " + std::to_string(listener.port);
}

}  // namespace

// Everything but the atomics runs on strand_.
class Receiver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, ReceiverOptions options, Intake& intake, ReceiverHooks hooks,
       net::Timers& timers)
      : io_(io),
        strand_(asio::make_strand(io)),
        shared_(std::make_shared<ReceiverShared>(std::move(options), std::move(hooks), intake, timers)),
        sweep_timer_(timers.make(strand_)),
        gone_timer_(timers.make(strand_)) {
    for (const ListenerOptions& listener : shared_->options.listeners) {
      if (listener.implicit_tls && !shared_->identity) {
        throw EnvironmentError("a listener with TLS needs a certificate: " + place_of(listener), false);
      }
      listen(listener);
    }
  }

  ~Impl() {
    for (const ListenerOptions& listener : shared_->options.listeners) {
      if (!listener.unix_path.empty()) ::unlink(listener.unix_path.c_str());
    }
  }

  [[nodiscard]] std::uint16_t port(std::size_t listener) const { return ports_.at(listener); }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  [[nodiscard]] ReceiverShared& shared() { return *shared_; }
  [[nodiscard]] Strand strand() const { return strand_; }

  void start() {
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
      asio::co_spawn(strand_, accept_loop(shared_from_this(), i), asio::detached);
    }
    asio::co_spawn(strand_, sweep_loop(shared_from_this()), asio::detached);
  }

  static asio::awaitable<bool> drain(std::shared_ptr<Impl> self, std::chrono::milliseconds patience) {
    self->shared_->draining = true;
    boost::system::error_code ignored;
    for (Acceptor& acceptor : self->acceptors_) acceptor.close(ignored);
    self->for_each([](Connection& connection) { connection.drain(); });
    net::Timers& timers = self->shared_->timers;
    const auto until = timers.now() + patience;
    while (self->connections_ > 0 && timers.now() < until) {
      self->gone_timer_->expires_after(until - timers.now());
      co_await self->gone_timer_->wait();
    }
    const bool finished = self->connections_ == 0;
    self->for_each([](Connection& connection) { connection.close(); });
    self->sweep_timer_->cancel();
    co_return finished;
  }

 private:
  void listen(const ListenerOptions& listener) {
    boost::system::error_code error;
    asio::generic::stream_protocol::endpoint endpoint;
    if (listener.unix_path.empty()) {
      const auto address = asio::ip::make_address(listener.address, error);
      endpoint = tcp::endpoint(address, listener.port);
    } else {
      ::unlink(listener.unix_path.c_str());  // left behind by a process that was killed
      endpoint = asio::local::stream_protocol::endpoint(listener.unix_path);
    }
    Acceptor acceptor(strand_);
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw EnvironmentError("cannot listen on " + place_of(listener) + ": " + error.message(), false);
    ports_.push_back(listener.unix_path.empty() ? port_of(acceptor) : std::uint16_t{0});
    acceptors_.push_back(std::move(acceptor));
  }

  static std::uint16_t port_of(const Acceptor& acceptor) {
    const auto local = acceptor.local_endpoint();
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), local.data(), local.size());
    endpoint.resize(local.size());
    return endpoint.port();
  }

  static asio::awaitable<void> accept_loop(std::shared_ptr<Impl> self, std::size_t index) {
    const auto pause = self->shared_->timers.make(self->strand_);
    const ListenerOptions& listener = self->shared_->options.listeners[index];
    while (!self->shared_->draining) {
      Strand strand = asio::make_strand(self->io_);
      auto [error, socket] = co_await self->acceptors_[index].async_accept(strand, kTuple);
      if (self->shared_->draining) break;
      if (error) {
        log::warn("smtp.accept_failed", {{"error", error.message()}});
        pause->expires_after(kAcceptPause);
        co_await pause->wait();
        continue;
      }
      self->begin(std::move(socket), listener);
    }
  }

  void begin(Socket socket, const ListenerOptions& listener) {
    boost::system::error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    const bool local = !listener.unix_path.empty();
    const asio::ip::address address = local ? asio::ip::address() : address_of(peer);
    if (connections_ >= shared_->options.connections_max) {
      return turn_away(socket, listener, reply::kTooManyConnections, "too_many_connections");
    }
    const bool may_be_proxy = !local && listener.dialect == Dialect::smtp;
    Peer who{address, may_be_proxy && shared_->options.proxies.contains(address), {}};
    if (!local && !who.is_proxy) {
      auto seat = shared_->seats.take(address);
      if (!seat) return turn_away(socket, listener, reply::kTooManyFromYou, "too_many_from_address");
      who.seat = *std::move(seat);
    }
    if (!local) socket.set_option(tcp::no_delay(true), error);
    if (shared_->hooks.connected) shared_->hooks.connected(name_of(listener));
    auto connection = std::make_shared<Connection>(std::move(socket), std::move(who), listener, shared_);
    const std::uint64_t number = ++last_number_;
    registry_.emplace(number, connection);
    ++connections_;
    auto end = [self = shared_from_this(), number](std::exception_ptr fault) {
      asio::post(self->strand_, [self, number, fault] { self->end(number, fault); });
    };
    asio::co_spawn(connection->strand(), serve(connection), std::move(end));
  }

  // Said once, without waiting: a client in a crowd is not worth a coroutine. Under TLS there is nobody to
  // hear it.
  void turn_away(Socket& socket, const ListenerOptions& listener, std::string_view text,
                 std::string_view reason) {
    if (shared_->hooks.refused) shared_->hooks.refused(reason);
    if (!listener.implicit_tls) {
      const auto sent = ::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      static_cast<void>(sent);
    }
    boost::system::error_code ignored;
    socket.close(ignored);
  }

  static asio::awaitable<void> serve(std::shared_ptr<Connection> connection) { co_await connection->run(); }

  void end(std::uint64_t number, const std::exception_ptr& fault) {
    if (fault) log_fault(fault);
    registry_.erase(number);
    --connections_;
    if (connections_ == 0) gone_timer_->cancel();
  }

  static void log_fault(const std::exception_ptr& fault) {
    try {
      std::rethrow_exception(fault);
    } catch (const std::exception& error) {
      log::error("smtp.connection_failed", {{"error", error.what()}});
    }
  }

  static asio::awaitable<void> sweep_loop(std::shared_ptr<Impl> self) {
    while (!self->shared_->draining || self->connections_ > 0) {
      self->sweep_timer_->expires_after(self->shared_->options.timeouts.sweep_interval);
      co_await self->sweep_timer_->wait();
      const auto now = self->shared_->timers.now();
      for (const auto& [number, weak] : self->registry_) {
        const auto connection = weak.lock();
        if (!connection || !connection->is_due(now)) continue;
        asio::post(connection->strand(), [connection] { connection->expire_if_due(); });
      }
    }
  }

  template <class Action>
  void for_each(Action action) {
    for (const auto& [number, weak] : registry_) {
      const auto connection = weak.lock();
      if (!connection) continue;
      asio::post(connection->strand(), [connection, action] { action(*connection); });
    }
  }

  asio::io_context& io_;
  Strand strand_;
  const std::shared_ptr<ReceiverShared> shared_;
  std::unique_ptr<net::Timer> sweep_timer_;
  std::unique_ptr<net::Timer> gone_timer_;  // drain's; cancelled when the last connection is gone
  std::vector<Acceptor> acceptors_;         // in the order of the options, as the ports are
  std::vector<std::uint16_t> ports_;
  std::atomic<std::size_t> connections_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::weak_ptr<Connection>> registry_;
};

Receiver::Receiver(asio::io_context& io, ReceiverOptions options, Intake& intake, ReceiverHooks hooks,
                   net::Timers& timers)
    : impl_(std::make_shared<Impl>(io, std::move(options), intake, std::move(hooks), timers)) {}

Receiver::~Receiver() = default;

std::uint16_t Receiver::port(std::size_t listener) const noexcept { return impl_->port(listener); }

void Receiver::start() { impl_->start(); }

asio::awaitable<bool> Receiver::drain(std::chrono::milliseconds patience) {
  auto work = Impl::drain(impl_, patience);
  return asio::co_spawn(impl_->strand(), std::move(work), asio::use_awaitable);
}

bool Receiver::reload_certificate() {
  TlsIdentity* const identity = impl_->shared().identity.get();
  return identity != nullptr && identity->reload();
}

std::size_t Receiver::connections() const noexcept { return impl_->connections(); }

std::uint64_t Receiver::content_bytes_in_flight() const noexcept { return impl_->shared().budget.used(); }

}  // namespace countersign::inbound::smtp
