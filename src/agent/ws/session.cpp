#include "agent/ws/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/json/parse.hpp>
#include <limits>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "store/awaitable.hpp"

namespace countersign::agent::ws {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using std::chrono::steady_clock;

// Events of one session that are read at a time: what a client that does not read keeps in memory.
constexpr std::int64_t kReadTogether = 16;
// What the kernel may hold for it. More would make a ping wait behind it for longer than a pong may take.
constexpr int kSendBufferBytes = 64 * 1024;
// For the other side to answer a close frame and to hang up.
constexpr std::chrono::seconds kClosePatience{5};
constexpr std::chrono::minutes kFrameWindow{1};
constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kTuple{};

struct ClosingFacts {
  std::uint16_t code;
  std::string_view reason;
};

// Contract §18 and its vocabulary. 1008 and 4000 tell a client to stay away, the others to come back.
ClosingFacts facts(Closing why) {
  switch (why) {
    case Closing::none:
      return {1000, "normal"};
    case Closing::replaced:
      return {4000, "replaced"};
    case Closing::ping_timeout:
      return {1001, "ping_timeout"};
    case Closing::shutting_down:
      return {1001, "shutting_down"};
    case Closing::too_slow:
      return {1013, "too_slow"};
    case Closing::forbidden:
      return {1008, "forbidden"};
    case Closing::too_many_frames:
      return {1008, "too_many_frames"};
    case Closing::unavailable:
      return {1013, "unavailable"};
  }
  return {1011, "internal_error"};
}

bool is_inbound(const journal::Told& event) {
  const boost::json::value envelope = boost::json::parse(event.envelope);
  const boost::json::value* direction = envelope.at("data").as_object().if_contains("direction");
  return direction != nullptr && direction->is_string() && direction->as_string() == "inbound";
}

std::int64_t ns_of(steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

Session::Session(std::shared_ptr<Owner> owner, std::unique_ptr<Seat> seat, Admission admission,
                 net::Socket socket)
    : owner_(std::move(owner)),
      seat_(std::move(seat)),
      admission_(std::move(admission)),
      id_(random_id("lsn_")),
      connected_at_(owner_->clock.now()),
      stream_(std::move(socket)),
      deadline_ns_(std::numeric_limits<std::int64_t>::max()),
      frames_since_(steady_clock::now()) {}

void Session::configure(const std::string& request_id) {
  boost::system::error_code ignored;
  stream_.next_layer().set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  stream_.text(true);
  stream_.auto_fragment(false);
  stream_.read_message_max(owner_->options.message_bytes_max);
  stream_.set_option(websocket::stream_base::decorator([request_id](websocket::response_type& response) {
    response.set("X-Request-Id", request_id);
    response.set("X-Content-Type-Options", "nosniff");
  }));
  stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
    count_frame();
    if (kind != websocket::frame_type::pong) return;
    pong_until_ = Time::max();
    next_ping_ = steady_clock::now() + owner_->options.ping_interval;
    arm();
  });
}

void Session::start(const HandshakeRequest& request, const std::string& request_id) {
  configure(request_id);
  owner_->entered(shared_from_this());
  pushing_ = true;
  spawn(open(request));
}

void Session::spawn(asio::awaitable<void> work) {
  asio::co_spawn(stream_.get_executor(), std::move(work),
                 [self = shared_from_this()](const std::exception_ptr& fault) {
                   self->pushing_ = false;
                   if (!fault) return self->push_if_due();  // it may have been roused at the last moment
                   try {
                     std::rethrow_exception(fault);
                   } catch (const std::exception& error) {
                     log::failure("ws.session_failed", error);
                   }
                   if (!self->accepted_) return self->end("unavailable");
                   self->begin_closing(Closing::unavailable);
                 });
}

// Becomes the agent's listener and tells what there is. A client that has its answer is the listener: of two
// that connect one after the other, the second stays.
asio::awaitable<void> Session::open(HandshakeRequest request) {
  auto body = [listener =
                   listener::Listener{id_, admission_.agent_email, admission_.key, owner_->options.node},
               now = owner_->clock.now()](store::Tx& tx) { return listener::claim(tx, listener, now); };
  const std::optional<listener::Claimed> claimed = co_await store::write(owner_->database, std::move(body));
  claimed_ = claimed.has_value();
  CS_FAULT("ws.claimed");
  if (!claimed) closing_ = Closing::forbidden;  // since it was admitted
  const bool accepted = co_await accept(request);
  if (!accepted) co_return;
  if (closing_ != Closing::none) {
    begin_closing(closing_);
    co_return;
  }
  owner_->joined(shared_from_this(), claimed->epoch);
  if (claimed->took_over && owner_->hooks.took_over) owner_->hooks.took_over();
  co_await begin();
  begun_ = true;
  co_await push();
}

asio::awaitable<bool> Session::accept(const HandshakeRequest& request) {
  write_until_ = steady_clock::now() + owner_->options.write_timeout;
  arm();
  const auto [error] = co_await stream_.async_accept(request, kTuple);
  write_until_ = Time::max();
  if (error || ended_) {
    end("client");
    co_return false;
  }
  accepted_ = true;
  next_ping_ = steady_clock::now() + owner_->options.ping_interval;
  arm();
  if (owner_->hooks.opened) owner_->hooks.opened();
  read();
  co_return true;
}

asio::awaitable<void> Session::begin() {
  from_ = admission_.start.place;
  if (admission_.start.begin == Begin::place) co_return;
  const journal::Frontier frontier =
      co_await store::read(owner_->database, [](store::ReadTx& tx) { return journal::frontier(tx); });
  from_ = frontier.until;
  if (admission_.start.begin == Begin::now) co_return;
  auto body = [agent = admission_.agent_email](store::ReadTx& tx) { return listener::unread(tx, agent); };
  const std::vector<journal::Told> unread = co_await store::read(owner_->database, std::move(body));
  for (const journal::Told& event : unread) {
    const bool written = co_await write(event.envelope);
    if (!written) co_return;
    if (event.place >= from_) told_.insert(event.id);
    if (owner_->hooks.pushed) owner_->hooks.pushed(std::nullopt);
  }
}

asio::awaitable<void> Session::push() {
  bool more = true;
  while (more) more = co_await push_some();
}

// False: it was told of everything it may be told of, or cannot be.
asio::awaitable<bool> Session::push_some() {
  if (ended_ || closing_ != Closing::none || !(from_ < until_)) co_return false;
  const journal::Place until = until_;
  const journal::Choice choice =
      admission_.start.begin == Begin::unread ? journal::Choice::mail_in : journal::Choice::all;
  std::vector<journal::Told> events;
  try {
    auto body = [user = admission_.user, agent = admission_.agent_email, choice, from = from_,
                 until](store::ReadTx& tx) {
      return journal::events_of_agent(tx, user, agent, choice, from, until, kReadTogether);
    };
    events = co_await store::read(owner_->database, std::move(body));
  } catch (const std::exception& error) {
    log::failure("ws.read_failed", error);
    behind_ = true;
    owner_->fell_behind(shared_from_this());
    co_return false;
  }
  for (const journal::Told& event : events) {
    if (wants(event)) {
      CS_FAULT("ws.push");
      const bool written = co_await write(event.envelope);
      if (!written) co_return false;
      std::optional<std::chrono::microseconds> age;
      if (event.created_at >= connected_at_) {
        age = std::chrono::duration_cast<std::chrono::microseconds>(owner_->clock.now() - event.created_at);
      }
      if (owner_->hooks.pushed) owner_->hooks.pushed(age);
    }
    told_.erase(event.id);
    from_ = event.place.next();
  }
  if (static_cast<std::int64_t>(events.size()) < kReadTogether) from_ = until;
  co_return true;
}

bool Session::wants(const journal::Told& event) const {
  if (told_.contains(event.id)) return false;
  if (event.type == "email.received") return true;
  if (admission_.start.begin != Begin::unread) {
    const bool of_a_hold = event.type == "email.review_requested" || event.type == "email.review_rejected" ||
                           event.type == "email.blocked";
    return !of_a_hold || admission_.hears_of_holds || !is_inbound(event);
  }
  return is_inbound(
      event);  // the release of a message that was held (contract §14): the only announcement it gets
}

// False: the connection has ended or will.
asio::awaitable<bool> Session::write(const std::string& text) {
  if (ended_ || closing_ != Closing::none) co_return false;
  write_until_ = steady_clock::now() + owner_->options.write_timeout;
  arm();
  const auto bytes = asio::buffer(text);
  const auto [error, size] = co_await stream_.async_write(bytes, kTuple);
  write_until_ = Time::max();
  arm();
  co_return !error;
}

void Session::rouse(const journal::Place& until) {
  asio::post(stream_.get_executor(), [self = shared_from_this(), until] {
    if (self->until_ < until) self->until_ = until;
    self->behind_ = false;
    self->push_if_due();
  });
}

void Session::push_if_due() {
  if (!begun_ || pushing_ || behind_ || ended_ || closing_ != Closing::none || !(from_ < until_)) return;
  pushing_ = true;
  spawn(push());
}

// Reads what the client says, for its control frames.
void Session::read() {
  stream_.async_read_some(
      asio::buffer(chunk_), [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
        if (!error) {
          // A full buffer is a part of a frame that goes on.
          if (size < self->chunk_.size() || self->stream_.is_message_done()) self->count_frame();
          return self->read();
        }
        const bool by_client = error == websocket::error::closed || error == asio::error::eof ||
                               error.category() == asio::error::get_system_category();
        self->end(by_client ? "client" : "protocol");
      });
}

void Session::count_frame() {
  const Time now = steady_clock::now();
  if (now - frames_since_ >= kFrameWindow) {
    frames_since_ = now;
    frames_ = 0;
  }
  if (++frames_ > owner_->options.frames_per_minute_max) close(Closing::too_many_frames);
}

void Session::close(Closing why) {
  asio::post(stream_.get_executor(), [self = shared_from_this(), why] { self->begin_closing(why); });
}

void Session::begin_closing(Closing why) {
  if (ended_) return;
  if (closing_ != Closing::none && close_until_ != Time::max()) return;
  closing_ = why;
  if (!accepted_) return;  // once it is
  close_until_ = steady_clock::now() + kClosePatience;
  arm();
  const ClosingFacts how = facts(why);
  const websocket::close_reason reason(static_cast<websocket::close_code>(how.code),
                                       boost::beast::string_view(how.reason.data(), how.reason.size()));
  stream_.async_close(reason,
                      [self = shared_from_this()](boost::system::error_code) { self->end("client"); });
}

// `why`: unless it is us who closed.
void Session::end(std::string_view why) {
  if (ended_) return;
  ended_ = true;
  boost::system::error_code ignored;
  stream_.next_layer().close(ignored);
  deadline_ns_ = std::numeric_limits<std::int64_t>::max();
  if (accepted_ && owner_->hooks.closed) {
    owner_->hooks.closed(closing_ == Closing::none ? why : facts(closing_).reason);
  }
  seat_.reset();
  owner_->left(shared_from_this());
  if (!claimed_ || closing_ == Closing::replaced) return;
  owner_->database.write_async(
      [id = id_](store::Tx& tx) {
        listener::release(tx, id);
        return std::monostate{};
      },
      [](const store::Outcome<std::monostate>& outcome) noexcept {
        if (!outcome) log::debug("ws.not_released");
      });
}

bool Session::is_due(Time now) const noexcept { return ns_of(now) > deadline_ns_; }

void Session::look_at_clock() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->act_on_deadlines(); });
}

void Session::act_on_deadlines() {
  const Time now = steady_clock::now();
  if (ended_) return;
  if (now >= close_until_) return end("client");
  if (now >= write_until_) {
    // A frame is half written: no close frame can follow it. The client comes back and goes on where it was.
    if (closing_ == Closing::none) closing_ = Closing::too_slow;
    return end("client");
  }
  if (now >= pong_until_ && closing_ == Closing::none) {
    pong_until_ = Time::max();
    next_ping_ = Time::max();
    begin_closing(Closing::ping_timeout);
  } else if (now >= next_ping_ && closing_ == Closing::none) {
    next_ping_ = Time::max();
    pong_until_ = now + owner_->options.pong_timeout;
    stream_.async_ping({}, [self = shared_from_this()](boost::system::error_code) {});
  }
  arm();
}

void Session::arm() {
  if (ended_) return;
  deadline_ns_ = ns_of(std::min({next_ping_, pong_until_, write_until_, close_until_}));
}

}  // namespace countersign::agent::ws
