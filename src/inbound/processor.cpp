#include "inbound/processor.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <iterator>
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
// Messages that go into mailboxes in one transaction: enough that the pages they share are written once for
// all of them, few enough that whoever waits for the writer meanwhile hardly notices.
constexpr std::size_t kTogetherMax = 64;
constexpr std::size_t kTogetherRecipientsMax = 4;
constexpr std::size_t kTogetherBytesMax = 64 * 1024;  // of one message; one that is larger goes alone
constexpr std::int64_t kSuspectsMax = 1;
// How long those that are ready wait for others that are under way.
constexpr std::chrono::milliseconds kCompanyTime{5};
// Of one claim, contents that are loaded together.
constexpr std::size_t kLoadBytesMax = std::size_t{4} * 1024 * 1024;
// While much comes in, one claim in this time; unless mail has waited for long.
constexpr std::chrono::milliseconds kBusyPause{250};
constexpr std::chrono::milliseconds kBusyLook{10};
// Mail that has waited longer than this goes into mailboxes as urgently as more is taken.
constexpr std::chrono::seconds kBehindMax{2};

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

// A message on its way through.
struct Work {
  Claim taken;
  std::optional<Load> loaded;
  Envelope envelope{};
  Reading reading{};
  bool read = false;
};

// Whether it costs so little that it goes with others.
bool goes_together(const Work& work) {
  const Load& loaded = *work.loaded;
  const bool mailboxes = std::ranges::all_of(
      loaded.arrivals, [](const Arrival& arrival) { return arrival.agent_email.has_value(); });
  return mailboxes && !loaded.arrivals.empty() && loaded.arrivals.size() <= kTogetherRecipientsMax &&
         loaded.raw.size() <= kTogetherBytesMax && !is_suspect(work.taken);
}

// What went wrong, and whether that lay in the surroundings.
struct Trouble {
  std::string text;
  bool surroundings = false;
};

Trouble trouble_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const EnvironmentError& fault) {
    return {fault.what(), fault.retryable()};
  } catch (const std::exception& fault) {
    return {fault.what(), false};
  }
}

// Steps that a message takes alone or with others.
void passed_reading() { CS_FAULT("inbound.read"); }
void passed_publishing() { CS_FAULT("inbound.published"); }

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
        gathering_(timers.make(executor_)),
        company_(timers.make(executor_)) {}

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
    asio::co_spawn(self->executor_, publish_ready(self), asio::detached);
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
    self->ended_ = true;
    self->company_->cancel();
    while (!self->publisher_ended_) co_await self->rest();
  }

  // Waits until the last claim that found something is some time ago; longer while much comes in.
  asio::awaitable<void> gather() {
    while (!stopping_) {
      const auto now = timers_.now();
      const bool gives_way = now < claimed_at_ + kBusyPause && urgency_ == store::Urgency::can_wait &&
                             hooks_.busy && hooks_.busy();
      if (now >= claim_not_before_ && !gives_way) co_return;
      gathering_->expires_after(now < claim_not_before_ ? claim_not_before_ - now : kBusyLook);
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
      auto body = [this, now, limit, suspects = kSuspectsMax - suspects_in_flight_](store::Tx& tx) {
        return claim(tx, options_.worker, now, now + options_.lease, limit, suspects);
      };
      claims = co_await store::write(database_, std::move(body), urgency_);
    } catch (const std::exception& error) {  // also a bug must not end the loop
      log::warn("inbound.claim_failed", {{"error", error.what()}});
      co_return 0;
    }
    const auto count = std::ssize(claims);
    if (count > 0) claimed_at_ = timers_.now();
    if (count > 0 && count < limit) claim_not_before_ = timers_.now() + kGatheringTime;
    in_flight_ += count;
    suspects_in_flight_ += std::ranges::count_if(claims, is_suspect);
    if (count > 0)
      asio::co_spawn(executor_, carry_all(shared_from_this(), std::move(claims)), asio::detached);
    co_return count;
  }

  // Loads what is small in one go; the others load themselves.
  static asio::awaitable<void> carry_all(std::shared_ptr<Impl> self, std::vector<Claim> claims) {
    std::vector<std::optional<Load>> loads;
    if (claims.size() > 1) {
      try {
        auto body = [&claims](store::ReadTx& tx) { return load_some(tx, claims, kLoadBytesMax); };
        loads = co_await store::read(self->database_, std::move(body));
      } catch (const EnvironmentError& error) {
        log::warn("inbound.not_loaded", {{"error", error.what()}});
      }
    }
    UtcTime oldest = UtcTime::max();
    for (std::size_t i = 0; i < claims.size(); ++i) {
      oldest = std::min(oldest, claims[i].received_at);
      Work work{std::move(claims[i]), std::nullopt};
      if (i < loads.size()) work.loaded = std::move(loads[i]);
      asio::co_spawn(self->executor_, carry(self, std::move(work)), asio::detached);
    }
    const bool behind = self->clock_.now() - oldest > kBehindMax;
    self->urgency_ = behind ? store::Urgency::somebody_waits : store::Urgency::can_wait;
  }

  static asio::awaitable<void> carry(std::shared_ptr<Impl> self, Work work) {
    std::exception_ptr error;
    try {
      co_await self->process(work);
      if (work.loaded && goes_together(work)) {
        if (self->ready_.empty()) self->ready_since_ = self->timers_.now();
        self->ready_.push_back(std::move(work));
        self->company_->cancel();
        co_return;
      }
      if (work.loaded) co_await self->finish_alone(work);
    } catch (...) {
      error = std::current_exception();
    }
    co_await end(self, std::move(work.taken), std::move(error));
  }

  // Of one that was claimed. Without an error it came to its end.
  static asio::awaitable<void> end(std::shared_ptr<Impl> self, Claim taken, std::exception_ptr error) {
    if (error) {
      Trouble trouble = trouble_of(error);
      co_await self->hand_back(taken, trouble.surroundings, std::move(trouble.text));
    }
    --self->in_flight_;
    if (is_suspect(taken)) --self->suspects_in_flight_;
    self->bell_->cancel();
    self->company_->cancel();
  }

  // What cannot be written either comes back when the lease ends.
  asio::awaitable<void> hand_back(const Claim& taken, bool surroundings, std::string trouble) {
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

  // Up to where it is known whom it is from; unless that has to wait, and it is put off: then nothing is
  // loaded. What takes long to read is read as well.
  asio::awaitable<void> process(Work& work) {
    CS_FAULT("inbound.claimed");
    if (!work.loaded) {
      auto find = [&work](store::ReadTx& tx) { return load(tx, work.taken); };
      work.loaded = co_await store::read(database_, std::move(find));
      if (!work.loaded) co_return;
    }
    work.envelope = envelope_from_json(work.loaded->envelope);
    if (work.taken.attempts > kAttemptsMax) {
      work.reading.unreadable = true;
      work.read = true;
      co_return;
    }
    const Client& client = work.envelope.client;
    const bool from_own_server = client.protocol.find("LMTP") != std::string::npos;
    mailauth::Origin origin{client.address, client.helo, work.envelope.mail_from, from_own_server};
    auto authenticating = mailauth::authenticate(dns_, std::move(origin), work.loaded->raw, clock_.now());
    work.reading.authentication = co_await std::move(authenticating);
    if (co_await waits_for_dns(work.taken, *work.loaded, work.reading.authentication)) {
      work.loaded.reset();
      co_return;
    }
    if (!goes_together(work) || wants_screening(*work.loaded)) co_await read_alone(work);
  }

  asio::awaitable<void> read_alone(Work& work) {
    auto task = read_on_pool(work, options_);
    co_await asio::co_spawn(readers_, std::move(task), asio::use_awaitable);
    if (!work.reading.question.empty()) {
      auto asking = options_.detector->ask(std::move(work.reading.question), work.reading.screening);
      co_await std::move(asking);
    }
  }

  asio::awaitable<void> finish_alone(Work& work) {
    if (!work.read) co_await read_alone(work);
    passed_reading();
    co_await deliver(work.taken, *work.loaded, work.envelope, work.reading);
  }

  // Puts what is ready into mailboxes, one group after another.
  static asio::awaitable<void> publish_ready(std::shared_ptr<Impl> self) {
    while (!self->ended_) {
      const auto until = self->ready_since_ + kCompanyTime;
      const bool all = std::ssize(self->ready_) == self->in_flight_ || self->ready_.size() >= kTogetherMax;
      if (self->ready_.empty() || (!all && self->timers_.now() < until)) {
        self->company_->expires_after(self->ready_.empty() ? self->options_.poll_interval
                                                           : until - self->timers_.now());
        co_await self->company_->wait();
        continue;
      }
      const auto count = static_cast<std::ptrdiff_t>(std::min(self->ready_.size(), kTogetherMax));
      std::vector<Work> group(std::make_move_iterator(self->ready_.begin()),
                              std::make_move_iterator(self->ready_.begin() + count));
      self->ready_.erase(self->ready_.begin(), self->ready_.begin() + count);
      self->ready_since_ = self->timers_.now();
      co_await self->finish_together(std::move(group));
    }
    self->publisher_ended_ = true;
    self->bell_->cancel();
  }

  asio::awaitable<void> finish_together(std::vector<Work> group) {
    std::vector<std::exception_ptr> errors(group.size());
    std::exception_ptr error;
    bool unread = true;
    try {
      auto reading = read_all_on_pool(group, errors, options_);
      co_await asio::co_spawn(readers_, std::move(reading), asio::use_awaitable);
      passed_reading();
      unread = std::ranges::any_of(errors, [](const auto& one) { return one != nullptr; });
      if (!unread) co_await deliver_all(group);
    } catch (...) {
      error = std::current_exception();
    }
    // Whose doing it was shows when each goes alone.
    const bool alone = error ? !trouble_of(error).surroundings : unread;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (alone && !errors[i]) {
        asio::co_spawn(executor_, go_alone(shared_from_this(), std::move(group[i])), asio::detached);
      } else {
        auto ending = end(shared_from_this(), std::move(group[i].taken), errors[i] ? errors[i] : error);
        asio::co_spawn(executor_, std::move(ending), asio::detached);
      }
    }
  }

  static asio::awaitable<void> go_alone(std::shared_ptr<Impl> self, Work work) {
    std::exception_ptr error;
    try {
      co_await self->finish_alone(work);
    } catch (...) {
      error = std::current_exception();
    }
    co_await end(self, std::move(work.taken), std::move(error));
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
    co_await store::write(database_, std::move(body), urgency_);
    co_return true;
  }

  [[nodiscard]] bool wants_screening(const Load& loaded) const {
    return options_.screening && std::ranges::any_of(loaded.arrivals, &Arrival::screened);
  }

  // On a reader thread.
  static asio::awaitable<void> read_on_pool(Work& work, const ProcessorOptions& options) {
    read(work, options);
    co_return;
  }

  // On a reader thread. One error per message, where there was one.
  static asio::awaitable<void> read_all_on_pool(std::vector<Work>& group,
                                                std::vector<std::exception_ptr>& errors,
                                                const ProcessorOptions& options) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (group[i].read) continue;
      try {
        read(group[i], options);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
    co_return;
  }

  static void read(Work& work, const ProcessorOptions& options) {
    const Load& loaded = *work.loaded;
    Reading& reading = work.reading;
    // As it will be stored and shown, behind the trace: there a line that is no field ends the header
    // elsewhere, and other fields are too many.
    const std::string shown =
        loaded.arrivals.empty() ? loaded.raw : loaded.arrivals.front().trace + loaded.raw;
    reading.message = mail::parse(shown);
    const bool wanted = std::ranges::any_of(loaded.arrivals, &Arrival::screened);
    if (options.screening && wanted) {
      reading.screened = true;
      screen_it(shown, options.detector, reading);
    }
    work.read = true;
  }

  static void screen_it(std::string_view shown, const Detector* detector, Reading& reading) {
    reading.screening = hold::screen_guarded([&] {
      const std::string verified = reading.authentication.verified_domain().value_or("");
      const screen::MessageContent content = screen::content_of(shown, verified);
      screen::Report report = screen::screen(content.view());
      // A second opinion cannot lower a score, so of what is blocked everywhere none is asked for.
      const bool settled = screen::judge(report, screen::Sensitivity::low) == screen::Verdict::block;
      if (detector != nullptr && !settled) reading.question = detector->question(content.view());
      return report;
    });
  }

  [[nodiscard]] PublishContext context() const {
    PublishContext context{options_.shared_domain, options_.from_domain, options_.screening, {}};
    if (options_.detector != nullptr) context.detector = options_.detector->name();
    return context;
  }

  // All in one transaction.
  asio::awaitable<void> deliver_all(const std::vector<Work>& group) {
    auto body = [&group, known = context(), now = clock_.now()](store::Tx& tx) {
      std::vector<Published> outcomes;
      for (const Work& work : group) {
        for (const Arrival& arrival : work.loaded->arrivals) {
          outcomes.push_back(
              publish(tx, work.taken, arrival, work.envelope, work.reading, work.loaded->raw, known, now));
        }
        close(tx, work.taken);
      }
      return outcomes;
    };
    const std::vector<Published> outcomes = co_await store::write(database_, std::move(body), urgency_);
    passed_publishing();
    auto outcome = outcomes.begin();
    for (const Work& work : group) {
      for (const Arrival& arrival : work.loaded->arrivals) tell(arrival, *outcome++);
    }
  }

  void tell(const Arrival& arrival, Published outcome) {
    log::info("inbound.published", {{"message_id", arrival.id.str()}, {"outcome", name_of(outcome)}});
    if (hooks_.published) hooks_.published(outcome);
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
    const PublishContext known = context();
    for (std::size_t i = 0; i < loaded.arrivals.size(); ++i) {
      const Arrival& arrival = loaded.arrivals[i];
      auto body = [&, last = i + 1 == loaded.arrivals.size(), now = clock_.now()](store::Tx& tx) {
        Published outcome = Published::lost;
        if (arrival.agent_email) {
          outcome = publish(tx, taken, arrival, envelope, reading, loaded.raw, known, now);
        } else {
          (void)leave(tx, taken, arrival);
        }
        if (last) close(tx, taken);
        return outcome;
      };
      const Published outcome = co_await store::write(database_, std::move(body), urgency_);
      passed_publishing();
      if (arrival.agent_email) tell(arrival, outcome);
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
  std::chrono::steady_clock::time_point claimed_at_{};  // when a claim last found something
  const std::unique_ptr<net::Timer> company_;
  std::deque<Work> ready_;  // read, or cheap to read: they go into mailboxes together
  std::chrono::steady_clock::time_point ready_since_;
  store::Urgency urgency_ = store::Urgency::can_wait;
  bool ended_ = false;  // nothing will be ready any more
  bool publisher_ended_ = false;
  std::int64_t in_flight_ = 0;
  std::int64_t suspects_in_flight_ = 0;
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
