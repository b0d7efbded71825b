#include "agent/webhook/courier.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/webhook/held_lane.hpp"
#include "agent/webhook/request.hpp"
#include "agent/webhook/url.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "net/bell.hpp"
#include "store/awaitable.hpp"
#include "webhook/fan_out.hpp"
#include "webhook/lane.hpp"

namespace countersign::agent::webhook {
namespace {

namespace asio = boost::asio;
namespace hooks = countersign::webhook;
using hooks::Job;
using hooks::WebhookId;

constexpr std::int64_t kFannedOutTogether = 200;  // events per transaction
constexpr std::int64_t kLanesTogether = 64;       // claimed at a time
constexpr std::size_t kRecordedTogether = 256;    // outcomes per transaction
// A lane reads on when it has fewer than so many times its width, and so many times its width at once, so
// that its endpoint does not wait for the store.
constexpr std::size_t kReadyMin = 2;
constexpr std::size_t kReadyMax = 8;
constexpr std::size_t kLoadedMin = 64;  // deliveries
// How long a lane uses what its name was resolved to. The connection goes to a checked address in any case.
constexpr std::chrono::seconds kAddressAge{1};
// How long a lane uses its URL, its secrets and that it is enabled, before it looks again.
constexpr std::chrono::seconds kWebhookAge{1};
constexpr std::chrono::seconds kIdleConnectionAge{10};
constexpr std::chrono::milliseconds kRecordPauseFirst{100};
constexpr std::chrono::milliseconds kRecordPauseMax{5'000};

}  // namespace

class Courier::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, store::Database& database, const Clock& clock, Targets& targets,
       Sealer secrets, CourierOptions options, CourierHooks hooks, net::Timers& timers)
      : strand_(asio::make_strand(std::move(executor))),
        database_(database),
        clock_(clock),
        targets_(targets),
        secrets_(secrets),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        timers_(timers),
        bell_(timers, strand_),
        fan_bell_(timers, strand_),
        heartbeat_(timers.make(strand_)),
        record_bell_(timers.make(strand_)),
        // Accounts may share a host, so that it has no limit of its own: lanes have.
        client_(std::make_unique<net::HttpClient>(
            net::HttpClientOptions{options_.in_flight_max, options_.in_flight_max, kIdleConnectionAge})) {
    CS_ASSERT(options_.in_flight_max > 0 && options_.lane_width_max > 0);
  }

  asio::awaitable<void> run() {
    co_await asio::co_spawn(strand_, work(shared_from_this()), asio::use_awaitable);
  }

  void wake() {
    if (woken_.exchange(true)) return;
    asio::post(strand_, [self = shared_from_this()] {
      self->woken_ = false;
      self->fan_bell_.ring();
      self->bell_.ring();
    });
  }

  // No thread runs the executor any more: what is under way ends before the executor does.
  void close() { client_.reset(); }

  void stop() {
    stopping_ = true;
    asio::post(strand_, [self = shared_from_this()] {
      self->bell_.ring();
      self->fan_bell_.ring();
      self->heartbeat_->cancel();
    });
  }

 private:
  // Everything below runs on the strand.

  // Something has changed in a lane: they are tended once for everything that rings until then.
  void ring() {
    if (rung_) return;
    rung_ = true;
    asio::post(strand_, [self = shared_from_this()] {
      self->rung_ = false;
      self->tend_all();
      if (self->stopping_) self->bell_.ring();
    });
  }

  static asio::awaitable<void> work(std::shared_ptr<Impl> self) {
    co_await self->take_over();
    self->helpers_ = 2;
    asio::co_spawn(self->strand_, fan_out(self), asio::detached);
    asio::co_spawn(self->strand_, keep_leases(self), asio::detached);
    while (!self->stopping_) {
      self->bell_.answer();
      const bool claimed = co_await self->claim_some();
      self->ring();
      if (!claimed && !self->stopping_) co_await self->bell_.rest(self->options_.poll_interval);
    }
    self->heartbeat_->cancel();
    self->fan_bell_.ring();
    self->ring();  // whatever is held and has nothing under way is given back
    while (!self->lanes_.empty() || self->helpers_ > 0 || self->recording_) {
      self->bell_.answer();
      co_await self->bell_.rest(self->options_.poll_interval);
    }
  }

  asio::awaitable<void> take_over() {
    if (!options_.sole_process) co_return;
    try {
      co_await store::write(database_, [](store::Tx& tx) {
        hooks::release_all_lanes(tx);
        return std::monostate{};
      });
    } catch (const std::exception& error) {
      log::failure("courier.take_over_failed", error);
    }
  }

  // --- fan-out ---------------------------------------------------------------------------------------------

  static asio::awaitable<void> fan_out(std::shared_ptr<Impl> self) {
    while (!self->stopping_) {
      self->fan_bell_.answer();
      const bool more = co_await self->fan_out_some();
      if (!more && !self->stopping_) co_await self->fan_bell_.rest(self->options_.poll_interval);
    }
    --self->helpers_;
    self->ring();
  }

  // True: there may be more.
  asio::awaitable<bool> fan_out_some() {
    hooks::FannedOut out;
    try {
      const bool waiting =
          co_await store::read(database_, [](store::ReadTx& tx) { return journal::events_waiting(tx); });
      if (!waiting) co_return false;
      out = co_await store::write(database_,
                                  [](store::Tx& tx) { return hooks::fan_out(tx, kFannedOutTogether); });
    } catch (const std::exception& error) {
      log::failure("courier.fan_out_failed", error);
      co_return false;
    }
    if (hooks_.fanned_out) hooks_.fanned_out(out.events, out.deliveries);
    if (out.deliveries > 0) look_again();
    co_return out.events == kFannedOutTogether;
  }

  void look_again() {
    for (auto& [id, lane] : lanes_) lane->more = true;
    ring();
    bell_.ring();
  }

  // --- lanes -----------------------------------------------------------------------------------------------

  asio::awaitable<bool> claim_some() {
    if (lanes_.size() >= options_.lanes_max) co_return false;
    const auto room = static_cast<std::int64_t>(options_.lanes_max - lanes_.size());
    const UtcTime now = clock_.now();
    std::vector<hooks::Lane> claimed;
    try {
      auto look = [after = last_lane_, limit = std::min(room, kLanesTogether), now](store::ReadTx& tx) {
        return hooks::due_lanes(tx, after, limit, now);
      };
      const std::vector<WebhookId> due = co_await store::read(database_, std::move(look));
      if (due.empty()) co_return false;
      last_lane_ = due.back();
      auto take = [due, worker = options_.worker, now, until = now + options_.lease](store::Tx& tx) {
        return hooks::claim_lanes(tx, due, worker, now, until);
      };
      claimed = co_await store::write(database_, std::move(take));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::failure("courier.claim_failed", error);
      co_return false;
    }
    CS_FAULT("courier.claimed");
    for (hooks::Lane& lane : claimed) {
      LanePtr& held = lanes_[lane.webhook];
      if (!held) {
        held = std::make_shared<HeldLane>(std::move(lane));
      } else {  // lost to somebody who has given it back since, while requests of ours went on
        held->claim = std::move(lane);
        held->lost = false;
        held->more = true;
      }
    }
    co_return !claimed.empty();
  }

  // Whatever the lanes need: to be read, to be given back, and requests to be begun.
  void tend_all() {
    begin_requests();
    std::vector<LanePtr> wanting;
    for (const auto& [id, lane] : lanes_) {
      if (lane->busy) continue;
      if (wants_reading(*lane) || lane->is_idle() || (stopping_ && lane->open.empty())) {
        wanting.push_back(lane);
      }
    }
    for (const LanePtr& lane : wanting) {
      lane->busy = true;
      asio::co_spawn(strand_, tend(shared_from_this(), lane, wants_reading(*lane)), asio::detached);
    }
  }

  [[nodiscard]] bool wants_reading(HeldLane& lane) const { return wants_more(lane) || is_stale(lane); }

  // It could begin a request, but may not know its webhook any more.
  [[nodiscard]] bool is_stale(HeldLane& lane) const {
    return !stopping_ && lane.next() != lane.ready.end() && timers_.now() >= lane.read_until;
  }

  [[nodiscard]] bool wants_more(const HeldLane& lane) const {
    return lane.more && !stopping_ && !lane.lost && lane.ready.size() < lane.width * kReadyMin;
  }

  static asio::awaitable<void> tend(std::shared_ptr<Impl> self, LanePtr lane, bool read) {
    bool gone = false;
    try {
      if (read) gone = !co_await self->read_lane(*lane);
      const bool over = gone || lane->lost || self->stopping_ || (lane->is_idle() && !lane->more);
      if (over) lane->ready.clear();
      if (over && lane->open.empty()) {
        const std::int64_t given_back = lane->claim.epoch;
        co_await self->give_back(*lane);
        // Unless it was claimed again before this heard that it was given back.
        if (lane->claim.epoch == given_back) self->lanes_.erase(lane->claim.webhook);
        // What became due meanwhile was not read by this lane any more.
        if (lane->more) self->bell_.ring();
      }
    } catch (const std::exception& error) {
      log::failure("courier.lane_failed", error);
      // The lease runs out, here or elsewhere. Nothing of the lane is begun any more.
      lane->lost = true;
      lane->ready.clear();
      if (lane->open.empty()) self->lanes_.erase(lane->claim.webhook);
    }
    lane->busy = false;
    if (gone) lane->lost = true;  // what is under way ends, and then the lane
    self->ring();
  }

  // False: there is no such webhook, or it is disabled.
  asio::awaitable<bool> read_lane(HeldLane& lane) {
    std::int64_t limit = 0;
    if (wants_more(lane)) {
      lane.more = false;
      const std::size_t fresh = std::max(kLoadedMin, lane.width * kReadyMax);
      limit = static_cast<std::int64_t>(fresh + lane.open.size() + lane.ready.size());
    }
    lane.recorded.clear();
    auto body = [id = lane.claim.webhook, limit, now = clock_.now()](store::ReadTx& tx) {
      return hooks::load_lane(tx, id, limit, now);
    };
    std::optional<hooks::Load> load = co_await store::read(database_, std::move(body));
    if (!load) co_return false;
    lane.read_until = timers_.now() + kWebhookAge;
    if (limit > 0 && static_cast<std::int64_t>(load->jobs.size()) == limit) lane.more = true;
    if (lane.url != load->url) lane.target.reset();
    lane.url = std::move(load->url);
    lane.host = host_of(lane.url).value_or("");
    open_secrets(lane, load->secrets);
    std::set<std::string> known;
    for (const Job& job : lane.ready) known.insert(job.id.str());
    for (Job& job : load->jobs) {
      const std::string& id = job.id.str();
      if (!lane.open.contains(id) && !known.contains(id) && !lane.recorded.contains(id)) {
        lane.ready.push_back(std::move(job));
      }
    }
    co_return true;
  }

  void open_secrets(HeldLane& lane, const hooks::SealedSecrets& sealed) {
    lane.secrets.clear();
    const std::string context = hooks::secret_context(lane.claim.webhook);
    const auto add = [&](const std::string& text) {
      if (auto secret = secrets_.open(text, context)) lane.secrets.push_back(std::move(*secret));
    };
    add(sealed.current);
    if (sealed.previous) add(*sealed.previous);
  }

  asio::awaitable<void> give_back(const HeldLane& lane) {
    auto body = [claim = lane.claim, worker = options_.worker](store::Tx& tx) {
      return hooks::release_lane(tx, claim, worker);
    };
    co_await store::write(database_, std::move(body));
  }

  static asio::awaitable<void> keep_leases(std::shared_ptr<Impl> self) {
    while (!self->stopping_ || !self->lanes_.empty()) {
      self->heartbeat_->expires_after(self->options_.lease / 3);
      co_await self->heartbeat_->wait();
      if (self->stopping_ && self->lanes_.empty()) break;
      co_await self->renew();
      if (self->stopping_) {  // the end of a drain is short; its leases have been renewed
        break;
      }
    }
    --self->helpers_;
    self->ring();
  }

  asio::awaitable<void> renew() {
    std::vector<hooks::Lane> held;
    for (const auto& [id, lane] : lanes_) {
      if (!lane->lost) held.push_back(lane->claim);
    }
    if (held.empty()) co_return;
    try {
      auto body = [held, worker = options_.worker, until = clock_.now() + options_.lease](store::Tx& tx) {
        return hooks::renew_lanes(tx, held, worker, until);
      };
      const std::vector<WebhookId> ours = co_await store::write(database_, std::move(body));
      const std::set<WebhookId> kept(ours.begin(), ours.end());
      for (const hooks::Lane& claim : held) {
        const auto found = lanes_.find(claim.webhook);
        if (found == lanes_.end() || found->second->claim.epoch != claim.epoch) continue;
        if (!kept.contains(claim.webhook)) found->second->lost = true;
      }
    } catch (const std::exception& error) {
      log::failure("courier.renew_failed", error);
    }
  }

  // --- requests --------------------------------------------------------------------------------------------

  // While there is room: the account with the fewest requests under way, and of its lanes the one with the
  // fewest. At most half of the room is one account's.
  void begin_requests() {
    if (stopping_ || under_way_ >= options_.in_flight_max) return;
    const std::size_t share = std::max<std::size_t>(1, options_.in_flight_max / 2);
    std::vector<Candidate> waiting;
    const auto add = [&](const LanePtr& lane) {
      if (lane->next() == lane->ready.end() || is_stale(*lane)) return false;
      const std::size_t of_user = under_way_of(lane->claim.user);
      if (of_user >= share) return false;
      waiting.push_back({of_user, lane->under_way, lane});
      return true;
    };
    for (const auto& [id, lane] : lanes_) add(lane);
    std::make_heap(waiting.begin(), waiting.end());
    while (!waiting.empty() && under_way_ < options_.in_flight_max) {
      std::pop_heap(waiting.begin(), waiting.end());
      const Candidate first = std::move(waiting.back());
      waiting.pop_back();
      // Its account may have begun others since it was put here.
      if (first.of_user == under_way_of(first.lane->claim.user)) begin(first.lane);
      if (add(first.lane)) std::push_heap(waiting.begin(), waiting.end());
    }
  }

  [[nodiscard]] std::size_t under_way_of(const UserId& user) const {
    const auto found = under_way_of_.find(user);
    return found == under_way_of_.end() ? 0 : found->second;
  }

  void begin(const LanePtr& lane) {
    const auto place = lane->next();
    Job job = std::move(*place);
    lane->ready.erase(place);
    lane->open.insert(job.id.str());
    if (!job.message_id.empty()) lane->messages.insert(job.message_id);
    ++lane->under_way;
    ++under_way_;
    ++under_way_of_[lane->claim.user];
    asio::co_spawn(strand_, attempt(shared_from_this(), lane, std::move(job)), asio::detached);
  }

  void end(HeldLane& lane, const Job& job, bool answered, bool slow) {
    if (!job.message_id.empty()) lane.messages.erase(job.message_id);
    --lane.under_way;
    --under_way_;
    const auto user = under_way_of_.find(lane.claim.user);
    if (--user->second == 0) under_way_of_.erase(user);
    if (answered) {
      lane.width = std::min(lane.width * 2, options_.lane_width_max);
    } else {
      lane.width = slow ? 1 : std::max<std::size_t>(1, lane.width / 2);
    }
    ring();
  }

  static asio::awaitable<void> attempt(std::shared_ptr<Impl> self, LanePtr lane, Job job) {
    hooks::Outcome outcome;
    outcome.id = job.id;
    outcome.webhook = lane->claim.webhook;
    outcome.attempt.number = job.attempt;
    outcome.attempt.started_at = self->clock_.now();
    const auto started = self->timers_.now();
    Answer answer;
    std::string_view kind = "forbidden";
    const std::string url = lane->url;  // the lane may read another one while the name is looked up
    try {
      Result<Addresses, std::string> target = co_await self->target_of(*lane);
      if (job.body.empty()) {
        answer.error = "the event is no longer kept";
      } else if (lane->secrets.empty()) {
        answer.error = "the signing secret cannot be read; rotate it";
      } else if (!target) {
        answer.error = std::move(target.error());
      } else {
        Post what{url, job.event_type, std::move(job.body), lane->secrets};
        PostOptions options{self->options_.timeout, self->options_.ca_file};
        CS_FAULT("courier.sending");
        answer = co_await post(*self->client_, std::move(what), std::move(*target), std::move(options),
                               self->clock_.now());
        CS_FAULT("courier.answered");
        kind = answer.delivered          ? "delivered"
               : answer.slow             ? "timeout"
               : answer.status_code != 0 ? "refused"
                                         : "unreachable";
      }
    } catch (const std::exception& error) {  // also a bug must not leave the delivery open
      log::failure("courier.attempt_failed", error);
      answer.error = "the request could not be made";
    }
    outcome.attempt.took =
        std::chrono::duration_cast<std::chrono::microseconds>(self->timers_.now() - started);
    outcome.attempt.status_code = answer.status_code;
    outcome.attempt.address = std::move(answer.address);
    outcome.attempt.error = std::move(answer.error);
    outcome.delivered = answer.delivered;
    if (self->hooks_.attempted) self->hooks_.attempted(kind, outcome.attempt.took);
    self->end(*lane, job, answer.delivered, answer.slow);
    self->note(std::move(lane), std::move(outcome));
  }

  // What the lane's name leads to: looked up anew when the last look is more than a moment old.
  asio::awaitable<Result<Addresses, std::string>> target_of(HeldLane& lane) {
    if (lane.host.empty()) co_return unexpected(std::string("the URL is none"));
    if (lane.target && timers_.now() < lane.target_until) co_return *lane.target;
    const std::string host = lane.host;
    Result<Addresses, std::string> found = co_await targets_.find(host);
    if (host == lane.host) {
      lane.target = found;
      lane.target_until = timers_.now() + kAddressAge;
    }
    co_return found;
  }

  // --- writing down ----------------------------------------------------------------------------------------

  struct Note {
    LanePtr lane;
    hooks::Outcome outcome;
  };

  void note(LanePtr lane, hooks::Outcome outcome) {
    notes_.push_back({std::move(lane), std::move(outcome)});
    if (recording_) return;
    recording_ = true;
    asio::co_spawn(strand_, record_all(shared_from_this()), asio::detached);
  }

  static asio::awaitable<void> record_all(std::shared_ptr<Impl> self) {
    co_await asio::post(self->strand_, asio::use_awaitable);  // behind those who are about to end
    while (!self->notes_.empty()) {
      std::vector<Note> batch;
      while (!self->notes_.empty() && batch.size() < kRecordedTogether) {
        batch.push_back(std::move(self->notes_.front()));
        self->notes_.pop_front();
      }
      co_await self->record(batch);
      for (const Note& note : batch) {
        note.lane->open.erase(note.outcome.id.str());
        if (note.lane->busy) note.lane->recorded.insert(note.outcome.id.str());
      }
      self->ring();
    }
    self->recording_ = false;
    self->ring();
  }

  // Until it is in: what an endpoint has taken must not be sent again for a store that was away a while.
  asio::awaitable<void> record(const std::vector<Note>& batch) {
    std::vector<hooks::Outcome> outcomes;
    outcomes.reserve(batch.size());
    for (const Note& note : batch) outcomes.push_back(note.outcome);
    auto pause = kRecordPauseFirst;
    for (;;) {
      bool again = false;
      try {
        auto body = [outcomes, first = options_.retry_first](store::Tx& tx) {
          return hooks::record(tx, outcomes, first);
        };
        const std::int64_t written = co_await store::write(database_, std::move(body));
        if (written < static_cast<std::int64_t>(outcomes.size())) log::debug("courier.told_before");
      } catch (const EnvironmentError& error) {
        log::failure("courier.record_failed", error);
        again = !stopping_;
      } catch (const std::exception& error) {
        log::failure("courier.record_failed", error);
      }
      if (!again) co_return;
      record_bell_->expires_after(pause);
      co_await record_bell_->wait();
      pause = std::min(pause * 2, kRecordPauseMax);
    }
  }

  asio::strand<asio::any_io_executor> strand_;
  store::Database& database_;
  const Clock& clock_;
  Targets& targets_;
  const Sealer secrets_;
  const CourierOptions options_;
  const CourierHooks hooks_;
  net::Timers& timers_;
  net::Bell bell_;  // there may be lanes to claim
  net::Bell fan_bell_;
  std::unique_ptr<net::Timer> heartbeat_;
  std::unique_ptr<net::Timer> record_bell_;
  std::unique_ptr<net::HttpClient> client_;
  std::atomic<bool> woken_ = false;
  std::atomic<bool> stopping_ = false;
  bool rung_ = false;
  bool recording_ = false;
  int helpers_ = 0;
  WebhookId last_lane_;
  std::map<WebhookId, LanePtr> lanes_;
  std::size_t under_way_ = 0;
  std::map<UserId, std::size_t> under_way_of_;
  std::deque<Note> notes_;
};

Courier::Courier(asio::any_io_executor executor, store::Database& database, const Clock& clock,
                 Targets& targets, Sealer secrets, CourierOptions options, CourierHooks hooks,
                 net::Timers& timers)
    : impl_(std::make_shared<Impl>(std::move(executor), database, clock, targets, secrets, std::move(options),
                                   std::move(hooks), timers)) {}
Courier::~Courier() { impl_->close(); }

asio::awaitable<void> Courier::run() { co_await impl_->run(); }
void Courier::wake() { impl_->wake(); }
void Courier::stop() { impl_->stop(); }

}  // namespace countersign::agent::webhook
