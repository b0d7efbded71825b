// The processor: when it takes up what arrived, what goes into mailboxes together, and what a fault does.
#include "inbound/processor.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "account/agent.hpp"
#include "base/crypto.hpp"
#include "base/fault.hpp"
#include "inbound/letter.hpp"
#include "mailbox/mailbox.hpp"
#include "support/stores.hpp"
#include "support/zone_resolver.hpp"

namespace countersign::inbound {
namespace {

namespace asio = boost::asio;
using testing::Each;

constexpr std::string_view kAgent = "reader@agents.example";
constexpr std::string_view kDomain = "agents.example";

// Time that passes when the test says so. Used on one thread.
class ManualTimers final : public net::Timers {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return now_; }
  [[nodiscard]] std::unique_ptr<net::Timer> make(const asio::any_io_executor& executor) override {
    return std::make_unique<One>(*this, executor);
  }
  void advance(std::chrono::steady_clock::duration time) {
    now_ += time;
    for (One* one : all_) one->ring_if_due();
  }

 private:
  class One final : public net::Timer {
   public:
    One(ManualTimers& timers, const asio::any_io_executor& executor) : timers_(timers), bell_(executor) {
      timers_.all_.insert(this);
    }
    ~One() override { timers_.all_.erase(this); }
    void expires_after(std::chrono::steady_clock::duration time) override {
      due_ = timers_.now_ + time;
      bell_.expires_at(std::chrono::steady_clock::time_point::max());
      ring_if_due();
    }
    void cancel() override { bell_.cancel(); }
    [[nodiscard]] asio::awaitable<void> wait() override {
      if (due_ <= timers_.now_) co_return;
      boost::system::error_code ignored;
      co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    void ring_if_due() {
      if (due_ <= timers_.now_) bell_.cancel();
    }

   private:
    ManualTimers& timers_;
    asio::steady_timer bell_;
    std::chrono::steady_clock::time_point due_;
  };

  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  std::set<One*> all_;
};

// Only a processor that hangs gets there.
constexpr std::chrono::minutes kPatience{10};

class ProcessorTest : public test::StoreTest {
 protected:
  ProcessorTest() {
    fault::reset();
    (void)db().write([&](store::Tx& tx) {
      (void)account::create_user(tx, user_, "owner@example.com", clock_.now());
      account::Principal principal;
      principal.user = user_;
      (void)account::create_agent(tx, principal, {std::string(kAgent), ""}, kDomain, clock_.now());
      return std::monostate{};
    });
    fault::reset();
  }
  ~ProcessorTest() override {
    processor_.stop();
    pump_until([&] { return ended_; });
    readers_.join();
    store_.close();  // its threads post to io_
    fault::reset();
  }

  void start() {
    asio::co_spawn(io_, run(), asio::detached);
    settle();
  }

  // As the acceptor does.
  void arrive(std::string_view subject) {
    const std::string raw = fmt::format(
        "From: ann@elsewhere.example\r\nMessage-ID: <{0}@elsewhere.example>\r\nSubject: {0}\r\n\r\nText.\r\n",
        subject);
    TakeCommand command;
    command.content_id = fmt::format("arr_{:032x}", ++arrivals_);
    command.envelope = to_json(Envelope{});
    command.raw = raw;
    command.doors.push_back(
        {std::string(kAgent), MessageId(fmt::format("msg_{:032x}", arrivals_)), "", false});
    command.limits = {100, 100, 1'000'000, 1'000'000'000};
    command.shared_domain = kDomain;
    command.now = clock_.now();
    EXPECT_THAT(db().write([&](store::Tx& tx) { return take(tx, command); }), Each(AcceptAnswer::taken));
    processor_.wake();
  }

  template <class Done>
  void pump_until(Done done) {
    const auto patience = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), patience);
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
  }
  // Until nothing goes on any more: every write that was begun has ended, and what it set off has been done.
  void settle() {
    for (int quiet = 0; quiet < 3;) {
      (void)db().write([](store::Tx&) { return std::monostate{}; });
      (void)db().read([](store::ReadTx&) { return std::monostate{}; });
      io_.restart();
      quiet = io_.run_for(std::chrono::milliseconds(10)) == 0 ? quiet + 1 : 0;
    }
  }

  [[nodiscard]] std::size_t in_mailbox() {
    return db().read(
        [](store::ReadTx& tx) { return mailbox::list(tx, kAgent, {}, {}, 1'000).messages.size(); });
  }
  [[nodiscard]] static std::int64_t passed(const std::string& point) {
    return std::ranges::count(fault::passed(), point);
  }

  asio::io_context io_{1};
  asio::thread_pool readers_{1};
  ManualClock clock_{from_us(1'795'435'200'000'000)};
  ManualTimers timers_;
  test::ZoneResolver dns_;
  UserId user_{std::string(32, 'a')};
  int arrivals_ = 0;
  std::size_t published_ = 0;
  bool ended_ = false;
  bool busy_ = false;
  Processor processor_{asio::make_strand(io_), readers_, db(), clock_, dns_, options(), hooks(), timers_};

 private:
  asio::awaitable<void> run() {
    co_await processor_.run();
    ended_ = true;
  }
  static ProcessorOptions options() {
    ProcessorOptions options;
    options.worker = "test";
    options.shared_domain = kDomain;
    options.poll_interval = std::chrono::hours(1);
    return options;
  }
  ProcessorHooks hooks() {
    ProcessorHooks hooks;
    hooks.busy = [this] { return busy_; };
    hooks.published = [this](Published outcome) {
      EXPECT_EQ(outcome, Published::delivered);
      ++published_;
    };
    return hooks;
  }
};
COUNTERSIGN_ON_EVERY_STORE(ProcessorTest);

TEST_P(ProcessorTest, TheFirstMessageAfterALullIsTakenUpAtOnce) {
  start();
  arrive("one");
  pump_until([&] { return published_ == 1; });
  EXPECT_EQ(in_mailbox(), 1U);
}

TEST_P(ProcessorTest, AStreamIsTakenUpInGroups) {
  start();
  arrive("one");
  pump_until([&] { return published_ == 1; });
  for (const char* subject : {"two", "three", "four", "five"}) arrive(subject);
  settle();
  EXPECT_EQ(published_, 1U);
  EXPECT_EQ(passed("inbound.claim"), 1);
  timers_.advance(std::chrono::milliseconds(10));
  pump_until([&] { return published_ == 5; });
  EXPECT_EQ(passed("inbound.claim"), 2);
  EXPECT_EQ(in_mailbox(), 5U);
}

TEST_P(ProcessorTest, WhileMuchComesInWhatWasTakenWaitsALittle) {
  busy_ = true;
  start();
  arrive("one");
  pump_until([&] { return published_ == 1; });
  for (const char* subject : {"two", "three"}) arrive(subject);
  timers_.advance(std::chrono::milliseconds(200));
  settle();
  EXPECT_EQ(published_, 1U);
  timers_.advance(std::chrono::milliseconds(50));
  pump_until([&] { return published_ == 3; });
}

TEST_P(ProcessorTest, MailThatHasWaitedLongGivesWayToNobody) {
  busy_ = true;
  start();
  arrive("one");
  clock_.advance(std::chrono::seconds(3));
  arrive("two");
  timers_.advance(std::chrono::seconds(1));
  pump_until([&] { return published_ == 2; });
  arrive("three");
  timers_.advance(std::chrono::milliseconds(10));
  pump_until([&] { return published_ == 3; });
}

TEST_P(ProcessorTest, WhatIsReadyTogetherGoesIntoMailboxesInOneTransaction) {
  for (int i = 0; i < 10; ++i) arrive(std::to_string(i));
  start();
  pump_until([&] { return published_ == 10; });
  EXPECT_EQ(passed("inbound.published"), 1);
  EXPECT_EQ(in_mailbox(), 10U);
}

TEST_P(ProcessorTest, AFullClaimIsFollowedByAnotherWithoutAPause) {
  for (int i = 0; i < 70; ++i) arrive(std::to_string(i));
  start();
  pump_until([&] { return published_ == 70; });
  EXPECT_EQ(passed("inbound.claim"), 2);
  EXPECT_EQ(in_mailbox(), 70U);
}

// Whichever of them ended the process that had claimed them all.
TEST_P(ProcessorTest, WhatWasUnderWayWhenAProcessDiedIsTakenUpOneByOne) {
  for (int i = 0; i < 5; ++i) arrive(std::to_string(i));
  const auto claim_some = [&](std::int64_t suspects_max) {
    return db().write(
        [&](store::Tx& tx) { return claim(tx, "dead", clock_.now(), clock_.now(), 100, suspects_max); });
  };
  EXPECT_EQ(claim_some(1).size(), 5U);
  EXPECT_EQ(claim_some(0).size(), 0U);
  const std::vector<Claim> one = claim_some(1);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one.front().attempts, 2);
  arrive("fresh");
  start();
  for (const auto begun = std::chrono::steady_clock::now();
       published_ < 6 && std::chrono::steady_clock::now() - begun < kPatience;) {
    settle();
    timers_.advance(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(published_, 6U);
  EXPECT_EQ(in_mailbox(), 6U);
}

TEST_P(ProcessorTest, WhenTheStoreFailsAGroupComesBackWhole) {
  fault::arm("inbound.publish", 3, fault::Action::throw_error);
  for (int i = 0; i < 5; ++i) arrive(std::to_string(i));
  start();
  settle();
  EXPECT_EQ(published_, 0U);
  EXPECT_EQ(in_mailbox(), 0U);
  // Each is due some seconds after it was given back, whenever that was.
  for (const auto begun = std::chrono::steady_clock::now();
       published_ < 5 && std::chrono::steady_clock::now() - begun < kPatience;) {
    clock_.advance(std::chrono::seconds(6));
    timers_.advance(std::chrono::seconds(6));
    processor_.wake();
    settle();
  }
  EXPECT_EQ(published_, 5U);
  EXPECT_EQ(in_mailbox(), 5U);
}

// It fits no index of PostgreSQL.
TEST_P(ProcessorTest, AnEndlessMessageIdHoldsUpNobody) {
  std::string endless;
  for (int i = 0; endless.size() < 8'192; ++i) endless += sha256_hex(std::to_string(i));
  arrive("before");
  arrive(endless);
  arrive("behind");
  start();
  pump_until([&] { return published_ == 3; });
  EXPECT_EQ(in_mailbox(), 3U);
}

TEST_P(ProcessorTest, AMessageThatCannotBePublishedHoldsUpNoOther) {
  int turn = 0;
  // The third of the group, and the same again alone.
  const auto fail = [&turn](int at) {
    fault::arm("inbound.publish", at, fault::Action::call, [&turn] {
      ++turn;
      throw std::runtime_error("a bug");
    });
  };
  fail(3);
  for (int i = 0; i < 5; ++i) arrive(std::to_string(i));
  start();
  pump_until([&] { return turn == 1; });
  pump_until([&] { return published_ == 5; });
  EXPECT_EQ(in_mailbox(), 5U);
}

}  // namespace
}  // namespace countersign::inbound
