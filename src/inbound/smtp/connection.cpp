#include "inbound/smtp/connection.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "inbound/smtp/proxy_header.hpp"
#include "inbound/smtp/reply.hpp"

namespace countersign::inbound::smtp {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kScratchBytes = 64 * 1024;
constexpr std::size_t kPumpBytesMax = 1024 * 1024;  // then other connections of the thread get their turn
constexpr std::size_t kOutBytesMax = 16 * 1024;     // replies that may gather before they are written
constexpr std::uint64_t kLingerBytesMax = 64ULL * 1024 * 1024;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t ns_of(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// One per thread: what is received is consumed, or set aside, before anybody waits.
std::span<char> scratch() {
  thread_local const std::unique_ptr<std::array<char, kScratchBytes>> buffer =
      std::make_unique<std::array<char, kScratchBytes>>();
  return *buffer;
}

}  // namespace

ReceiverShared::ReceiverShared(ReceiverOptions given_options, ReceiverHooks given_hooks, Intake& given_intake,
                               net::Timers& given_timers)
    : options(std::move(given_options)),
      hooks(std::move(given_hooks)),
      intake(given_intake),
      timers(given_timers),
      budget(options.content_bytes_in_flight_max),
      seats(options.connections_per_address_max),
      context{options, hooks, budget, draining} {
  if (!options.tls_certificate_file.empty()) {
    identity = std::make_unique<TlsIdentity>(options.tls_certificate_file, options.tls_key_file);
  }
}

Connection::Connection(Socket socket, Peer peer, const ListenerOptions& listener,
                       std::shared_ptr<ReceiverShared> shared)
    : stream_(std::move(socket)),
      shared_(std::move(shared)),
      peer_(std::move(peer)),
      session_(shared_->context, listener.dialect, peer_.address,
               shared_->identity != nullptr && !listener.implicit_tls),
      deadline_ns_(kNever),
      implicit_tls_(listener.implicit_tls) {}

asio::awaitable<void> Connection::run() {
  bool ready = true;
  if (peer_.is_proxy) ready = co_await meet_client();
  if (ready && implicit_tls_) ready = co_await handshake();
  if (ready) {
    session_.greet(out_);
    co_await serve();
  }
  session_.lost();
  close();
  peer_.seat.give_back();
}

// Behind a proxy: whom the connection belongs to, and whether they may have one more. As with a handshake
// that fails, a fault is no dialogue yet: the connection ends without a word.
asio::awaitable<bool> Connection::meet_client() {
  const bool known = co_await read_proxy_header();
  if (!known) co_return false;
  auto seat = shared_->seats.take(peer_.address);
  if (seat) {
    peer_.seat = *std::move(seat);
    session_.client_is(peer_.address);
    co_return true;
  }
  if (shared_->hooks.refused) shared_->hooks.refused("too_many_from_address");
  if (!implicit_tls_) {
    out_.append(reply::kTooManyFromYou);
    const bool written = co_await flush();
    if (written) co_await linger();
  }
  co_return false;
}

asio::awaitable<bool> Connection::read_proxy_header() {
  ProxyHeader header;
  ProxyHeader::State state = ProxyHeader::State::unfinished;
  Io io = Io::done;
  arm(shared_->timers.now() + shared_->options.timeouts.proxy_header);
  while (state == ProxyHeader::State::unfinished && !expired_ && !told_to_stop_) {
    const std::span<char> buffer = scratch().first(std::min(header.wanted(), kScratchBytes));
    const IoResult result = stream_.read(buffer);
    io = result.io;
    if (io == Io::done) state = header.read({buffer.data(), result.bytes});
    if (io == Io::end || io == Io::failed) break;
    if (io != Io::wants_read) continue;
    waiting_ = true;
    co_await stream_.ready(io);
    waiting_ = false;
  }
  disarm();
  if (state == ProxyHeader::State::finished) {
    peer_.address = header.client().value_or(peer_.address);
    co_return true;
  }
  // A proxy that looks whether anybody listens says nothing at all, and may end that with a reset.
  const bool probe = (io == Io::end || io == Io::failed) && header.untouched();
  if (!probe && !told_to_stop_) {
    if (shared_->hooks.refused) shared_->hooks.refused("bad_proxy_header");
    log::warn("smtp.bad_proxy_header", {{"proxy", peer_.address.to_string()}});
  }
  co_return false;
}

asio::awaitable<void> Connection::serve() {
  bool goes_on = true;
  while (goes_on) {
    const Pumped pumped = out_.size() > kOutBytesMax ? Pumped::wants_read : pump();
    if (pumped == Pumped::step) {
      goes_on = co_await perform(next_);
      continue;
    }
    if (pumped == Pumped::yield) {
      co_await asio::post(strand(), asio::use_awaitable);
      continue;
    }
    goes_on = co_await flush();
    if (!goes_on || pumped == Pumped::end) break;
    if (unread_.empty()) {
      const Io io = pumped == Pumped::wants_write ? Io::wants_write : Io::wants_read;
      goes_on = co_await wait_for_client(io);
    }
  }
}

// Receives and feeds the session until it wants something, or there is nothing to receive. Not a coroutine,
// so that the buffer may belong to the thread.
Connection::Pumped Connection::pump() {
  std::size_t total = 0;
  if (!unread_.empty()) {
    const std::string input = std::exchange(unread_, {});
    next_ = feed(input);
    if (next_ != Session::Next::read) return Pumped::step;
  }
  while (total < kPumpBytesMax && out_.size() <= kOutBytesMax) {
    const std::span<char> buffer = scratch();
    const IoResult result = stream_.read(buffer);
    if (result.io == Io::wants_read) return Pumped::wants_read;
    if (result.io == Io::wants_write) return Pumped::wants_write;
    if (result.io != Io::done) return Pumped::end;
    total += result.bytes;
    next_ = feed({buffer.data(), result.bytes});
    if (next_ != Session::Next::read) return Pumped::step;
  }
  return out_.empty() ? Pumped::yield : Pumped::wants_read;
}

Session::Next Connection::feed(std::string_view input) {
  const Session::Next next = session_.advance(input, out_);
  unread_.assign(input);
  return next;
}

asio::awaitable<bool> Connection::perform(Session::Next next) {
  switch (next) {
    case Session::Next::read:
      break;
    case Session::Next::ask_recipient: {
      std::string address = session_.recipient_in_question();
      const RecipientAnswer answer = co_await ask(std::move(address));
      const Session::Next then = session_.recipient_answer(answer, out_);
      if (then == Session::Next::close) co_return co_await perform(then);
      break;
    }
    case Session::Next::accept: {
      ReceivedMessage message = session_.message();
      const std::vector<AcceptAnswer> answers = co_await hand_over(std::move(message));
      const Session::Next then = session_.message_answer(answers, out_);
      if (then == Session::Next::close) co_return co_await perform(then);
      break;
    }
    case Session::Next::start_tls: {
      const bool written = co_await flush();
      if (!written) co_return false;
      co_return co_await handshake();
    }
    case Session::Next::close: {
      const bool written = co_await flush();
      if (written && !session_.ended_by_client()) co_await linger();
      if (written && session_.ended_by_client()) stream_.end_writing();
      co_return false;
    }
  }
  co_return true;
}

// A fault of the surroundings is 451 here: this is the SMTP session's own catch.
asio::awaitable<RecipientAnswer> Connection::ask(std::string address) {
  try {
    co_return co_await shared_->intake.recipient(std::move(address));
  } catch (const EnvironmentError& error) {
    log::warn("smtp.recipient_unavailable", {{"error", error.what()}});
  }
  co_return RecipientAnswer::unavailable;
}

asio::awaitable<std::vector<AcceptAnswer>> Connection::hand_over(ReceivedMessage message) {
  const std::size_t recipients = message.envelope.recipients.size();
  try {
    co_return co_await shared_->intake.accept(std::move(message.envelope), std::move(message.content));
  } catch (const EnvironmentError& error) {
    log::warn("smtp.accept_unavailable", {{"error", error.what()}});
  }
  co_return std::vector<AcceptAnswer>(recipients, AcceptAnswer::unavailable);
}

asio::awaitable<bool> Connection::handshake() {
  const auto context = shared_->identity->context(shared_->timers.now());
  stream_.begin_tls(context);
  arm(shared_->timers.now() + shared_->options.timeouts.handshake);
  Io io = stream_.shake_hands();
  while ((io == Io::wants_read || io == Io::wants_write) && !expired_ && !told_to_stop_) {
    waiting_ = true;
    co_await stream_.ready(io);
    waiting_ = false;
    io = stream_.shake_hands();
  }
  disarm();
  const bool succeeded = io == Io::done;
  const std::string description = succeeded ? stream_.tls_description() : "failed";
  if (shared_->hooks.tls) shared_->hooks.tls(description.substr(0, description.find(' ')));
  if (succeeded) session_.tls_started(description);
  co_return succeeded;
}

// Writes all replies; reading goes on only afterwards, so that a client that does not read cannot make them
// pile up.
asio::awaitable<bool> Connection::flush() {
  std::string_view rest = out_;
  bool alive = true;
  while (!rest.empty() && alive) {
    const IoResult result = stream_.write(rest);
    rest.remove_prefix(result.bytes);
    if (result.io == Io::done) continue;
    if (result.io != Io::wants_read && result.io != Io::wants_write) {
      alive = false;
      continue;
    }
    arm(shared_->timers.now() + shared_->options.timeouts.write);
    co_await stream_.ready(result.io);
    alive = !expired_;
    disarm();
  }
  std::string().swap(out_);
  co_return alive;
}

// False: the connection has to end, and the last words are said.
asio::awaitable<bool> Connection::wait_for_client(Io io) {
  const bool stopping = shared_->draining && !session_.in_transaction();
  if (!stopping) {
    arm(reading_deadline());
    waiting_ = true;
    co_await stream_.ready(io);
    waiting_ = false;
    disarm();
  }
  if (stopping || told_to_stop_) {
    session_.say_stopping(out_);
  } else if (expired_) {
    session_.time_out(out_);
  } else {
    co_return true;
  }
  co_return co_await perform(Session::Next::close);
}

// A command has its time as a whole, and content has to keep a pace: a byte now and then holds nothing open.
std::chrono::steady_clock::time_point Connection::reading_deadline() {
  const Timeouts& timeouts = shared_->options.timeouts;
  const auto now = shared_->timers.now();
  if (!session_.in_content()) {
    const bool another = std::exchange(command_, session_.commands_begun()) != session_.commands_begun();
    if (another || !session_.in_command()) command_begun_ = now;
    return command_begun_ + timeouts.command;
  }
  if (std::exchange(content_, session_.contents_begun()) != session_.contents_begun()) content_begun_ = now;
  const std::chrono::seconds earned(session_.content_bytes() / timeouts.content_bytes_per_second_min);
  return std::min<std::chrono::steady_clock::time_point>(now + timeouts.content_pause,
                                                         content_begun_ + timeouts.content_grace + earned);
}

// A socket that is closed while bytes wait in it sends a reset, which may overtake the last reply.
asio::awaitable<void> Connection::linger() {
  stream_.end_writing();
  expired_ = false;
  arm(shared_->timers.now() + shared_->options.timeouts.linger);
  std::uint64_t swallowed = 0;
  bool more = true;
  while (more && !expired_ && swallowed < kLingerBytesMax) {
    const IoResult result = stream_.read(scratch());
    swallowed += result.bytes;
    more = result.io == Io::done || result.io == Io::wants_read;
    if (result.io == Io::wants_read) co_await stream_.ready(result.io);
  }
  disarm();
}

void Connection::arm(std::chrono::steady_clock::time_point deadline) {
  expired_ = false;
  deadline_ns_ = ns_of(deadline);
}

void Connection::disarm() { deadline_ns_ = kNever; }

bool Connection::is_due(std::chrono::steady_clock::time_point now) const noexcept {
  return ns_of(now) > deadline_ns_;
}

void Connection::expire_if_due() {
  if (!is_due(shared_->timers.now())) return;
  disarm();
  expired_ = true;
  stream_.cancel();
}

void Connection::drain() {
  if (!waiting_ || session_.in_transaction()) return;
  told_to_stop_ = true;
  stream_.cancel();
}

void Connection::close() { stream_.close(); }

}  // namespace countersign::inbound::smtp
