#include "agent/ws/hub.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/ws/session.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "net/timers.hpp"
#include "store/awaitable.hpp"

namespace countersign::agent::ws {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kNewsTogether = 1000;  // events of the log of all agents that are looked at together
constexpr std::int64_t kCheckedTogether = 1000;  // listeners
constexpr milliseconds kSweepInterval{100};      // how late a deadline may be noticed
// Between two looks at the log: at least, and at most while there is news or writers hold it back.
constexpr milliseconds kLookPause{2};
constexpr milliseconds kBusyPause{20};
// Between two looks at the listeners, however often somebody asks for one.
constexpr milliseconds kCheckPause{50};

HandshakeRequest handshake_of(const net::Headers& headers) {
  HandshakeRequest request{http::verb::get, "/", 11};
  for (const net::Header& field : headers) {
    if (net::equal_ignoring_case(field.name, "Upgrade") ||
        net::equal_ignoring_case(field.name, "Connection") || net::equal_ignoring_case(field.name, "Host") ||
        net::equal_ignoring_case(field.name, "Sec-WebSocket-Key") ||
        net::equal_ignoring_case(field.name, "Sec-WebSocket-Version")) {
      request.insert(field.name, field.value);
    }
  }
  return request;
}

// A request that was admitted, until it is given its socket.
class Handshake final : public net::Takeover {
 public:
  Handshake(std::shared_ptr<Owner> owner, std::unique_ptr<Seat> seat, Admission admission,
            const net::Headers& headers, std::string request_id)
      : owner_(std::move(owner)),
        seat_(std::move(seat)),
        admission_(std::move(admission)),
        request_(handshake_of(headers)),
        request_id_(std::move(request_id)) {}

  void take(net::Socket socket) override {
    std::make_shared<Session>(std::move(owner_), std::move(seat_), std::move(admission_), std::move(socket))
        ->start(request_, request_id_);
  }

 private:
  std::shared_ptr<Owner> owner_;
  std::unique_ptr<Seat> seat_;
  Admission admission_;
  const HandshakeRequest request_;
  const std::string request_id_;
};

}  // namespace

class Hub::Impl final : public Owner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, store::Database& database, const Clock& clock, HubOptions options,
       HubHooks hooks)
      : Owner(database, clock, std::move(options), std::move(hooks)),
        strand_(asio::make_strand(std::move(executor))),
        bell_(net::steady_timers().make(strand_)),
        gap_(net::steady_timers().make(strand_)),
        check_bell_(net::steady_timers().make(strand_)),
        sweep_timer_(net::steady_timers().make(strand_)),
        empty_bell_(net::steady_timers().make(strand_)),
        taken_(std::make_shared<std::atomic<std::size_t>>(0)) {
    CS_ASSERT(!this->options.node.empty() && this->options.connections_max > 0);
  }

  std::shared_ptr<net::Takeover> admit(Admission admission, const net::Headers& headers,
                                       const std::string& request_id) {
    if (stopping_) return nullptr;
    if (++*taken_ > options.connections_max) {
      --*taken_;
      return nullptr;
    }
    return std::make_shared<Handshake>(shared_from_this(), std::make_unique<Seat>(taken_),
                                       std::move(admission), headers, request_id);
  }

  [[nodiscard]] std::size_t connections() const { return *taken_; }

  asio::awaitable<void> run() {
    co_await asio::co_spawn(strand_, work(shared_from_this()), asio::use_awaitable);
  }

  void wake() {
    if (woken_.exchange(true)) return;
    asio::post(strand_, [self = shared_from_this()] {
      self->woken_ = false;
      self->ring();
    });
  }

  void check() {
    if (check_asked_.exchange(true)) return;
    asio::post(strand_, [self = shared_from_this()] { self->check_bell_->cancel(); });
  }

  void stop() {
    stopping_ = true;
    asio::post(strand_, [self = shared_from_this()] {
      self->ring();
      self->check_bell_->cancel();
      for (Session* session : self->all_) session->close(Closing::shutting_down);
      self->empty_bell_->cancel();
    });
  }

  // Of sessions, on any thread.

  void entered(const SessionPtr& session) override {
    asio::post(strand_, [self = shared_from_this(), session] {
      self->all_.insert(session.get());
      if (self->stopping_) session->close(Closing::shutting_down);
    });
  }

  void joined(const SessionPtr& session, std::int64_t epoch) override {
    asio::post(strand_, [self = shared_from_this(), session, epoch] { self->seat(session, epoch); });
  }

  void fell_behind(const SessionPtr& session) override {
    asio::post(strand_, [self = shared_from_this(), session] { self->unread_.insert(session); });
  }

  void left(const SessionPtr& session) override {
    asio::post(strand_, [self = shared_from_this(), session] {
      self->all_.erase(session.get());
      self->unread_.erase(session);
      const auto found = self->by_agent_.find(session->agent_email());
      if (found != self->by_agent_.end() && found->second.session == session) self->by_agent_.erase(found);
      if (self->all_.empty()) self->empty_bell_->cancel();
    });
  }

 private:
  // Everything below runs on the strand.

  struct Place {
    SessionPtr session;
    std::int64_t epoch = 0;
  };

  void ring() {
    rung_ = true;
    bell_->cancel();
  }

  // Of two sessions of one agent, the one whose claim was committed later stays.
  void seat(const SessionPtr& session, std::int64_t epoch) {
    if (!all_.contains(session.get())) return;  // gone already
    Place& place = by_agent_[session->agent_email()];
    if (place.session && place.epoch > epoch) return session->close(Closing::replaced);
    if (place.session) place.session->close(Closing::replaced);
    place = {session, epoch};
    unread_.insert(session);
    ring();
  }

  static asio::awaitable<void> work(std::shared_ptr<Impl> self) {
    self->helpers_ = 2;
    asio::co_spawn(self->strand_, keep_checking(self), asio::detached);
    asio::co_spawn(self->strand_, sweep(self), asio::detached);
    co_await self->follow();
    while (*self->taken_ > 0 || !self->all_.empty() || self->helpers_ > 0) {
      self->empty_bell_->expires_after(kSweepInterval);
      co_await self->empty_bell_->wait();
    }
    co_await self->forget_node();
  }

  // --- the log -------------------------------------------------------------------------------------------

  asio::awaitable<void> follow() {
    milliseconds pause = kBusyPause;
    while (!stopping_) {
      rung_ = false;
      Look look;
      if (by_agent_.empty()) {
        from_.reset();
        pause = options.poll_interval;
      } else {
        look = co_await look_at_log();
        pause = std::min(pause * 2, look.held_back || look.news ? kBusyPause : options.poll_interval);
      }
      if (look.more || stopping_) continue;
      if (rung_) {  // also while it was looked
        pause = kLookPause;
        gap_->expires_after(kLookPause);
        co_await gap_->wait();
        continue;
      }
      bell_->expires_after(pause);
      co_await bell_->wait();
      if (rung_) pause = kLookPause;
    }
  }

  struct Look {
    bool news = false;
    bool more = false;
    bool held_back = false;
  };

  asio::awaitable<Look> look_at_log() {
    Look look;
    try {
      const journal::Frontier frontier =
          co_await store::read(database, [](store::ReadTx& tx) { return journal::frontier(tx); });
      look.held_back = frontier.held_back;
      std::vector<journal::News> news;
      if (from_ && *from_ < frontier.until) {
        auto body = [from = *from_, until = frontier.until](store::ReadTx& tx) {
          return journal::news(tx, from, until, kNewsTogether);
        };
        news = co_await store::read(database, std::move(body));
      }
      look.more = static_cast<std::int64_t>(news.size()) == kNewsTogether;
      look.news = !news.empty();
      from_ = look.more ? news.back().place.next() : frontier.until;
      rouse(news, *from_);
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("ws.follow_failed", error);
    }
    co_return look;
  }

  void rouse(const std::vector<journal::News>& news, const journal::Place& until) {
    for (const journal::News& item : news) {
      const auto found = by_agent_.find(item.agent_email);
      if (found != by_agent_.end()) unread_.insert(found->second.session);
    }
    for (const SessionPtr& session : unread_) session->rouse(until);
    unread_.clear();
  }

  // --- who may listen ------------------------------------------------------------------------------------

  static asio::awaitable<void> keep_checking(std::shared_ptr<Impl> self) {
    while (!self->stopping_) {
      if (!self->check_asked_) {
        self->check_bell_->expires_after(self->options.check_interval);
        co_await self->check_bell_->wait();
      }
      if (self->stopping_) break;
      self->check_asked_ = false;
      if (!self->by_agent_.empty()) co_await self->check_all();
      self->check_bell_->expires_after(kCheckPause);
      co_await self->check_bell_->wait();
    }
    --self->helpers_;
    self->empty_bell_->cancel();
  }

  asio::awaitable<void> check_all() {
    // Those that join meanwhile may be missing in what is read.
    std::map<std::string, SessionPtr> ours;
    for (const auto& [agent, place] : by_agent_) ours.emplace(agent, place.session);
    try {
      std::string after;
      bool more = true;
      while (more) {
        auto body = [node = options.node, after, now = clock.now()](store::ReadTx& tx) {
          return listener::check_node(tx, node, after, kCheckedTogether, now);
        };
        const std::vector<listener::Check> page = co_await store::read(database, std::move(body));
        more = static_cast<std::int64_t>(page.size()) == kCheckedTogether;
        if (more) after = page.back().agent_email;
        for (const listener::Check& check : page) {
          const auto found = ours.find(check.agent_email);
          if (found == ours.end() || found->second->id() != check.id) continue;
          if (check.standing == listener::Standing::forbidden) found->second->close(Closing::forbidden);
          ours.erase(found);
        }
      }
      for (const auto& [agent, session] : ours) co_await close_missing(session);
    } catch (const std::exception& error) {
      log::failure("ws.check_failed", error);
    }
  }

  asio::awaitable<void> close_missing(const SessionPtr& session) {
    if (!all_.contains(session.get())) co_return;
    auto body = [agent = session->agent_email(), key = session->key(), now = clock.now()](store::ReadTx& tx) {
      return listener::why_missing(tx, agent, key, now);
    };
    switch (co_await store::read(database, std::move(body))) {
      case listener::Missing::replaced:
        session->close(Closing::replaced);
        break;
      case listener::Missing::forbidden:
        session->close(Closing::forbidden);
        break;
      case listener::Missing::given_up:  // it may have the place back
        session->close(Closing::unavailable);
        break;
    }
  }

  asio::awaitable<void> forget_node() {
    try {
      co_await store::write(database, [node = options.node](store::Tx& tx) {
        listener::release_node(tx, node);
        return std::monostate{};
      });
    } catch (const std::exception& error) {
      log::failure("ws.node_not_forgotten", error);
    }
  }

  // --- deadlines -----------------------------------------------------------------------------------------

  static asio::awaitable<void> sweep(std::shared_ptr<Impl> self) {
    while (!self->stopping_ || *self->taken_ > 0 || !self->all_.empty()) {
      self->sweep_timer_->expires_after(kSweepInterval);
      co_await self->sweep_timer_->wait();
      const auto now = steady_clock::now();
      for (Session* session : self->all_) {
        if (session->is_due(now)) session->look_at_clock();
      }
    }
    --self->helpers_;
    self->empty_bell_->cancel();
  }

  const asio::strand<asio::any_io_executor> strand_;
  const std::unique_ptr<net::Timer> bell_;
  const std::unique_ptr<net::Timer> gap_;
  const std::unique_ptr<net::Timer> check_bell_;
  const std::unique_ptr<net::Timer> sweep_timer_;
  const std::unique_ptr<net::Timer> empty_bell_;
  const std::shared_ptr<std::atomic<std::size_t>> taken_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> woken_ = false;
  std::atomic<bool> check_asked_ = false;
  std::unordered_set<Session*> all_;  // each leaves before it is destroyed
  std::unordered_map<std::string, Place> by_agent_;
  std::unordered_set<SessionPtr> unread_;  // to be roused at the next look
  std::optional<journal::Place> from_;     // how far the log of all agents was looked at
  bool rung_ = false;
  int helpers_ = 0;
};

Hub::Hub(asio::any_io_executor executor, store::Database& database, const Clock& clock, HubOptions options,
         HubHooks hooks)
    : impl_(std::make_shared<Impl>(std::move(executor), database, clock, std::move(options),
                                   std::move(hooks))) {}

Hub::~Hub() = default;

std::shared_ptr<net::Takeover> Hub::admit(Admission admission, const net::Headers& headers,
                                          const std::string& request_id) {
  return impl_->admit(std::move(admission), headers, request_id);
}

std::size_t Hub::connections() const { return impl_->connections(); }
asio::awaitable<void> Hub::run() { return impl_->run(); }
void Hub::wake() { impl_->wake(); }
void Hub::check() { impl_->check(); }
void Hub::stop() { impl_->stop(); }

}  // namespace countersign::agent::ws
