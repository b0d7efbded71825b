#include "provider/notifier.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "mail/address.hpp"
#include "net/bell.hpp"
#include "notify/queue.hpp"
#include "store/awaitable.hpp"

namespace countersign::provider {
namespace {

namespace asio = boost::asio;
using notify::Outcome;
using notify::ReviewMail;

constexpr std::int64_t kTogether = 500;  // rows per transaction of upkeep
constexpr std::chrono::milliseconds kRecordPauseFirst{100};
constexpr std::chrono::milliseconds kRecordPauseMax{5'000};

Outcome outcome_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return Outcome::accepted;
    case Verdict::refused:
      return Outcome::refused;
    case Verdict::deferred:
      return Outcome::deferred;
    case Verdict::unknown:
      return Outcome::unknown;
    case Verdict::session_fault:
    case Verdict::lost_lease:
      return Outcome::not_taken;
  }
  CS_ASSERT(false);
}

}  // namespace

class Notifier::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, store::Database& database, const Clock& clock, Transport& transport,
       notify::Links links, NotifierOptions options, NotifierHooks hooks, net::Timers& timers)
      : strand_(asio::make_strand(std::move(executor))),
        database_(database),
        clock_(clock),
        transport_(transport),
        links_(links),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        timers_(timers),
        bell_(timers, strand_),
        heartbeat_(timers.make(strand_)) {}

  asio::awaitable<void> run() {
    co_await asio::co_spawn(strand_, work(shared_from_this()), asio::use_awaitable);
  }

  void wake() {
    if (woken_.exchange(true)) return;
    asio::post(strand_, [self = shared_from_this()] {
      self->woken_ = false;
      self->bell_.ring();
    });
  }

  void stop() {
    stopping_ = true;
    asio::post(strand_, [self = shared_from_this()] {
      self->bell_.ring();
      self->heartbeat_->cancel();
    });
  }

 private:
  // Everything below runs on the strand.

  static asio::awaitable<void> work(std::shared_ptr<Impl> self) {
    self->keeping_ = true;
    asio::co_spawn(self->strand_, keep_leases(self), asio::detached);
    co_await self->rescue(self->options_.sole_process ? UtcTime::max() : self->clock_.now());
    while (!self->stopping_) {
      self->bell_.answer();
      const bool more = self->options_.enabled ? co_await self->claim_some() : co_await self->mute_some();
      if (!more && !self->stopping_) co_await self->bell_.rest(self->options_.poll_interval);
    }
    self->heartbeat_->cancel();
    while (!self->in_flight_.empty() || self->keeping_) {
      self->bell_.answer();
      co_await self->bell_.rest(self->options_.poll_interval);
    }
  }

  // True: there may be more.
  asio::awaitable<bool> mute_some() {
    try {
      auto body = [](store::Tx& tx) { return notify::mute_waiting(tx, kTogether); };
      const std::int64_t muted = co_await store::write(database_, std::move(body));
      co_return muted == kTogether;
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("notifier.mute_failed", error);
    }
    co_return false;
  }

  asio::awaitable<bool> claim_some() {
    const std::int64_t room = options_.in_flight_max - static_cast<std::int64_t>(in_flight_.size());
    if (room <= 0 || timers_.now() < quiet_until_) co_return false;
    std::vector<ReviewMail> mails;
    try {
      auto look = [now = clock_.now()](store::ReadTx& tx) { return notify::anything_due(tx, now); };
      const bool due = co_await store::read(database_, std::move(look));
      if (!due) co_return false;
      const UtcTime now = clock_.now();
      const notify::ClaimCommand command{
          options_.worker,   now,           now + options_.lease, room, options_.gather,
          options_.reaction, random_hex(64)};
      auto take = [command](store::Tx& tx) { return notify::claim(tx, command); };
      mails = co_await store::write(database_, std::move(take));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("notifier.claim_failed", error);
      co_return false;
    }
    for (ReviewMail& mail : mails) {
      const auto key = std::pair(mail.id, mail.epoch);
      in_flight_.emplace(key, mail);
      asio::co_spawn(strand_, carry(shared_from_this(), std::move(mail)), asio::detached);
    }
    co_return !mails.empty();
  }

  static asio::awaitable<void> carry(std::shared_ptr<Impl> self, ReviewMail mail) {
    try {
      co_await self->hand_over(mail);
    } catch (const std::exception& error) {
      // The lease runs out, and the mail is tried again.
      log::error("notifier.abandoned", {{"mail", mail.id.str()}, {"error", error.what()}});
    }
    self->in_flight_.erase({mail.id, mail.epoch});
    self->bell_.ring();
  }

  asio::awaitable<void> hand_over(const ReviewMail& mail) {
    CS_FAULT("notifier.claimed");
    HandOver message;
    message.submission = mail.id.str();
    message.message_id = mail.id.str();
    message.key = mail.id.str();
    message.may_be_repeated = mail.epoch > 1;
    message.envelope_from = options_.sender.from.address;
    message.recipients = mail.recipients;
    auto raw = std::make_shared<const std::string>(notify::compose(mail, options_.sender, links_));
    if (options_.signer != nullptr) {
      const std::string fields = co_await options_.signer->sign(raw);
      if (!fields.empty()) raw = std::make_shared<const std::string>(fields + *raw);
    }
    message.raw = std::move(raw);
    message.needs_smtputf8 = std::ranges::any_of(message.recipients, mail::needs_smtputf8) ||
                             mail::needs_smtputf8(message.envelope_from);
    const auto passed = std::make_shared<bool>(false);
    Reply reply = co_await ask_transport(mail, std::move(message), passed);
    CS_FAULT("notifier.handed_over");
    co_await record(mail, reply);
  }

  asio::awaitable<Reply> ask_transport(const ReviewMail& mail, HandOver message,
                                       std::shared_ptr<bool> passed) {
    Fence fence = [self = shared_from_this(), mail, passed]() { return self->pass_fence(mail, passed); };
    Reply reply;
    try {
      reply = co_await transport_.hand_over(std::move(message), std::move(fence));
    } catch (const std::exception& error) {
      reply.verdict = *passed ? Verdict::unknown : Verdict::session_fault;
      reply.text = error.what();
    }
    co_return reply;
  }

  // Responsibility is about to go over: it has to be ours to give. This is no fence as an approved message
  // has it, since a repeat is allowed; it keeps a worker that slept from sending what another one sends.
  asio::awaitable<bool> pass_fence(ReviewMail mail, std::shared_ptr<bool> passed) {
    auto body = [this, &mail, now = clock_.now()](store::Tx& tx) {
      return notify::begin_attempt(tx, mail, options_.worker, transport_.name(), now, now + options_.lease);
    };
    *passed = co_await store::write(database_, std::move(body));
    CS_FAULT("notifier.sending");
    co_return *passed;
  }

  asio::awaitable<void> record(const ReviewMail& mail, const Reply& reply) {
    notify::HandedOver result;
    result.outcome = outcome_of(reply.verdict);
    result.provider = transport_.name();
    result.code = reply.code;
    result.detail = detail_of(reply);
    result.retry_first = options_.retry_first;
    if (reply.verdict == Verdict::session_fault) {
      result.retry_at = clock_.now() + pause_all();
    } else {
      outage_pause_ = {};
      result.retry_at = clock_.now() + options_.outage_pause_first;
    }
    auto body = [&mail, &result, now = clock_.now()](store::Tx& tx) {
      return notify::record(tx, mail, result, now);
    };
    const std::string state = co_await until_written(mail, body);
    CS_FAULT("notifier.recorded");
    if (hooks_.ended) hooks_.ended(name_of(result.outcome));
    const bool lost = state == "failed";
    if (lost && hooks_.given_up) hooks_.given_up();
    log::write(lost ? log::Level::error : log::Level::info, lost ? "notifier.given_up" : "notifier.outcome",
               {{"mail", mail.id.str()},
                {"holds", static_cast<std::int64_t>(mail.holds.size())},
                {"first_message_id", mail.holds.front().message.id.str()},
                {"provider", transport_.name()},
                {"verdict", to_string(reply.verdict)},
                {"code", reply.code},
                {"text", reply.text}});
  }

  // Accepted by some: those it was refused for are named.
  static std::string detail_of(const Reply& reply) {
    std::string detail = reply.text;
    for (const RecipientReply& one : reply.recipients) {
      detail += fmt::format("; {} {}: {}", one.address, to_string(one.verdict), one.text);
    }
    return detail;
  }

  // The provider is away: nothing is begun for a while, longer each time.
  std::chrono::milliseconds pause_all() {
    outage_pause_ = outage_pause_.count() == 0
                        ? options_.outage_pause_first
                        : std::min<std::chrono::milliseconds>(outage_pause_ * 2, kNotifierPauseMax);
    quiet_until_ = timers_.now() + outage_pause_;
    return outage_pause_;
  }

  // What is known is kept trying to be written: only the end of the process stops it.
  template <class Body>
  asio::awaitable<std::string> until_written(const ReviewMail& mail, Body& body) {
    const std::unique_ptr<net::Timer> timer = timers_.make(strand_);
    for (auto pause = kRecordPauseFirst;; pause = std::min(pause * 2, kRecordPauseMax)) {
      try {
        co_return co_await store::write(database_, body);
      } catch (const EnvironmentError& error) {
        log::error("notifier.record_failed", {{"mail", mail.id.str()}, {"error", error.what()}});
        if (!error.retryable()) throw;
      }
      timer->expires_after(pause);
      co_await timer->wait();
    }
  }

  static asio::awaitable<void> keep_leases(std::shared_ptr<Impl> self) {
    while (!self->stopping_ || !self->in_flight_.empty()) {
      self->heartbeat_->expires_after(std::chrono::milliseconds(self->options_.lease) / 3);
      co_await self->heartbeat_->wait();
      if (self->stopping_ && self->in_flight_.empty()) break;
      co_await self->renew();
      co_await self->rescue(self->clock_.now());
      co_await self->forget();
    }
    self->keeping_ = false;
    self->bell_.ring();
  }

  asio::awaitable<void> renew() {
    std::vector<ReviewMail> mails;
    for (const auto& [key, mail] : in_flight_) mails.push_back(mail);
    if (mails.empty()) co_return;
    auto body = [this, &mails, until = clock_.now() + options_.lease](store::Tx& tx) {
      std::int64_t renewed = 0;
      for (const ReviewMail& mail : mails) renewed += notify::renew(tx, mail, options_.worker, until) ? 1 : 0;
      return renewed;
    };
    try {
      co_await store::write(database_, std::move(body));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("notifier.renew_failed", error);
    }
  }

  asio::awaitable<void> rescue(UtcTime leases_before) {
    const notify::RescueCommand command{leases_before, clock_.now(), kTogether, options_.retry_first};
    auto body = [command](store::Tx& tx) { return notify::rescue(tx, command); };
    try {
      const std::int64_t rescued = co_await store::write(database_, std::move(body));
      if (rescued == 0) co_return;
      log::warn("notifier.rescued", {{"mails", rescued}});
      bell_.ring();
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("notifier.rescue_failed", error);
    }
  }

  asio::awaitable<void> forget() {
    auto body = [now = clock_.now()](store::Tx& tx) { return notify::forget(tx, now, kTogether); };
    try {
      co_await store::write(database_, std::move(body));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("notifier.forget_failed", error);
    }
  }

  asio::strand<asio::any_io_executor> strand_;
  store::Database& database_;
  const Clock& clock_;
  Transport& transport_;
  notify::Links links_;
  NotifierOptions options_;
  NotifierHooks hooks_;
  net::Timers& timers_;
  net::Bell bell_;
  std::unique_ptr<net::Timer> heartbeat_;
  // By mail and epoch: a lease lost here may be claimed again here while its first holder still waits.
  std::map<std::pair<notify::ReviewMailId, std::int64_t>, ReviewMail> in_flight_;
  std::chrono::milliseconds outage_pause_{};
  std::chrono::steady_clock::time_point quiet_until_{};
  bool keeping_ = false;
  std::atomic<bool> woken_ = false;
  std::atomic<bool> stopping_ = false;
};

Notifier::Notifier(asio::any_io_executor executor, store::Database& database, const Clock& clock,
                   Transport& transport, notify::Links links, NotifierOptions options, NotifierHooks hooks,
                   net::Timers& timers)
    : impl_(std::make_shared<Impl>(std::move(executor), database, clock, transport, std::move(links),
                                   std::move(options), std::move(hooks), timers)) {}

Notifier::~Notifier() = default;

asio::awaitable<void> Notifier::run() { return impl_->run(); }
void Notifier::wake() { impl_->wake(); }
void Notifier::stop() { impl_->stop(); }

}  // namespace countersign::provider
