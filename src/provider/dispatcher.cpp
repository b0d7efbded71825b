#include "provider/dispatcher.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "outbox/feedback.hpp"
#include "outbox/outbox.hpp"
#include "outbox/relay.hpp"
#include "outbox/resolve.hpp"
#include "outbox/retry.hpp"
#include "provider/batcher.hpp"
#include "provider/translation.hpp"
#include "store/awaitable.hpp"

namespace countersign::provider {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRecordPauseFirst{100};
constexpr std::chrono::milliseconds kRecordPauseMax{5'000};
// Rows per transaction of what is done beside hand-overs.
constexpr std::int64_t kUpkeepMax = 500;
// Hand-overs whose fences or answers share a commit.
constexpr std::size_t kTogetherMax = 64;
// How long a fence or an answer waits at most for others to come along, when many came along a moment ago.
constexpr std::chrono::milliseconds kCompanyMax{5};
// Messages whose bytes are read at a time.
constexpr std::size_t kLoadedTogetherMax = 32;
// While more is due than fits, a claim waits this long for a part of the room to be worth it.
constexpr std::chrono::milliseconds kRoomPatience{20};
constexpr std::int64_t kRoomParts = 4;
// Attempts that are held at most, those whose answers are being recorded included, in parts of
// `in_flight_max`.
constexpr std::int64_t kHeldMax = 2;

}  // namespace

class Dispatcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, store::Database& database, const Clock& clock, Transport& transport,
       DispatcherOptions options, DispatcherHooks hooks, net::Timers& timers)
      : strand_(asio::make_strand(std::move(executor))),
        database_(database),
        clock_(clock),
        transport_(transport),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        timers_(timers),
        bell_(timers.make(strand_)),
        heartbeat_(timers.make(strand_)),
        loads_(strand_, kLoadedTogetherMax, [this](auto claims) { return load(std::move(claims)); }),
        fences_(
            strand_, kTogetherMax, [this](auto claims) { return write_fences(std::move(claims)); },
            Patience{timers, kCompanyMax}),
        records_(
            strand_, kTogetherMax, [this](auto heard) { return write_records(std::move(heard)); },
            Patience{timers, kCompanyMax}) {}

  asio::awaitable<void> run() {
    try {
      co_await asio::co_spawn(strand_, work(shared_from_this()), asio::use_awaitable);
    } catch (const std::exception& error) {  // nothing is handed over any more, and nobody waits for this end
      log::error("dispatcher.ended", {{"error", error.what()}});
      throw;
    }
  }

  void wake() {
    asio::post(strand_, [self = shared_from_this()] { self->ring(); });
  }

  void stop() {
    stopping_ = true;  // at once: what a draining transport turns away is no outage
    asio::post(strand_, [self = shared_from_this()] {
      self->ring();
      self->heartbeat_->cancel();
    });
  }

 private:
  // Everything below runs on the strand.

  void ring() {
    rung_ = true;
    bell_->cancel();
  }

  static asio::awaitable<void> work(std::shared_ptr<Impl> self) {
    co_await self->replay_receipts();
    self->keeping_leases_ = true;
    asio::co_spawn(self->strand_, keep_leases(self), asio::detached);
    co_await self->rescue(self->options_.sole_process ? UtcTime::max() : self->clock_.now());
    while (!self->stopping_) {
      self->rung_ = false;
      const std::size_t claimed = co_await self->claim_some();
      if (claimed == 0 && !self->rung_ && !self->stopping_) co_await self->rest();
      if (self->more_due_ && !self->stopping_) co_await self->wait_for_room();
    }
    self->claiming_ = false;
    self->heartbeat_->cancel();
    while (!self->in_flight_.empty() || self->keeping_leases_) co_await self->rest();
  }

  // Waits for a bell, an end of a hand-over, or the poll interval.
  asio::awaitable<void> rest() {
    bell_->expires_after(options_.poll_interval);
    co_await bell_->wait();
  }

  // A claim costs the same for one attempt as for many: while a queue drains, it takes several at a time.
  // What ends slowly keeps nobody waiting for long.
  asio::awaitable<void> wait_for_room() {
    const auto patience = timers_.now() + kRoomPatience;
    while (room() < options_.in_flight_max / kRoomParts && timers_.now() < patience && !stopping_) {
      bell_->expires_after(kRoomPatience);
      co_await bell_->wait();
    }
  }

  [[nodiscard]] std::int64_t room() const {
    if (timers_.now() < quiet_until_) return 0;
    const auto held = static_cast<std::int64_t>(in_flight_.size());
    return std::min(options_.in_flight_max - (held - recording_), kHeldMax * options_.in_flight_max - held);
  }

  // The store being away is expected, and store tells of it once; anything else is a bug.
  static void report(std::string_view event, const std::exception& error) {
    const bool environment = dynamic_cast<const EnvironmentError*>(&error) != nullptr;
    log::write(environment ? log::Level::warn : log::Level::error, event, {{"error", error.what()}});
  }

  struct Taken {
    outbox::Permission permission = outbox::Permission::none;
    std::vector<outbox::Claim> claims;
  };

  // Nothing is due, and whether the provider is away.
  struct Idle {
    bool away = false;
  };

  // One transaction: may anything be handed over at all, and if so, what. An idle look writes nothing, so
  // that it costs no commit, for which the fence of what was found by the look before would wait.
  static Result<Taken, Idle> take(store::Tx& tx, outbox::ClaimCommand command) {
    Taken taken;
    if (!outbox::is_anything_due(tx, command.now)) {
      const auto relay = outbox::look_at_relay(tx, command.provider);
      return std::unexpected(Idle{relay && relay->open});
    }
    taken.permission = outbox::ask_relay(tx, command.provider, command.now, command.lease_until);
    if (taken.permission == outbox::Permission::none) return taken;
    const bool probe = taken.permission == outbox::Permission::probe;
    if (probe) command.limit = 1;
    taken.claims = outbox::claim(tx, command);
    if (probe && taken.claims.empty()) outbox::return_probe(tx, command.provider, command.now);
    return taken;
  }

  asio::awaitable<std::size_t> claim_some() {
    const std::int64_t limit = room();
    if (limit <= 0) {
      more_due_ = true;  // for all that is known
      co_return 0;
    }
    const UtcTime now = clock_.now();
    outbox::ClaimCommand command{options_.worker,
                                 now,
                                 now + options_.lease,
                                 limit,
                                 last_user_,
                                 std::string(transport_.name()),
                                 transport_.repeat_window()};
    Result<Taken, Idle> looked;
    try {
      auto body = [command](store::Tx& tx) { return take(tx, command); };
      looked = co_await store::write(database_, std::move(body));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      report("dispatcher.claim_failed", error);
      co_return 0;
    }
    more_due_ = looked && !looked->claims.empty();
    if (!looked) {
      relay_seen_open_ = looked.error().away;
      co_return 0;
    }
    Taken& taken = *looked;
    relay_seen_open_ = taken.permission != outbox::Permission::many;
    for (outbox::Claim& claim : taken.claims) {
      last_user_ = claim.user;
      in_flight_.emplace(std::pair(claim.id, claim.epoch), claim);
      const bool probe = taken.permission == outbox::Permission::probe;
      asio::co_spawn(strand_, carry(shared_from_this(), std::move(claim), probe), asio::detached);
    }
    co_return taken.claims.size();
  }

  static asio::awaitable<void> carry(std::shared_ptr<Impl> self, outbox::Claim claim, bool probe) {
    try {
      co_await self->hand_over(claim, probe);
    } catch (const std::exception& error) {
      // The lease runs out and the rescuer takes the attempt up from where it durably was.
      log::error("dispatcher.attempt_abandoned", {{"submission", claim.id.str()}, {"error", error.what()}});
    }
    self->in_flight_.erase({claim.id, claim.epoch});
    // The last one of a drain ends the keeping of leases too.
    if (self->stopping_ && self->in_flight_.empty()) self->heartbeat_->cancel();
    if (self->more_due_ || self->stopping_) self->ring();
  }

  asio::awaitable<void> hand_over(const outbox::Claim& claim, bool probe) {
    CS_FAULT("dispatcher.claimed");
    std::optional<outbox::Work> work = co_await loads_.ask(claim);
    if (!work || work->recipients.empty()) {
      log::warn("dispatcher.nothing_to_hand_over", {{"submission", claim.id.str()}});
      co_return;
    }
    if (options_.return_path) work->envelope_from = options_.return_path(work->envelope_from, claim.message);
    HandOver message = hand_over_of(std::move(*work));
    if (options_.signer != nullptr) {
      const std::string fields = co_await options_.signer->sign(message.raw);
      if (!fields.empty()) message.raw = std::make_shared<const std::string>(fields + *message.raw);
    }
    const auto fence = std::make_shared<FenceState>();
    Reply reply = co_await ask_transport(claim, std::move(message), fence);
    CS_FAULT("dispatcher.handed_over");
    // Turned away is the repetition; what became of the hand-over it repeats stays open.
    const bool turned_away = reply.verdict == Verdict::refused || reply.verdict == Verdict::deferred;
    if (claim.repetition && turned_away) reply.verdict = Verdict::unknown;
    note(claim, reply);
    switch (reply.verdict) {
      case Verdict::lost_lease:
        co_return;
      case Verdict::session_fault:
        if (fence->store_failed) {
          pause_for_store(claim);
          co_await give_back(claim, reply, false, probe);
        } else {
          if (fence->passed) co_await keep_receipt(claim, reply);
          co_await give_back(claim, reply, !stopping_, probe);
        }
        break;
      case Verdict::unknown: {
        bool again = false;
        if (transport_.transport_class() == TransportClass::keyed) again = co_await repeat(claim, reply);
        if (!again) co_await record(claim, reply, std::nullopt);
        break;
      }
      case Verdict::accepted:
      case Verdict::refused:
      case Verdict::deferred:
        if (fence->passed) co_await keep_receipt(claim, reply);
        co_await record(claim, reply, probe ? UtcTime::max() : fence->passed_at);
        break;
    }
    if (options_.receipts != nullptr) options_.receipts->settled(claim);
  }

  struct FenceState {
    bool passed = false;
    std::optional<UtcTime> passed_at;
    bool store_failed = false;
  };

  // The transport's reply. What it throws is translated by the one thing that counts: was the fence passed?
  asio::awaitable<Reply> ask_transport(const outbox::Claim& claim, HandOver message,
                                       std::shared_ptr<FenceState> state) {
    Fence fence = [self = shared_from_this(), claim, state]() { return self->pass_fence(claim, state); };
    Reply reply;
    try {
      reply = co_await transport_.hand_over(std::move(message), std::move(fence));
    } catch (const std::exception& error) {
      reply.verdict = state->passed ? Verdict::unknown : Verdict::session_fault;
      reply.phase = state->passed ? Phase::final_dot : Phase::connect;
      reply.text = error.what();
    }
    co_return reply;
  }

  asio::awaitable<bool> pass_fence(outbox::Claim claim, std::shared_ptr<FenceState> state) {
    try {
      CS_FAULT("dispatcher.before_fence");
      const auto begun = timers_.now();
      state->passed = co_await fences_.ask(claim);
      // Who slept through the lease here may have been given up on, and the message sent again: then nothing
      // leaves, and the attempt is given back as one that was not taken.
      if (state->passed && timers_.now() - begun >= options_.lease) {
        state->passed = false;
        throw store::Unavailable("the fence was passed later than the lease lasts");
      }
    } catch (const EnvironmentError&) {
      state->store_failed = true;
      throw;
    }
    CS_FAULT("dispatcher.fenced");
    if (state->passed) state->passed_at = clock_.now();
    co_return state->passed;
  }

  // On this machine's disk before it is anywhere else.
  asio::awaitable<void> keep_receipt(const outbox::Claim& claim, const Reply& reply) {
    if (options_.receipts == nullptr) co_return;
    Receipt receipt{claim, options_.worker, reply.verdict == Verdict::session_fault, {}};
    if (receipt.not_taken) {
      receipt.answer.text = reply.text;
    } else {
      receipt.answer = answer_of(reply, transport_.name(), transport_.transport_class());
    }
    try {
      co_await options_.receipts->keep(std::move(receipt));
    } catch (const EnvironmentError& error) {  // the store is still there
      log::error("dispatcher.receipt_failed", {{"submission", claim.id.str()}, {"error", error.what()}});
    }
  }

  // The three things that are done for several hand-overs at a time.

  asio::awaitable<std::vector<std::optional<outbox::Work>>> load(std::vector<outbox::Claim> claims) {
    auto body = [this, claims = std::move(claims)](store::ReadTx& tx) {
      return outbox::load_work(tx, claims, options_.worker, options_.from_domain);
    };
    co_return co_await store::read(database_, std::move(body));
  }

  asio::awaitable<std::vector<bool>> write_fences(std::vector<outbox::Claim> claims) {
    const UtcTime now = clock_.now();
    const outbox::FenceCommand command{options_.worker, std::string(transport_.name()), now,
                                       now + options_.lease};
    auto body = [claims = std::move(claims), command](store::Tx& tx) {
      return outbox::fence(tx, claims, command);
    };
    co_return co_await store::write(database_, std::move(body));
  }

  // A definite answer, and when the provider was asked, where that may tell whether it is back.
  struct Heard {
    outbox::Answered answered;
    std::optional<UtcTime> asked_at;
  };

  asio::awaitable<std::vector<bool>> write_records(std::vector<Heard> heard) {
    std::vector<outbox::Answered> answers;
    std::optional<UtcTime> asked_at;  // the latest
    answers.reserve(heard.size());
    for (Heard& one : heard) {
      answers.push_back(std::move(one.answered));
      asked_at = std::max(asked_at, one.asked_at);
    }
    // Who gets an answer of a relay that was seen away closes its breaker.
    const bool closing = relay_seen_open_ && asked_at;
    auto body = [this, answers = std::move(answers), closing, asked_at, now = clock_.now()](store::Tx& tx) {
      std::vector<bool> recorded = outbox::record(tx, answers, now);
      const bool closed = closing && outbox::close_relay(tx, transport_.name(), *asked_at);
      return std::pair(std::move(recorded), closed);
    };
    auto [recorded, closed] = co_await store::write(database_, std::move(body));
    if (closed) {
      relay_seen_open_ = false;
      log::info("dispatcher.provider_available", {{"provider", transport_.name()}});
    }
    co_return std::move(recorded);
  }

  class Recording {
   public:
    explicit Recording(Impl& impl) : impl_(impl) {
      ++impl_.recording_;
      if (impl_.more_due_) impl_.ring();
    }
    ~Recording() { --impl_.recording_; }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

   private:
    Impl& impl_;
  };

  // An answer that is known is kept trying to be written: only the end of the process stops it. Meanwhile the
  // provider can have another message.
  asio::awaitable<void> record(const outbox::Claim& claim, const Reply& reply,
                               std::optional<UtcTime> asked_at) {
    const Recording counted(*this);
    const Heard heard{{claim, answer_of(reply, transport_.name(), transport_.transport_class())}, asked_at};
    auto write = [this, &heard] { return records_.ask(heard); };
    const bool recorded = co_await until_done(claim, "dispatcher.record_failed", write);
    CS_FAULT("dispatcher.recorded");
    if (!recorded) log::warn("dispatcher.answer_not_needed", {{"submission", claim.id.str()}});
  }

  // Back to the queue, due at once: a fault of the session says nothing about the message, and the relay as a
  // whole decides when the provider is asked again (delivery.md §4).
  asio::awaitable<void> give_back(const outbox::Claim& claim, const Reply& reply, bool trips, bool probe) {
    const outbox::RelayFault fault{std::string(to_string(reply.phase)), reply.code, reply.text, probe,
                                   options_.outage_pause_first};
    auto body = [this, &claim, &reply, &fault, trips, now = clock_.now()](store::Tx& tx) {
      outbox::release(tx, claim, options_.worker, now, now, reply.text);
      return trips && outbox::trip_relay(tx, transport_.name(), fault, now);
    };
    const bool opened = co_await until_written(claim, "dispatcher.release_failed", body);
    CS_FAULT("dispatcher.released");
    more_due_ = true;
    if (trips) relay_seen_open_ = true;
    if (!opened) co_return;
    log::error("dispatcher.provider_unavailable", {{"provider", transport_.name()},
                                                   {"phase", to_string(reply.phase)},
                                                   {"code", reply.code},
                                                   {"text", reply.text}});
  }

  // The provider knows the message by its key, so the identical hand-over may be made again.
  asio::awaitable<bool> repeat(const outbox::Claim& claim, const Reply& reply) {
    const UtcTime now = clock_.now();
    const outbox::RepeatCommand command{now + outbox::repeat_pause_after(claim.epoch), now,
                                        transport_.repeat_window(), reply.text};
    auto body = [this, &claim, &command](store::Tx& tx) {
      return outbox::repeat(tx, claim, options_.worker, command);
    };
    co_return co_await until_written(claim, "dispatcher.repeat_failed", body);
  }

  // What a process that died with the store away had been told. A receipt that cannot be applied stays where
  // it is, for the next start, and keeps nobody from being served.
  asio::awaitable<void> replay_receipts() {
    if (options_.receipts == nullptr) co_return;
    for (const Receipt& receipt : options_.receipts->left_behind()) {
      auto body = [&receipt, now = clock_.now()](store::Tx& tx) {
        if (!receipt.not_taken) return outbox::record(tx, receipt.claim, receipt.answer, now);
        return outbox::release(tx, receipt.claim, receipt.worker, now, now, receipt.answer.text);
      };
      try {
        const bool news = co_await until_written(receipt.claim, "dispatcher.replay_failed", body);
        if (news) log::warn("dispatcher.receipt_replayed", {{"submission", receipt.claim.id.str()}});
        options_.receipts->settled(receipt.claim);
      } catch (const std::exception& error) {
        log::error("dispatcher.receipt_not_applied",
                   {{"submission", receipt.claim.id.str()}, {"error", error.what()}});
      }
    }
  }

  template <class Body>
  asio::awaitable<std::invoke_result_t<Body&, store::Tx&>> until_written(const outbox::Claim& claim,
                                                                         std::string_view event, Body body) {
    auto write = [this, &body] { return store::write(database_, body); };
    co_return co_await until_done(claim, event, write);
  }

  // `write` gives the awaitable of one try.
  template <class Write>
  asio::awaitable<typename std::invoke_result_t<Write&>::value_type> until_done(const outbox::Claim& claim,
                                                                                std::string_view event,
                                                                                Write& write) {
    const std::unique_ptr<net::Timer> timer = timers_.make(strand_);
    for (auto pause = kRecordPauseFirst;; pause = std::min(pause * 2, kRecordPauseMax)) {
      try {
        co_return co_await write();
      } catch (const EnvironmentError& error) {
        log::error(event, {{"submission", claim.id.str()}, {"error", error.what()}});
        if (!error.retryable()) throw;
      }
      timer->expires_after(pause);
      co_await timer->wait();
    }
  }

  void note(const outbox::Claim& claim, const Reply& reply) {
    if (hooks_.ended) hooks_.ended(transport_.name(), to_string(reply.verdict));
    log::info("dispatcher.outcome", {{"submission", claim.id.str()},
                                     {"message_id", claim.message.str()},
                                     {"attempt", claim.attempt},
                                     {"provider", transport_.name()},
                                     {"verdict", to_string(reply.verdict)},
                                     {"phase", to_string(reply.phase)},
                                     {"code", reply.code}});
  }

  // The fence could not be written: no fault of the provider, and nothing to ask it about.
  void pause_for_store(const outbox::Claim& claim) {
    log::warn("dispatcher.fence_failed", {{"submission", claim.id.str()}});
    quiet_until_ = std::max(quiet_until_, timers_.now() + options_.outage_pause_first);
  }

  // A claim that was under way when the stop came brings more.
  [[nodiscard]] bool has_leases() const { return claiming_ || !stopping_ || !in_flight_.empty(); }

  // Prolongs the leases of what is under way and takes up what dead workers left.
  static asio::awaitable<void> keep_leases(std::shared_ptr<Impl> self) {
    while (self->has_leases()) {
      self->heartbeat_->expires_after(std::chrono::milliseconds(self->options_.lease) / 3);
      co_await self->heartbeat_->wait();
      if (!self->has_leases()) break;
      // With the store away leases run out here, too; nobody takes up what is still under way.
      if (!co_await self->renew()) continue;
      co_await self->rescue(self->clock_.now());
      co_await self->decide();
    }
    self->keeping_leases_ = false;
    self->ring();
  }

  asio::awaitable<bool> renew() {
    std::vector<outbox::Claim> claims;
    for (const auto& [key, claim] : in_flight_) claims.push_back(claim);
    if (claims.empty()) co_return true;
    auto body = [this, claims = std::move(claims), until = clock_.now() + options_.lease](store::Tx& tx) {
      return outbox::renew(tx, claims, options_.worker, until);
    };
    try {
      co_await store::write(database_, std::move(body));
      co_return true;
    } catch (const std::exception& error) {  // also a bug must not end the loop
      report("dispatcher.renew_failed", error);
      co_return false;
    }
  }

  asio::awaitable<void> rescue(UtcTime leases_before) {
    const bool repeatable = transport_.transport_class() == TransportClass::keyed;
    const outbox::RescueCommand command{leases_before, clock_.now(), kUpkeepMax,
                                        repeatable ? std::string(transport_.name()) : std::string(),
                                        transport_.repeat_window()};
    outbox::Rescued rescued;
    do {
      auto body = [command](store::Tx& tx) { return outbox::rescue(tx, command); };
      try {
        rescued = co_await store::write(database_, std::move(body));
      } catch (const std::exception& error) {  // also a bug must not end the loop
        report("dispatcher.rescue_failed", error);
        co_return;
      }
      if (rescued.requeued + rescued.unknown == 0) co_return;
      if (hooks_.rescued) hooks_.rescued(rescued.requeued, rescued.unknown);
      log::warn("dispatcher.rescued", {{"requeued", rescued.requeued}, {"unknown", rescued.unknown}});
      ring();
    } while (rescued.requeued + rescued.unknown == kUpkeepMax);
  }

  // What the agents' policy or the outage horizon decides without anybody asking.
  asio::awaitable<void> decide() {
    auto body = [this, now = clock_.now()](store::Tx& tx) {
      outbox::settle_waiting_feedback(tx, now, kUpkeepMax);  // before anything is sent again
      return std::pair(outbox::resend_by_policy(tx, now, kUpkeepMax),
                       outbox::end_overdue(tx, transport_.name(), now, kUpkeepMax));
    };
    try {
      const auto [resent, ended] = co_await store::write(database_, std::move(body));
      if (ended > 0) log::error("dispatcher.outage_horizon", {{"failed", ended}});
      if (resent == 0) co_return;
      if (hooks_.resent) hooks_.resent(resent);
      log::warn("dispatcher.resent_by_policy", {{"count", resent}});
      ring();
    } catch (const std::exception& error) {  // also a bug must not end the loop
      report("dispatcher.decide_failed", error);
    }
  }

  asio::strand<asio::any_io_executor> strand_;
  store::Database& database_;
  const Clock& clock_;
  Transport& transport_;
  DispatcherOptions options_;
  DispatcherHooks hooks_;
  net::Timers& timers_;
  std::unique_ptr<net::Timer> bell_;
  std::unique_ptr<net::Timer> heartbeat_;
  // By attempt and epoch: a lease lost here may be claimed again here while its first holder still waits.
  std::map<std::pair<SubmissionId, std::int64_t>, outbox::Claim> in_flight_;
  std::int64_t recording_ = 0;  // of those in flight, which are being recorded
  bool claiming_ = true;
  bool keeping_leases_ = false;
  UserId last_user_;
  bool more_due_ = false;  // the last claim found something, so that there may be more
  bool rung_ = false;
  std::atomic<bool> stopping_ = false;
  bool relay_seen_open_ = false;  // by the last look; whoever then gets an answer closes it
  steady_clock::time_point quiet_until_{};
  Batcher<outbox::Claim, std::optional<outbox::Work>> loads_;
  Batcher<outbox::Claim, bool> fences_;
  Batcher<Heard, bool> records_;
};

Dispatcher::Dispatcher(asio::any_io_executor executor, store::Database& database, const Clock& clock,
                       Transport& transport, DispatcherOptions options, DispatcherHooks hooks,
                       net::Timers& timers)
    : impl_(std::make_shared<Impl>(std::move(executor), database, clock, transport, std::move(options),
                                   std::move(hooks), timers)) {}

Dispatcher::~Dispatcher() = default;

asio::awaitable<void> Dispatcher::run() { return impl_->run(); }
void Dispatcher::wake() { impl_->wake(); }
void Dispatcher::stop() { impl_->stop(); }

}  // namespace countersign::provider
