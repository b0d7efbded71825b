#include "inbound/processor.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "hold/scan.hpp"
#include "inbound/letter.hpp"
#include "inbound/spool.hpp"
#include "store/awaitable.hpp"

namespace countersign::inbound {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kDnsDelays[] = {std::chrono::seconds(10), std::chrono::seconds(60),
                                               std::chrono::seconds(300)};
constexpr std::chrono::seconds kFaultPause{5};
constexpr std::chrono::seconds kFailurePause{60};
// A stream of mail is taken up in groups, so that one claim and one commit serve many; the first after a lull
// is taken up at once.
constexpr std::chrono::milliseconds kGatheringTime{10};

std::string_view name_of(Published outcome) {
  switch (outcome) {
    case Published::delivered:
      return "delivered";
    case Published::flagged:
      return "flagged";
    case Published::held:
      return "held";
    case Published::blocked:
      return "blocked";
    case Published::lost:
      return "lost";
  }
  return "";
}

}  // namespace

class Processor::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, asio::thread_pool& readers, store::Database& database,
       const Clock& clock, net::DnsResolver& dns, ProcessorOptions options, ProcessorHooks hooks,
       net::Timers& timers)
      : executor_(std::move(executor)),
        readers_(readers),
        database_(database),
        clock_(clock),
        dns_(dns),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        timers_(timers),
        bell_(timers.make(executor_)),
        gathering_(timers.make(executor_)) {}

  asio::awaitable<void> run() {
    co_await asio::co_spawn(executor_, work(shared_from_this()), asio::use_awaitable);
  }

  void wake() {
    if (rung_.exchange(true)) return;  // somebody rang and nobody has looked yet
    asio::post(executor_, [self = shared_from_this()] { self->bell_->cancel(); });
  }

  void stop() {
    stopping_ = true;
    asio::post(executor_, [self = shared_from_this()] {
      self->bell_->cancel();
      self->gathering_->cancel();
    });
  }

 private:
  // Everything below runs on the executor, but for read().

  static asio::awaitable<void> work(std::shared_ptr<Impl> self) {
    if (self->options_.sole_process) co_await self->take_up_predecessors();
    while (!self->stopping_) {
      co_await self->gather();
      self->rung_ = false;
      const std::int64_t room = self->options_.in_flight_max - self->in_flight_;
      // Not one claim for every message that ends: half of them have to.
      const bool worthwhile = 2 * room >= self->options_.in_flight_max;
      const bool full = worthwhile && co_await self->claim_some(room) == room;
      if (!full && !self->rung_ && !self->stopping_) co_await self->rest();
    }
    while (self->in_flight_ > 0) co_await self->rest();
  }

  // Waits until the last claim that found something is some time ago.
  asio::awaitable<void> gather() {
    while (!stopping_ && timers_.now() < claim_not_before_) {
      gathering_->expires_after(claim_not_before_ - timers_.now());
      co_await gathering_->wait();
    }
  }

  // Waits for a bell, an end of a message, or the poll interval.
  asio::awaitable<void> rest() {
    bell_->expires_after(options_.poll_interval);
    co_await bell_->wait();
  }

  asio::awaitable<void> take_up_predecessors() {
    try {
      auto body = [now = clock_.now()](store::Tx& tx) {
        take_up_all(tx, now);
        return true;
      };
      co_await store::write(database_, std::move(body));
    } catch (const EnvironmentError& error) {
      log::warn("inbound.not_taken_up", {{"error", error.what()}});
    }
  }

  asio::awaitable<std::int64_t> claim_some(std::int64_t limit) {
    std::vector<Claim> claims;
    try {
      const UtcTime now = clock_.now();
      auto body = [this, now, limit](store::Tx& tx) {
        return claim(tx, options_.worker, now, now + options_.lease, limit);
      };
      claims = co_await store::write(database_, std::move(body));
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::warn("inbound.claim_failed", {{"error", error.what()}});
      co_return 0;
    }
    const bool more = std::ssize(claims) == limit;
    if (!claims.empty() && !more) claim_not_before_ = timers_.now() + kGatheringTime;
    for (Claim& taken : claims) {
      ++in_flight_;
      asio::co_spawn(executor_, carry(shared_from_this(), std::move(taken)), asio::detached);
    }
    co_return static_cast<std::int64_t>(claims.size());
  }

  static asio::awaitable<void> carry(std::shared_ptr<Impl> self, Claim taken) {
    std::string trouble;
    bool surroundings = false;
    try {
      co_await self->process(taken);
    } catch (const EnvironmentError& error) {
      trouble = error.what();
      surroundings = error.retryable();
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    if (!trouble.empty()) co_await self->hand_back(std::move(taken), surroundings, std::move(trouble));
    --self->in_flight_;
    self->bell_->cancel();
  }

  // What cannot be written either comes back when the lease ends.
  asio::awaitable<void> hand_back(Claim taken, bool surroundings, std::string trouble) {
    log::write(surroundings ? log::Level::warn : log::Level::error, "inbound.not_processed",
               {{"content_id", taken.content_id}, {"attempts", taken.attempts}, {"error", trouble}});
    try {
      auto body = [&taken, &trouble, surroundings, now = clock_.now()](store::Tx& tx) {
        if (surroundings) {
          give_back(tx, taken, now + kFaultPause, trouble);
        } else {
          fail(tx, taken, now + kFailurePause, trouble);
        }
        return true;
      };
      co_await store::write(database_, std::move(body));
    } catch (const std::exception& error) {
      log::warn("inbound.not_given_back", {{"content_id", taken.content_id}, {"error", error.what()}});
    }
  }

  asio::awaitable<void> process(const Claim& taken) {
    CS_FAULT("inbound.claimed");
    auto find = [&taken](store::ReadTx& tx) { return load(tx, taken); };
    const std::optional<Load> loaded = co_await store::read(database_, std::move(find));
    if (!loaded) co_return;
    const Envelope envelope = envelope_from_json(loaded->envelope);

    Reading reading;
    if (taken.attempts > kAttemptsMax) {
      reading.unreadable = true;
    } else {
      mailauth::Origin origin{envelope.client.address, envelope.client.helo, envelope.mail_from};
      auto authenticating = mailauth::authenticate(dns_, std::move(origin), loaded->raw, clock_.now());
      reading.authentication = co_await std::move(authenticating);
      if (co_await waits_for_dns(taken, *loaded, reading.authentication)) co_return;
      auto task = read(*loaded, std::move(reading.authentication), options_);
      reading = co_await asio::co_spawn(readers_, std::move(task), asio::use_awaitable);
      if (!reading.question.empty()) {
        auto asking = options_.detector->ask(std::move(reading.question), reading.screening);
        co_await std::move(asking);
      }
    }
    CS_FAULT("inbound.read");
    co_await deliver(taken, *loaded, envelope, reading);
  }

  // Where only authenticated senders get in, what nobody could tell is asked again for a while.
  asio::awaitable<bool> waits_for_dns(const Claim& taken, const Load& loaded,
                                      const mailauth::Authentication& authentication) {
    const bool gated = std::ranges::any_of(loaded.arrivals, &Arrival::gated);
    if (!gated || !authentication.temporary_error() || taken.delays >= kDelaysMax) co_return false;
    const UtcTime due = clock_.now() + kDnsDelays[taken.delays];
    auto body = [&taken, due](store::Tx& tx) {
      put_off(tx, taken, due, "the DNS could not tell who sent it");
      return true;
    };
    co_await store::write(database_, std::move(body));
    co_return true;
  }

  // On a reader thread.
  static asio::awaitable<Reading> read(const Load& loaded, mailauth::Authentication authentication,
                                       const ProcessorOptions& options) {
    Reading reading;
    reading.authentication = std::move(authentication);
    reading.message = mail::parse(loaded.raw);
    const bool wanted = std::ranges::any_of(loaded.arrivals, &Arrival::screened);
    if (options.screening && wanted) {
      reading.screened = true;
      screen_it(loaded, options.detector, reading);
    }
    co_return reading;
  }

  static void screen_it(const Load& loaded, const Detector* detector, Reading& reading) {
    reading.screening = hold::screen_guarded([&] {
      const std::string verified = reading.authentication.verified_domain().value_or("");
      const screen::MessageContent content = screen::content_of(loaded.raw, verified);
      screen::Report report = screen::screen(content.view());
      // A second opinion cannot lower a score, so of what is blocked everywhere none is asked for.
      const bool settled = screen::judge(report, screen::Sensitivity::low) == screen::Verdict::block;
      if (detector != nullptr && !settled) reading.question = detector->question(content.view());
      return report;
    });
  }

  asio::awaitable<void> deliver(const Claim& taken, const Load& loaded, const Envelope& envelope,
                                const Reading& reading) {
    std::vector<std::string> return_paths;
    for (const Arrival& arrival : loaded.arrivals) {
      if (!arrival.agent_email) return_paths.push_back(arrival.recipient);
    }
    if (!return_paths.empty() && hooks_.report) {
      co_await hooks_.report(loaded.raw, return_paths, taken.received_at);
      CS_FAULT("inbound.report_taken");
    }
    PublishContext context{options_.shared_domain, options_.from_domain, options_.screening, {}};
    if (options_.detector != nullptr) context.detector = options_.detector->name();
    for (std::size_t i = 0; i < loaded.arrivals.size(); ++i) {
      const Arrival& arrival = loaded.arrivals[i];
      auto body = [&, last = i + 1 == loaded.arrivals.size(), now = clock_.now()](store::Tx& tx) {
        Published outcome = Published::lost;
        if (arrival.agent_email) {
          outcome = publish(tx, taken, arrival, envelope, reading, loaded.raw, context, now);
        } else {
          (void)leave(tx, taken, arrival);
        }
        if (last) close(tx, taken);
        return outcome;
      };
      const Published outcome = co_await store::write(database_, std::move(body));
      CS_FAULT("inbound.published");
      if (!arrival.agent_email) continue;
      log::info("inbound.published", {{"message_id", arrival.id.str()}, {"outcome", name_of(outcome)}});
      if (hooks_.published) hooks_.published(outcome);
    }
    if (loaded.arrivals.empty()) co_await forget(taken);
  }

  // Its agents are gone.
  asio::awaitable<void> forget(const Claim& taken) {
    auto body = [&taken](store::Tx& tx) {
      close(tx, taken);
      return true;
    };
    co_await store::write(database_, std::move(body));
  }

  const asio::any_io_executor executor_;
  asio::thread_pool& readers_;
  store::Database& database_;
  const Clock& clock_;
  net::DnsResolver& dns_;
  const ProcessorOptions options_;
  const ProcessorHooks hooks_;
  net::Timers& timers_;
  const std::unique_ptr<net::Timer> bell_;
  const std::unique_ptr<net::Timer> gathering_;
  std::chrono::steady_clock::time_point claim_not_before_;
  std::int64_t in_flight_ = 0;
  std::atomic<bool> rung_ = false;
  std::atomic<bool> stopping_ = false;
};

Processor::Processor(asio::any_io_executor executor, asio::thread_pool& readers, store::Database& database,
                     const Clock& clock, net::DnsResolver& dns, ProcessorOptions options,
                     ProcessorHooks hooks, net::Timers& timers)
    : impl_(std::make_shared<Impl>(std::move(executor), readers, database, clock, dns, std::move(options),
                                   std::move(hooks), timers)) {}
Processor::~Processor() = default;

asio::awaitable<void> Processor::run() { return impl_->run(); }
void Processor::wake() { impl_->wake(); }
void Processor::stop() { impl_->stop(); }

}  // namespace countersign::inbound
