#include "provider/smtp/smtp_transport.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "provider/ses/smtp_fields.hpp"
#include "provider/smtp/session.hpp"

namespace asio = boost::asio;

namespace countersign::provider::smtp {
namespace {

using Permits = asio::experimental::concurrent_channel<void(boost::system::error_code)>;

constexpr std::size_t kHostBytesMax = 255;  // RFC 5321 §4.5.3.1.2

bool is_host_text(std::string_view text) {
  return !text.empty() && text.size() <= kHostBytesMax &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

void check(const RelayOptions& options) {
  if (!is_host_text(options.host)) throw EnvironmentError("the relay's host name is not usable", false);
  if (!is_host_text(options.helo_name)) throw EnvironmentError("the EHLO name is not usable", false);
  if (options.username.find('\0') != std::string::npos || options.password.find('\0') != std::string::npos) {
    throw EnvironmentError("the relay's user name or password contains NUL", false);  // RFC 4616 §2
  }
}

// A connection between two messages: the session, and the timer that ends it when no message comes.
struct Idle {
  std::unique_ptr<Session> session;
  std::unique_ptr<asio::steady_timer> timer;
};

}  // namespace

class SmtpTransport::Pool : public std::enable_shared_from_this<SmtpTransport::Pool> {
 public:
  Pool(asio::any_io_executor executor, RelayOptions options)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        tls_(options_),
        permits_(executor_, options_.connections_max) {
    for (std::size_t i = 0; i < options_.connections_max; ++i) give_back_permit();
  }

  asio::awaitable<Reply> hand_over(HandOver message, Fence fence) {
    if (closing()) co_return closed();
    boost::system::error_code cancelled;
    co_await permits_.async_receive(asio::redirect_error(asio::use_awaitable, cancelled));
    if (cancelled) co_return closed();
    const Permit permit(*this);
    if (closing()) co_return closed();
    std::unique_ptr<Session> session = take_idle();
    if (!session) session = fresh();
    const auto strand = session->strand();
    auto work = converse(shared_from_this(), std::move(session), std::move(message), std::move(fence));
    co_return co_await asio::co_spawn(strand, std::move(work), asio::use_awaitable);
  }

  asio::awaitable<void> drain() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    permits_.cancel();  // who waits for a connection has not begun, and need not wait for those who have
    // Whoever holds all permits knows that no message is under way.
    for (std::size_t i = 0; i < options_.connections_max; ++i) {
      co_await permits_.async_receive(asio::use_awaitable);
    }
    while (std::unique_ptr<Session> session = take_idle()) {
      const auto strand = session->strand();
      auto goodbye = quit(shared_from_this(), std::move(session));
      co_await asio::co_spawn(strand, std::move(goodbye), asio::use_awaitable);
    }
    for (std::size_t i = 0; i < options_.connections_max; ++i) give_back_permit();
  }

 private:
  // The right to have one connection in use.
  class Permit {
   public:
    explicit Permit(Pool& pool) : pool_(pool) {}
    ~Permit() { pool_.give_back_permit(); }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

   private:
    Pool& pool_;
  };

  void give_back_permit() { CS_ASSERT(permits_.try_send(boost::system::error_code())); }

  bool closing() {
    const std::lock_guard lock(mutex_);
    return closing_;
  }

  static Reply closed() {
    Reply reply;
    reply.text = "not handed over: shutting down";
    return reply;
  }

  std::unique_ptr<Session> fresh() {
    return std::make_unique<Session>(asio::make_strand(executor_), options_, tls_);
  }

  // The one used last, so that superfluous ones grow old and end.
  std::unique_ptr<Session> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Session> session = std::move(idle_.back().session);
    idle_.pop_back();
    return session;
  }

  // Runs on the session's strand, which is why the session is a parameter to be moved out of: it must end
  // here whatever happens.
  static asio::awaitable<Reply> converse(std::shared_ptr<Pool> pool, std::unique_ptr<Session> given,
                                         HandOver message, Fence fence) {
    std::unique_ptr<Session> session = std::move(given);
    if (session->reusable()) {
      Reply reply = co_await session->send(message, fence);
      if (!died_while_idle(reply)) {
        pool->keep_or_end(std::move(session));
        co_return reply;
      }
      log::debug("smtp.connection_replaced", {{"phase", to_string(reply.phase)}, {"why", reply.text}});
      session = std::make_unique<Session>(session->strand(), pool->options_, pool->tls_);
    }
    if (auto fault = co_await session->open()) co_return *fault;
    Reply reply = co_await session->send(message, fence);
    pool->keep_or_end(std::move(session));
    co_return reply;
  }

  // A fault in answer to the first words on a reused connection concerns that connection only.
  static bool died_while_idle(const Reply& reply) {
    return reply.verdict == Verdict::session_fault && !reply.fence_passed &&
           (reply.phase == Phase::reset ||
            (reply.phase == Phase::mail && (reply.code == 0 || reply.code == 421)));
  }

  // On the session's strand.
  void keep_or_end(std::unique_ptr<Session> session) {
    if (!session->reusable()) return;
    const auto strand = session->strand();
    if (session->messages() < options_.messages_per_connection_max) {
      auto timer = std::make_unique<asio::steady_timer>(strand, options_.deadlines.idle);
      timer->async_wait(
          [weak = weak_from_this(), which = session.get()](const boost::system::error_code& error) {
            if (const auto self = weak.lock(); self && !error) self->end_idle(which);
          });
      const std::lock_guard lock(mutex_);
      if (!closing_) {
        idle_.push_back({std::move(session), std::move(timer)});
        return;
      }
    }
    asio::co_spawn(strand, quit(shared_from_this(), std::move(session)), asio::detached);
  }

  void end_idle(const Session* which) {
    std::unique_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::ranges::find(idle_, which, [](const Idle& idle) { return idle.session.get(); });
      if (found == idle_.end()) return;
      session = std::move(found->session);
      idle_.erase(found);
    }
    const auto strand = session->strand();
    asio::co_spawn(strand, quit(shared_from_this(), std::move(session)), asio::detached);
  }

  static asio::awaitable<void> quit(std::shared_ptr<Pool> /*keeps options and TLS client*/,
                                    std::unique_ptr<Session> given) {
    const std::unique_ptr<Session> session = std::move(given);
    co_await session->quit();
  }

  asio::any_io_executor executor_;
  RelayOptions options_;
  TlsClient tls_;
  Permits permits_;
  std::mutex mutex_;
  bool closing_ = false;
  std::vector<Idle> idle_;
};

SmtpTransport::SmtpTransport(asio::any_io_executor executor, RelayOptions options)
    : ses_configuration_set_(options.ses_configuration_set) {
  check(options);
  CS_ASSERT(options.connections_max > 0 && options.messages_per_connection_max > 0);
  pool_ = std::make_shared<Pool>(std::move(executor), std::move(options));
}

SmtpTransport::~SmtpTransport() = default;

asio::awaitable<Reply> SmtpTransport::hand_over(HandOver message, Fence fence) {
  CS_ASSERT(message.raw && !message.recipients.empty() && fence);
  const auto pool = pool_;
  if (ses_configuration_set_) {
    std::string raw = ses::smtp_fields(message, *ses_configuration_set_) + *message.raw;
    message.raw = std::make_shared<const std::string>(std::move(raw));
  }
  co_return co_await pool->hand_over(std::move(message), std::move(fence));
}

asio::awaitable<void> SmtpTransport::drain() {
  const auto pool = pool_;
  co_await pool->drain();
}

}  // namespace countersign::provider::smtp
