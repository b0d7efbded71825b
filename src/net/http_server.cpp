#include "net/http_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "net/http_connection.hpp"

namespace countersign::net {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Strand>;
using Acceptor = asio::basic_socket_acceptor<tcp, Strand>;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after a failed accept (EMFILE and its like)
constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kTuple{};

std::string text_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

// Everything but the atomics runs on strand_.
class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, HttpOptions options, HttpService service)
      : io_(io),
        strand_(asio::make_strand(io)),
        acceptor_(strand_),
        sweep_timer_(strand_),
        shared_(std::make_shared<HttpShared>()) {
    CS_ASSERT(service.respond && service.body_bytes_max);
    shared_->options = std::move(options);
    shared_->service = std::move(service);
    listen();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }

  void start() {
    asio::co_spawn(strand_, accept_loop(shared_from_this()), asio::detached);
    asio::co_spawn(strand_, sweep_loop(shared_from_this()), asio::detached);
  }

  static asio::awaitable<bool> drain(std::shared_ptr<Impl> self, std::chrono::milliseconds patience) {
    self->shared_->draining = true;
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
    self->for_each([](HttpConnection& connection) { connection.close_if_idle(); });
    const auto until = std::chrono::steady_clock::now() + patience;
    while (self->connections_ > 0 && std::chrono::steady_clock::now() < until) {
      co_await self->wait_until_one_is_gone(until);
    }
    const bool finished = self->connections_ == 0;
    self->for_each([](HttpConnection& connection) { connection.close(); });
    self->sweep_timer_.cancel();
    co_return finished;
  }

  [[nodiscard]] Strand strand() const { return strand_; }

 private:
  void listen() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(shared_->options.address, error);
    const tcp::endpoint endpoint(address, shared_->options.port);
    if (!error) acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw EnvironmentError("cannot listen on " + shared_->options.address + " port " +
                                 std::to_string(shared_->options.port) + ": " + error.message(),
                             false);
    }
    port_ = acceptor_.local_endpoint().port();
  }

  static asio::awaitable<void> accept_loop(std::shared_ptr<Impl> self) {
    while (!self->shared_->draining) {
      if (self->connections_ >= self->shared_->options.connections_max) {
        co_await self->wait_until_one_is_gone(std::chrono::steady_clock::time_point::max());
        continue;  // further clients wait in the kernel's backlog meanwhile
      }
      Strand strand = asio::make_strand(self->io_);
      auto [error, socket] = co_await self->acceptor_.async_accept(strand, kTuple);
      if (self->shared_->draining) break;
      if (error) {
        log::warn("http.accept_failed", {{"error", error.message()}});
        co_await self->wait_until_one_is_gone(std::chrono::steady_clock::now() + kAcceptPause);
        continue;
      }
      self->begin(std::move(socket));
    }
  }

  void begin(Socket socket) {
    boost::system::error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    socket.set_option(tcp::no_delay(true), error);
    auto connection = std::make_shared<HttpConnection>(std::move(socket), text_of(peer.address()), shared_);
    const std::uint64_t number = ++last_number_;
    registry_.emplace(number, connection);
    ++connections_;
    auto end = [self = shared_from_this(), number](std::exception_ptr fault) {
      asio::post(self->strand_, [self, number, fault] { self->end(number, fault); });
    };
    asio::co_spawn(connection->strand(), serve(connection), std::move(end));
  }

  static asio::awaitable<void> serve(std::shared_ptr<HttpConnection> connection) {
    co_await connection->run();
  }

  void end(std::uint64_t number, const std::exception_ptr& fault) {
    if (fault) log::error("http.connection_failed", {});
    registry_.erase(number);
    --connections_;
    for (Timer* timer : waiting_) timer->cancel();
  }

  // Returns when a connection has ended, or at `until`.
  asio::awaitable<void> wait_until_one_is_gone(std::chrono::steady_clock::time_point until) {
    Timer timer(strand_, until);
    waiting_.push_back(&timer);
    co_await timer.async_wait(kTuple);
    std::erase(waiting_, &timer);
  }

  static asio::awaitable<void> sweep_loop(std::shared_ptr<Impl> self) {
    while (!self->shared_->draining || self->connections_ > 0) {
      self->sweep_timer_.expires_after(self->shared_->options.sweep_interval);
      co_await self->sweep_timer_.async_wait(kTuple);
      const auto now = std::chrono::steady_clock::now();
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
  Acceptor acceptor_;
  std::vector<Timer*> waiting_;
  Timer sweep_timer_;
  const std::shared_ptr<HttpShared> shared_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::weak_ptr<HttpConnection>> registry_;
};

HttpServer::HttpServer(asio::io_context& io, HttpOptions options, HttpService service)
    : impl_(std::make_shared<Impl>(io, std::move(options), std::move(service))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const noexcept { return impl_->port(); }

void HttpServer::start() { impl_->start(); }

asio::awaitable<bool> HttpServer::drain(std::chrono::milliseconds patience) {
  auto work = Impl::drain(impl_, patience);
  return asio::co_spawn(impl_->strand(), std::move(work), asio::use_awaitable);
}

std::size_t HttpServer::connections() const noexcept { return impl_->connections(); }

}  // namespace countersign::net
