// What a dispatcher under test is surrounded with: a transport that does as it is told, a clock and timers
// that are put forward.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <deque>
#include <functional>

#include "base/fault.hpp"
#include "flows/office.hpp"
#include "provider/dispatcher.hpp"
#include "support/stores.hpp"

namespace countersign::test {

namespace asio = boost::asio;
using provider::Fence;
using provider::HandOver;
using provider::Reply;

inline constexpr std::string_view kAuthor = "writer@agents.example";
inline constexpr store::Query kLease("dispatcher_test.lease", "SELECT lease_until_us FROM submissions");
// Far beyond what a test takes; only a dispatcher that hangs gets there.
inline constexpr std::chrono::minutes kPatience{10};
// Longer than a busy machine stands still: nobody loses a lease whom no test takes it from.
inline constexpr std::chrono::minutes kLeaseOfTests{60};

inline Reply reply_of(provider::Verdict verdict, int code, std::string text) {
  Reply reply;
  reply.verdict = verdict;
  reply.phase = provider::Phase::final_dot;
  reply.scope = provider::Scope::message;
  reply.code = code;
  reply.text = std::move(text);
  return reply;
}

/// Does the next thing it was told for every hand-over, and accepts when it was told nothing.
class ScriptedTransport final : public provider::Transport {
 public:
  using Step = std::function<asio::awaitable<Reply>(HandOver, Fence)>;

  void then(Step step) { steps_.push_back(std::move(step)); }
  /// Messages that were asked for, in order, and those for which responsibility was taken.
  std::vector<HandOver> asked;
  std::vector<std::string> taken;

  asio::awaitable<Reply> hand_over(HandOver message, Fence fence) override {
    asked.push_back(message);
    Step step = [this](HandOver m, Fence f) { return accept(std::move(m), std::move(f)); };
    if (!steps_.empty()) {
      step = std::move(steps_.front());
      steps_.pop_front();
    }
    co_return co_await step(std::move(message), std::move(fence));
  }
  asio::awaitable<Reply> accept(HandOver message, Fence fence) {
    const bool passed = co_await fence();
    if (!passed) co_return reply_of(provider::Verdict::lost_lease, 0, "");
    taken.push_back(message.key);
    Reply reply = reply_of(provider::Verdict::accepted, 250, "queued");
    reply.fence_passed = true;
    reply.provider_message_id = "provider-" + message.submission;
    co_return reply;
  }
  asio::awaitable<void> drain() override { co_return; }
  [[nodiscard]] std::string_view name() const noexcept override { return "scripted"; }
  [[nodiscard]] provider::TransportClass transport_class() const noexcept override {
    return provider::TransportClass::plain;
  }

 private:
  std::deque<Step> steps_;
};

inline ScriptedTransport::Step replies(Reply reply) {
  return [reply](HandOver, Fence) -> asio::awaitable<Reply> { co_return reply; };
}

/// The fence first, then this.
inline ScriptedTransport::Step replies_after_fence(Reply reply) {
  return [reply](HandOver, Fence fence) -> asio::awaitable<Reply> {
    const bool passed = co_await fence();
    EXPECT_TRUE(passed);
    co_return reply;
  };
}

inline Reply session_fault() {
  Reply reply = reply_of(provider::Verdict::session_fault, 421, "not now");
  reply.scope = provider::Scope::session;
  return reply;
}

/// Moves on a little whenever somebody looks at it, so that what waits for its time gets its turn.
class TickingClock final : public Clock {
 public:
  explicit TickingClock(ManualClock& clock) : clock_(clock) {}
  [[nodiscard]] UtcTime now() const override {
    clock_.advance(std::chrono::milliseconds(5));
    if (on_look) on_look();
    return clock_.now();
  }
  std::function<void()> on_look;

 private:
  ManualClock& clock_;
};

/// Real timers on a steady clock that can be put forward, as a process sees it that was paused.
class SkippingTimers final : public net::Timers {
 public:
  /// Whoever waits for longer than kLong gets his turn at once: leases can last for longer than a busy
  /// machine stands still, and their renewal need not be waited for.
  std::atomic<bool> hurry = false;

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override {
    return net::steady_timers().now() + skipped_.load();
  }
  [[nodiscard]] std::unique_ptr<net::Timer> make(const asio::any_io_executor& executor) override {
    return std::make_unique<Hurried>(net::steady_timers().make(executor), hurry);
  }
  void skip(std::chrono::steady_clock::duration time) { skipped_ = skipped_.load() + time; }

 private:
  static constexpr std::chrono::minutes kLong{1};

  class Hurried final : public net::Timer {
   public:
    Hurried(std::unique_ptr<net::Timer> real, const std::atomic<bool>& hurry)
        : real_(std::move(real)), hurry_(hurry) {}
    void expires_after(std::chrono::steady_clock::duration time) override {
      real_->expires_after(hurry_ && time > kLong ? std::chrono::milliseconds(50) : time);
    }
    void cancel() override { real_->cancel(); }
    asio::awaitable<void> wait() override { return real_->wait(); }

   private:
    std::unique_ptr<net::Timer> real_;
    const std::atomic<bool>& hurry_;
  };

  std::atomic<std::chrono::steady_clock::duration> skipped_{};
};

/// Runs a context until its work is done, or for kPatience. io_context::run_for may return while a thread of
/// the store is still letting go of its executor; run() does not.
class Patience {
 public:
  explicit Patience(asio::io_context& io) : io_(io), timer_(io, kPatience) {
    timer_.async_wait([&io](const boost::system::error_code& error) {
      if (!error) io.stop();
    });
  }
  void end() { timer_.cancel(); }
  void run() { io_.run(); }

 private:
  asio::io_context& io_;
  asio::steady_timer timer_;
};

class DispatcherTest : public StoreTest {
 protected:
  DispatcherTest() { office_.add_agent(kAuthor); }
  ~DispatcherTest() override { fault::reset(); }

  std::vector<MessageId> queue(int count) {
    std::vector<MessageId> ids;
    ids.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      ids.push_back(office_.send(kAuthor, draft_to({fmt::format("r{}@elsewhere.example", i)})));
      office_.pass(std::chrono::milliseconds(1));
    }
    office_.pass(std::chrono::seconds(1));
    return ids;
  }
  MessageId queue_one() { return queue(1).front(); }

  static provider::DispatcherOptions options(std::string worker = "worker-1") {
    provider::DispatcherOptions options;
    options.worker = std::move(worker);
    options.from_domain = "relay.example";
    options.poll_interval = std::chrono::milliseconds(1);
    options.outage_pause_first = std::chrono::milliseconds(1);
    options.lease = kLeaseOfTests;
    return options;
  }

  /// Lets a dispatcher work until so many hand-overs have ended, then stops it and waits until it has
  /// finished what it had begun. The verdicts, in order.
  std::vector<std::string> run_until(std::size_t ended,
                                     provider::DispatcherOptions options = DispatcherTest::options(),
                                     const std::function<void(provider::Dispatcher&)>& begin = {}) {
    asio::io_context io;
    std::vector<std::string> verdicts;
    provider::Dispatcher* running = nullptr;
    provider::DispatcherHooks hooks;
    hooks.ended = [&](std::string_view, std::string_view verdict) {
      verdicts.emplace_back(verdict);
      if (verdicts.size() == ended) running->stop();
    };
    provider::Dispatcher dispatcher(io.get_executor(), db(), clock_, transport_, std::move(options),
                                    std::move(hooks), timers_);
    running = &dispatcher;
    bool finished = false;
    Patience patience(io);
    asio::co_spawn(io, dispatcher.run(), [&](const std::exception_ptr& error) {
      EXPECT_EQ(error, nullptr);
      finished = true;
      patience.end();
    });
    if (begin) begin(dispatcher);
    if (ended == 0) dispatcher.stop();
    patience.run();
    EXPECT_TRUE(finished);
    return verdicts;
  }

  /// Returns when the lease of the only hand-over was prolonged, or it is nobody's any more.
  asio::awaitable<void> lease_to_be_renewed() {
    const auto lease = [&] {
      return db().read(
          [](store::ReadTx& tx) { return tx.query(kLease, {}).front().maybe_integer(0).value_or(0); });
    };
    const std::int64_t first = lease();
    const std::unique_ptr<net::Timer> pause = timers_.make(co_await asio::this_coro::executor);
    const auto begun = std::chrono::steady_clock::now();
    while (lease() == first && std::chrono::steady_clock::now() - begun < kPatience) {
      pause->expires_after(std::chrono::milliseconds(5));
      co_await pause->wait();
    }
    EXPECT_GT(lease(), first);
  }

  Office office_{db()};
  TickingClock clock_{office_.clock()};
  SkippingTimers timers_;
  ScriptedTransport transport_;
};

}  // namespace countersign::test
