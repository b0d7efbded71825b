// Group commit for coroutines: who shares a batch, who gets which answer, and whose fault a fault is.
#include "provider/batcher.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "store/error.hpp"

namespace countersign::provider {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::IsEmpty;

using Numbers = std::vector<int>;

class BatcherTest : public testing::Test {
 protected:
  /// Writes down each batch and answers ten times what was asked.
  asio::awaitable<Numbers> work(Numbers requests) {
    batches_.push_back(requests);
    if (on_batch_) on_batch_(requests);
    for (int& one : requests) one *= 10;
    co_return requests;
  }
  asio::awaitable<void> ask(int request) {
    std::string& answer = answers_[request];
    try {
      answer = std::to_string(co_await batcher_.ask(request));
    } catch (const std::exception& error) {
      answer = error.what();
    }
  }
  void start(int request) { asio::co_spawn(io_, ask(request), asio::detached); }
  void start(int first, int last) {
    for (int i = first; i <= last; ++i) start(i);
  }

  asio::io_context io_;
  std::vector<Numbers> batches_;
  std::map<int, std::string> answers_;
  std::function<void(const Numbers&)> on_batch_;
  Batcher<int, int> batcher_{asio::make_strand(asio::any_io_executor(io_.get_executor())), 3,
                             [this](Numbers requests) { return work(std::move(requests)); }};
};

TEST_F(BatcherTest, ALoneRequestIsDoneAlone) {
  start(1);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}));
  EXPECT_EQ(answers_[1], "10");
}

TEST_F(BatcherTest, WhatIsAskedForAtTheSameTimeIsDoneTogetherUpToTheLimitInTheOrderOfAsking) {
  start(1, 7);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1, 2, 3}, Numbers{4, 5, 6}, Numbers{7}));
  for (int i = 1; i <= 7; ++i) EXPECT_EQ(answers_[i], std::to_string(i * 10));
}

TEST_F(BatcherTest, WhatIsAskedForDuringABatchMakesUpTheNext) {
  on_batch_ = [this](const Numbers& requests) {
    if (requests == Numbers{1}) start(2, 3);
  };
  start(1);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}, Numbers{2, 3}));
}

TEST_F(BatcherTest, AfterAPauseItWorksAgain) {
  start(1);
  io_.run();
  io_.restart();
  start(2);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}, Numbers{2}));
}

TEST_F(BatcherTest, AFaultThatPassesIsEverybodysAndNobodyIsDoneTwice) {
  on_batch_ = [](const Numbers&) { throw store::Unavailable("the store is away"); };
  start(1, 3);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1, 2, 3}));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(answers_[i], "the store is away");
}

TEST_F(BatcherTest, AnOutcomeThatNobodyKnowsIsNotTriedAgainOneByOne) {
  on_batch_ = [](const Numbers&) { throw store::OutcomeUnknown("COMMIT without an answer"); };
  start(1, 2);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1, 2}));
  EXPECT_EQ(answers_[2], "COMMIT without an answer");
}

TEST_F(BatcherTest, OneRequestThatCannotBeDoneDoesNotSpoilTheOthers) {
  on_batch_ = [](const Numbers& requests) {
    if (std::ranges::count(requests, 2) > 0) throw store::ConstraintViolation("two is taken");
  };
  start(1, 3);
  io_.run();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1, 2, 3}, Numbers{1}, Numbers{2}, Numbers{3}));
  EXPECT_EQ(answers_[1], "10");
  EXPECT_EQ(answers_[2], "two is taken");
  EXPECT_EQ(answers_[3], "30");
}

TEST_F(BatcherTest, ABugInOneRequestIsThatRequestsOnly) {
  on_batch_ = [](const Numbers& requests) {
    if (std::ranges::count(requests, 3) > 0) throw std::logic_error("three is impossible");
  };
  start(1, 3);
  io_.run();
  EXPECT_EQ(answers_[1], "10");
  EXPECT_EQ(answers_[3], "three is impossible");
}

TEST_F(BatcherTest, AfterAFaultTheNextBatchIsDone) {
  on_batch_ = [this](const Numbers& requests) {
    if (requests.front() != 1) return;
    start(4);
    throw store::Unavailable("the store is away");
  };
  start(1);
  io_.run();
  EXPECT_EQ(answers_[1], "the store is away");
  EXPECT_EQ(answers_[4], "40");
}

// Time that passes when a test says so.
class GivenTimers final : public net::Timers {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return now_; }
  std::unique_ptr<net::Timer> make(const asio::any_io_executor& executor) override {
    return std::make_unique<Given>(*this, executor);
  }
  void pass(std::chrono::steady_clock::duration time) { now_ += time; }
  /// Ends the wait under way; how long it was to last.
  std::chrono::steady_clock::duration end_wait() {
    EXPECT_NE(waiting_, nullptr) << "nobody waits";
    if (waiting_ == nullptr) return {};
    const auto patience = waiting_->patience_;
    waiting_->cancel();
    return patience;
  }
  [[nodiscard]] bool somebody_waits() const { return waiting_ != nullptr; }

 private:
  class Given final : public net::Timer {
   public:
    Given(GivenTimers& timers, const asio::any_io_executor& executor)
        : timers_(timers), never_(executor, asio::steady_timer::time_point::max()) {}
    void expires_after(std::chrono::steady_clock::duration time) override { patience_ = time; }
    void cancel() override { never_.cancel(); }
    asio::awaitable<void> wait() override {
      timers_.waiting_ = this;
      boost::system::error_code ignored;
      co_await never_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      timers_.waiting_ = nullptr;
    }

    GivenTimers& timers_;
    asio::steady_timer never_;
    std::chrono::steady_clock::duration patience_{};
  };

  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  Given* waiting_ = nullptr;
};

class PatientBatcherTest : public BatcherTest {
 protected:
  /// One batch of `count`, which took that long.
  void had_company(int count, std::chrono::milliseconds took = std::chrono::milliseconds(8)) {
    on_batch_ = [this, took](const Numbers&) { timers_.pass(took); };
    for (int i = 0; i < count; ++i) ask_it(100 + i);
    io_.run();
    on_batch_ = nullptr;
    batches_.clear();
  }
  void ask_it(int request) {
    auto asking = [](Batcher<int, int>& batcher, int what) -> asio::awaitable<void> {
      co_await batcher.ask(what);
    };
    asio::co_spawn(io_, asking(*patient_, request), asio::detached);
  }
  void run_until_it_waits() {
    io_.restart();
    io_.poll();
  }
  void make() {
    patient_.emplace(
        asio::make_strand(asio::any_io_executor(io_.get_executor())), 3,
        [this](Numbers requests) { return work(std::move(requests)); },
        Patience{timers_, std::chrono::milliseconds(5)});
  }

  GivenTimers timers_;
  std::optional<Batcher<int, int>> patient_;
};

TEST_F(PatientBatcherTest, AfterALoneRequestTheNextOneIsNotKeptWaiting) {
  make();
  had_company(1);
  ask_it(1);
  run_until_it_waits();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}));
}

TEST_F(PatientBatcherTest, TheFirstThatComesBackWaitsForAsManyAsThereWere) {
  make();
  had_company(2);
  ask_it(1);
  run_until_it_waits();
  EXPECT_THAT(batches_, IsEmpty());
  ask_it(2);
  run_until_it_waits();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1, 2}));
  EXPECT_FALSE(timers_.somebody_waits());
}

TEST_F(PatientBatcherTest, WhoeverStaysAwayIsWaitedForHalfAsLongAsTheBatchBeforeTook) {
  make();
  had_company(2);
  ask_it(1);
  run_until_it_waits();
  EXPECT_EQ(timers_.end_wait(), std::chrono::milliseconds(4));
  run_until_it_waits();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}));
  ask_it(2);
  run_until_it_waits();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}, Numbers{2})) << "it was alone the last time";
}

TEST_F(PatientBatcherTest, NobodyIsWaitedForLongerThanTheLongestPatience) {
  make();
  had_company(2, std::chrono::milliseconds(80));
  ask_it(1);
  run_until_it_waits();
  EXPECT_EQ(timers_.end_wait(), std::chrono::milliseconds(5));
  run_until_it_waits();
  EXPECT_THAT(batches_, ElementsAre(Numbers{1}));
}

TEST(BatcherEnd, AnExecutorThatEndsTakesThoseWhoWaitAlong) {
  std::optional<asio::io_context> io(std::in_place);
  std::optional<asio::any_io_executor> endless = io->get_executor();
  int begun = 0;
  // Never completes: its handler is kept until the executor goes.
  std::optional<Batcher<int, int>> batcher;
  batcher.emplace(asio::make_strand(*endless), 3, [&begun](Numbers) -> asio::awaitable<Numbers> {
    ++begun;
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return Numbers{};
  });
  const auto held = std::make_shared<int>();
  const auto waiting = [](Batcher<int, int>& to, std::shared_ptr<int> token) -> asio::awaitable<void> {
    co_await to.ask(*token);
  };
  asio::co_spawn(*endless, waiting(*batcher, held), asio::detached);
  asio::co_spawn(*endless, waiting(*batcher, held), asio::detached);
  io->poll();
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(held.use_count(), 3);
  batcher.reset();
  endless.reset();
  io.reset();
  EXPECT_EQ(held.use_count(), 1) << "a coroutine outlives its executor";
}

}  // namespace
}  // namespace countersign::provider
