// The dispatcher over a transport that does as it is told: what is handed over, when, how often, and what the
// store says of it afterwards.
#include "provider/dispatcher.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "base/fault.hpp"
#include "flows/dispatcher_fixture.hpp"
#include "outbox/relay.hpp"
#include "provider/receipts.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::test {
namespace {

using mailbox::DeliveryStatus;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
COUNTERSIGN_ON_EVERY_STORE(DispatcherTest);

TEST_P(DispatcherTest, HandsOverWhatIsDueAndRecordsTheAnswer) {
  const std::vector<MessageId> ids = queue(3);
  EXPECT_THAT(run_until(3), ElementsAre("accepted", "accepted", "accepted"));
  for (const MessageId& id : ids) {
    EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
    EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
    EXPECT_THAT(office_.events(id), ElementsAre("email.sent"));
  }
  const auto asked = std::ranges::find(transport_.asked, ids.front().str(), &HandOver::key);
  ASSERT_NE(asked, transport_.asked.end());
  const HandOver& first = *asked;
  EXPECT_EQ(first.envelope_from, "agent@relay.example");
  EXPECT_THAT(first.recipients, ElementsAre("r0@elsewhere.example"));
  EXPECT_THAT(*first.raw, testing::HasSubstr("Subject: Quarterly figures\r\n"));
  EXPECT_FALSE(first.needs_smtputf8);
  office_.expect_sound();
}

TEST_P(DispatcherTest, EveryAttemptOfAMessageHasTheReturnPathThatNamesIt) {
  const MessageId id = queue_one();
  transport_.then(replies(session_fault()));
  provider::DispatcherOptions with_path = options();
  with_path.return_path = [](std::string_view sender, const MessageId& message) {
    return fmt::format("{}/{}", message.str(), sender);
  };
  office_.pass(std::chrono::seconds(1));
  EXPECT_THAT(run_until(1, with_path), ElementsAre("session_fault"));
  office_.pass(std::chrono::hours(1));
  EXPECT_THAT(run_until(1, with_path), ElementsAre("accepted"));
  ASSERT_THAT(transport_.asked, SizeIs(2));
  for (const HandOver& asked : transport_.asked) {
    EXPECT_EQ(asked.envelope_from, id.str() + "/agent@relay.example");
  }
}

TEST_P(DispatcherTest, TheFenceIsDurableBeforeTheLastByteLeaves) {
  const MessageId id = queue_one();
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    EXPECT_THAT(office_.attempts(id), ElementsAre("claimed/1"));
    const bool passed = co_await fence();
    EXPECT_TRUE(passed);
    EXPECT_THAT(office_.attempts(id), ElementsAre("handover/1"));
    EXPECT_EQ(message.key, id.str());
    co_return reply_of(provider::Verdict::accepted, 250, "queued");
  });
  run_until(1);
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, RecordsARefusalAndADeferralForWhatTheyAre) {
  const std::vector<MessageId> ids = queue(2);
  auto options = DispatcherTest::options();
  options.in_flight_max = 1;
  transport_.then(replies(reply_of(provider::Verdict::refused, 550, "no")));
  transport_.then(replies_after_fence(reply_of(provider::Verdict::deferred, 451, "later")));
  EXPECT_THAT(run_until(2, options), ElementsAre("refused", "deferred"));
  EXPECT_THAT(office_.attempts(ids[0]), ElementsAre("refused/1"));
  EXPECT_THAT(office_.attempts(ids[1]), ElementsAre("deferred/1", "queued/0"));
  EXPECT_EQ(office_.message(ids[0]).delivery_status, DeliveryStatus::failed);
  EXPECT_EQ(office_.message(ids[1]).delivery_status, DeliveryStatus::sending);
  office_.expect_sound();
}

TEST_P(DispatcherTest, WhileAnswersCannotBeWrittenTheProviderGetsAsManyMessagesAgainAndNoMore) {
  const std::vector<MessageId> ids = queue(3);
  auto options = DispatcherTest::options();
  options.in_flight_max = 1;
  std::atomic<std::size_t> asked = 0;
  const auto taken = [&](HandOver message, Fence fence) {
    ++asked;
    return transport_.accept(std::move(message), std::move(fence));
  };
  for (std::size_t i = 0; i < ids.size(); ++i) transport_.then(taken);
  int refused_behind_two = 0;
  std::function<void()> refuse = [&] {
    if (asked >= 2) ++refused_behind_two;
    EXPECT_LE(asked, 2U);
    if (refused_behind_two < 3) fault::arm("outbox.record", 1, fault::Action::call, refuse);
    throw EnvironmentError("the disk is away", true);
  };
  fault::arm("outbox.record", 1, fault::Action::call, refuse);
  EXPECT_THAT(run_until(3, options), ElementsAre("accepted", "accepted", "accepted"));
  EXPECT_EQ(refused_behind_two, 3);
  for (const MessageId& id : ids) EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, AnOutageCostsNoAttemptAndRaisesOneAlarm) {
  const std::vector<MessageId> ids = queue(5);
  constexpr std::size_t kFaults = 12;
  for (std::size_t i = 0; i < kFaults; ++i) transport_.then(replies(session_fault()));
  testing::internal::CaptureStderr();
  const auto verdicts = run_until(kFaults + ids.size());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(verdicts, "session_fault"), static_cast<std::ptrdiff_t>(kFaults));
  EXPECT_EQ(std::ranges::count(verdicts, "accepted"), 5);
  for (const MessageId& id : ids) {
    EXPECT_THAT(office_.attempts(id), SizeIs(1));
    EXPECT_THAT(office_.attempts(id).front(), testing::StartsWith("accepted/"));
    // Noted once, however often the relay was asked.
    EXPECT_LE(std::ranges::count(office_.lifecycle(id), "submission.temporary_failure"), 1);
  }
  const auto occurrences = [&](std::string_view line) {
    std::size_t count = 0;
    for (auto at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(occurrences("dispatcher.provider_unavailable"), 1U);
  EXPECT_EQ(occurrences("dispatcher.provider_available"), 1U);
  office_.expect_sound();
}

TEST_P(DispatcherTest, AnAnswerToWhatWasAskedBeforeTheOutageDoesNotEndIt) {
  const std::vector<MessageId> ids = queue(4);
  auto options = DispatcherTest::options();
  options.in_flight_max = 4;
  options.outage_pause_first = std::chrono::hours(1);  // no probe comes in between
  const auto when = [&](const std::function<bool()>& happened) -> asio::awaitable<void> {
    const std::unique_ptr<net::Timer> pause = timers_.make(co_await asio::this_coro::executor);
    const auto begun = std::chrono::steady_clock::now();
    while (!happened() && std::chrono::steady_clock::now() - begun < kPatience) {
      pause->expires_after(std::chrono::milliseconds(5));
      co_await pause->wait();
    }
    EXPECT_TRUE(happened());
  };
  bool asked = false;
  const std::function<bool()> one_was_asked = [&] { return asked; };
  const std::function<bool()> three_are_back = [&] {
    return std::ranges::count_if(
               ids, [&](const MessageId& id) { return office_.attempts(id).front() == "queued/1"; }) == 3;
  };
  UtcTime seen;
  const std::function<bool()> relay_was_looked_at = [&] {
    return office_.now() > seen + std::chrono::milliseconds(50);
  };
  for (int i = 0; i < 3; ++i) {
    transport_.then([&](HandOver, Fence) -> asio::awaitable<Reply> {
      co_await when(one_was_asked);
      co_return session_fault();
    });
  }
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    Reply reply = co_await transport_.accept(std::move(message), std::move(fence));
    asked = true;
    co_await when(three_are_back);
    seen = office_.now();
    co_await when(relay_was_looked_at);
    co_return reply;
  });
  testing::internal::CaptureStderr();
  EXPECT_THAT(run_until(4, options),
              ElementsAre("session_fault", "session_fault", "session_fault", "accepted"));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, testing::HasSubstr("dispatcher.provider_unavailable"));
  EXPECT_THAT(log, testing::Not(testing::HasSubstr("dispatcher.provider_available")));
  const auto relay = db().read([](store::ReadTx& tx) { return outbox::look_at_relay(tx, "scripted"); });
  ASSERT_TRUE(relay.has_value());
  EXPECT_TRUE(relay->open);
  office_.expect_sound();
}

TEST_P(DispatcherTest, AReceiptThatCannotBeAppliedKeepsNothingElseBack) {
  const std::vector<MessageId> ids = queue(2);
  const TemporaryDirectory folder;
  asio::thread_pool files(1);
  {
    provider::ReceiptFile of_the_predecessor(folder.path(), files);
    asio::io_context io;
    for (const outbox::Claim& claim : office_.claim("the predecessor")) {
      ASSERT_TRUE(office_.fence(claim, "the predecessor"));
      provider::Receipt receipt{claim, "the predecessor", false, {}};
      receipt.answer.verdict = outbox::Verdict::accepted;
      receipt.answer.provider = "scripted";
      asio::co_spawn(io, of_the_predecessor.keep(std::move(receipt)), asio::detached);
    }
    io.run();
  }
  const MessageId next = queue_one();
  auto options = DispatcherTest::options();
  for (const bool again : {false, true}) {
    provider::ReceiptFile receipts(folder.path(), files);
    ASSERT_THAT(receipts.left_behind(), testing::Not(IsEmpty()));
    options.receipts = &receipts;
    if (!again) {
      fault::arm("outbox.record", 1, fault::Action::call, [] { throw std::logic_error("a bug"); });
      EXPECT_THAT(run_until(1, options), ElementsAre("accepted"));
    } else {
      run_until(0, options);
    }
    const auto accepted = std::ranges::count_if(
        ids, [&](const MessageId& id) { return office_.attempts(id).front() == "accepted/1"; });
    EXPECT_EQ(accepted, again ? 2 : 1);
  }
  EXPECT_THAT(office_.attempts(next), ElementsAre("accepted/1"));
  EXPECT_THAT(transport_.taken, ElementsAre(next.str()));
  office_.expect_sound();
}

TEST_P(DispatcherTest, ALeaseThatWasLostHandsNothingOver) {
  const MessageId id = queue_one();
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    office_.pass(2 * options().lease);
    (void)db().write(
        [&](store::Tx& tx) { return outbox::rescue(tx, {office_.now(), office_.now()}).requeued; });
    co_return co_await transport_.accept(std::move(message), std::move(fence));
  });
  // Both are under way at once, and either may end first.
  EXPECT_THAT(run_until(2), UnorderedElementsAre("lost_lease", "accepted"));
  EXPECT_THAT(transport_.taken, ElementsAre(id.str()));
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/2"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, AnExceptionBeforeTheFenceIsAFaultOfTheSession) {
  const MessageId id = queue_one();
  transport_.then([](HandOver, Fence) -> asio::awaitable<Reply> {
    throw std::runtime_error("no route to host");
    co_return Reply{};
  });
  EXPECT_THAT(run_until(2), ElementsAre("session_fault", "accepted"));
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/2"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, AnExceptionAfterTheFenceIsUnknownAndNotTriedAgain) {
  const MessageId id = queue_one();
  transport_.then([](HandOver, Fence fence) -> asio::awaitable<Reply> {
    const bool passed = co_await fence();
    EXPECT_TRUE(passed);
    throw std::runtime_error("connection reset");
  });
  EXPECT_THAT(run_until(1), ElementsAre("unknown"));
  EXPECT_THAT(office_.attempts(id), ElementsAre("unknown/1"));
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::unknown);
  const MessageId next = queue_one();
  EXPECT_THAT(run_until(1), ElementsAre("accepted"));
  EXPECT_THAT(transport_.taken, ElementsAre(next.str()));
  office_.expect_sound();
}

TEST_P(DispatcherTest, AFenceThatCannotBeWrittenHandsNothingOverAndDoesNotBlameTheProvider) {
  const MessageId id = queue_one();
  fault::arm("dispatcher.before_fence", 1, fault::Action::throw_error);
  testing::internal::CaptureStderr();
  EXPECT_THAT(run_until(2), ElementsAre("session_fault", "accepted"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::Not(testing::HasSubstr("dispatcher.provider_unavailable")));
  EXPECT_THAT(transport_.taken, ElementsAre(id.str()));
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/2"));
}

TEST_P(DispatcherTest, WhoSleepsThroughTheLeaseAtTheFenceSendsNothing) {
  const MessageId id = queue_one();
  fault::arm("outbox.fence", 1, fault::Action::call, [&] { timers_.skip(options().lease); });
  EXPECT_THAT(run_until(2), ElementsAre("session_fault", "accepted"));
  EXPECT_THAT(transport_.taken, ElementsAre(id.str())) << "by the second claim only";
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/2"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, AnAnswerIsWrittenOnceTheStoreIsBack) {
  const MessageId id = queue_one();
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    Reply reply = co_await transport_.accept(std::move(message), std::move(fence));
    fault::arm("outbox.record", 1, fault::Action::call, [] {
      fault::arm("outbox.record", 1, fault::Action::throw_error);
      throw EnvironmentError("the store is away", true);
    });
    co_return reply;
  });
  EXPECT_THAT(run_until(1), ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
  EXPECT_EQ(std::ranges::count(fault::passed(), "outbox.record"), 3);
  office_.expect_sound();
}

TEST_P(DispatcherTest, StoppingLetsWhatIsUnderWayEndAndTakesNothingNew) {
  const std::vector<MessageId> ids = queue(2);
  auto options = DispatcherTest::options();
  options.in_flight_max = 1;
  provider::Dispatcher* running = nullptr;
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    running->stop();
    // Behind the stop, which runs on the same thread.
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return co_await transport_.accept(std::move(message), std::move(fence));
  });
  // Nothing lingers that waits for a third of the lease: run_until would not.
  static_assert(kPatience < kLeaseOfTests / 3);
  EXPECT_THAT(run_until(9, options, [&](provider::Dispatcher& dispatcher) { running = &dispatcher; }),
              ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(ids[0]), ElementsAre("accepted/1"));
  EXPECT_THAT(office_.attempts(ids[1]), ElementsAre("queued/0"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, WhatAClaimUnderWayAtTheStopBringsKeepsItsLease) {
  const MessageId id = queue_one();
  auto options = DispatcherTest::options();
  options.sole_process = true;
  provider::Dispatcher* running = nullptr;
  int looks = 0;
  clock_.on_look = [&] {
    if (++looks != 2) return;  // first the rescuer looks, then the claim that is about to be made
    timers_.hurry = true;      // not before: a renewal looks at the clock, too
    running->stop();
  };
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    co_await lease_to_be_renewed();
    co_return co_await transport_.accept(std::move(message), std::move(fence));
  });
  EXPECT_THAT(run_until(9, options, [&](provider::Dispatcher& dispatcher) { running = &dispatcher; }),
              ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
}

TEST_P(DispatcherTest, WhoCannotRenewItsLeasesTakesUpNobodysUntilItCan) {
  const MessageId id = queue_one();
  auto options = DispatcherTest::options();
  options.in_flight_max = 1;  // nothing else is written during the hand-over
  timers_.hurry = true;
  bool failed = false;
  transport_.then([&](HandOver message, Fence fence) -> asio::awaitable<Reply> {
    office_.pass(2 * options.lease);
    fault::arm("store.before_commit", 1, fault::Action::call, [&] {
      failed = true;
      throw EnvironmentError("the store is away", true);
    });
    co_await lease_to_be_renewed();
    co_return co_await transport_.accept(std::move(message), std::move(fence));
  });
  EXPECT_THAT(run_until(1, options), ElementsAre("accepted"));
  EXPECT_TRUE(failed);
  EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, ADispatcherWithNothingToDoStopsAtOnce) {
  static_assert(kPatience < kLeaseOfTests / 3);
  EXPECT_THAT(run_until(0), IsEmpty());
}

TEST_P(DispatcherTest, ASoleProcessTakesUpAtOnceWhatItsPredecessorHadClaimed) {
  const MessageId claimed = queue_one();
  ASSERT_THAT(office_.claim("the predecessor"), SizeIs(1));
  auto alone = options();
  alone.sole_process = true;
  EXPECT_THAT(run_until(1, alone), ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(claimed), ElementsAre("accepted/2"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, ASoleProcessCallsUnknownWhatItsPredecessorWasHandingOver) {
  const MessageId handed_over = queue_one();
  const auto claims = office_.claim("the predecessor");
  ASSERT_THAT(claims, SizeIs(1));
  ASSERT_TRUE(office_.fence(claims.front(), "the predecessor"));
  queue_one();
  auto alone = options();
  alone.sole_process = true;
  EXPECT_THAT(run_until(1, alone), ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(handed_over), ElementsAre("unknown/1"));
  office_.expect_sound();
}

TEST_P(DispatcherTest, OneOfSeveralProcessesLeavesTheLeasesOfOthersAlone) {
  const MessageId claimed = queue_one();
  ASSERT_THAT(office_.claim("another process"), SizeIs(1));
  queue_one();
  EXPECT_THAT(run_until(1), ElementsAre("accepted"));
  EXPECT_THAT(office_.attempts(claimed), ElementsAre("claimed/1"));
}

TEST_P(DispatcherTest, TwoDispatchersOnOneStoreNeverHandTheSameMessageOver) {
  constexpr std::size_t kMessages = 60;
  const std::vector<MessageId> ids = queue(static_cast<int>(kMessages));
  const auto second_node = store_.open_another();
  asio::io_context io;
  std::vector<std::unique_ptr<provider::Dispatcher>> dispatchers;
  std::size_t ended = 0;
  provider::DispatcherHooks hooks;
  hooks.ended = [&](std::string_view, std::string_view) {
    if (++ended < kMessages) return;
    for (const auto& dispatcher : dispatchers) dispatcher->stop();
  };
  int finished = 0;
  Patience patience(io);
  for (store::Database* database : {&db(), second_node.get()}) {
    auto options = DispatcherTest::options(fmt::format("worker-{}", dispatchers.size()));
    options.in_flight_max = 4;
    dispatchers.push_back(std::make_unique<provider::Dispatcher>(
        io.get_executor(), *database, office_.clock(), transport_, std::move(options), hooks));
    asio::co_spawn(io, dispatchers.back()->run(), [&](const std::exception_ptr& error) {
      EXPECT_EQ(error, nullptr);
      if (++finished == 2) patience.end();
    });
  }
  patience.run();
  EXPECT_EQ(finished, 2);
  EXPECT_THAT(transport_.asked, SizeIs(kMessages));
  EXPECT_EQ(std::set<std::string>(transport_.taken.begin(), transport_.taken.end()).size(), kMessages);
  for (const MessageId& id : ids) EXPECT_THAT(office_.attempts(id), ElementsAre("accepted/1"));
  office_.expect_sound();
}

// The nth-fault loop over a hand-over: the process dies at the first point it passes, at the second, …, and
// another one takes over (delivery.md §7).
TEST_P(DispatcherTest, AProcessThatDiesAtAnyPointOfAHandOverNeverSendsTwiceNorLosesSilently) {
  queue_one();
  fault::reset();
  run_until(1);
  const std::vector<std::string> points = fault::passed();
  ASSERT_THAT(points, testing::Contains("dispatcher.fenced"));
  ASSERT_THAT(points, testing::Contains("dispatcher.recorded"));
  auto alone = options();
  alone.sole_process = true;
  std::map<std::string, int> passages;
  for (const std::string& point : points) {
    SCOPED_TRACE(point + " failed");
    const int passage = ++passages[point];
    const MessageId id = queue_one();
    transport_.taken.clear();
    fault::reset();
    run_until(1, alone, [&](provider::Dispatcher& dispatcher) {
      fault::arm(point, passage, fault::Action::call, [&dispatcher] {
        dispatcher.stop();
        throw EnvironmentError("the process dies", true);
      });
    });
    fault::reset();
    office_.pass(std::chrono::minutes(1));
    const auto is_settled = [&] {
      const std::string last = office_.attempts(id).back();
      return last.starts_with("accepted") || last.starts_with("unknown");
    };
    if (!is_settled()) {
      // A rescue of the dead one's hand-over settles it without another hand-over.
      const bool handed_over = office_.attempts(id).back().starts_with("handover");
      run_until(handed_over ? 0 : 1, alone);
    }
    EXPECT_TRUE(is_settled());
    EXPECT_LE(transport_.taken.size(), 1U);
    if (office_.attempts(id).back().starts_with("accepted")) {
      EXPECT_THAT(transport_.taken, ElementsAre(id.str()));
    }
    office_.expect_sound();
  }
}

}  // namespace
}  // namespace countersign::test
