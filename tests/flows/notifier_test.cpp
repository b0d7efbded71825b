// The notifier over a transport that does as it is told: what leaves, how often, and what the store says of
// it.
#include "provider/notifier.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/fault.hpp"
#include "flows/office.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using provider::Fence;
using provider::HandOver;
using provider::Reply;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr store::Query kState("notifier_test.state", "SELECT state, attempts FROM review_mails");

/// Answers with what it was told, in order, and accepts behind the fence when it was told nothing.
class ObedientTransport final : public provider::Transport {
 public:
  enum class Step { accept, away, lose_answer, throw_before, throw_behind };
  std::deque<Step> steps;
  std::vector<HandOver> asked;

  asio::awaitable<Reply> hand_over(HandOver message, Fence fence) override {
    asked.push_back(std::move(message));
    Step step = Step::accept;
    if (!steps.empty()) {
      step = steps.front();
      steps.pop_front();
    }
    Reply reply;
    if (step == Step::throw_before) throw EnvironmentError("no route", true);
    if (step == Step::away) co_return reply;
    const bool passed = co_await fence();
    if (step == Step::throw_behind) throw EnvironmentError("cut off", true);
    reply.verdict = !passed                     ? provider::Verdict::lost_lease
                    : step == Step::lose_answer ? provider::Verdict::unknown
                                                : provider::Verdict::accepted;
    co_return reply;
  }
  asio::awaitable<void> drain() override { co_return; }
  [[nodiscard]] std::string_view name() const noexcept override { return "obedient"; }
  [[nodiscard]] provider::TransportClass transport_class() const noexcept override {
    return provider::TransportClass::plain;
  }
};
using Step = ObedientTransport::Step;

/// Moves on a little whenever somebody looks at it, so that what waits for its time gets its turn.
class MovingClock final : public Clock {
 public:
  explicit MovingClock(ManualClock& clock) : clock_(clock) {}
  [[nodiscard]] UtcTime now() const override {
    clock_.advance(100ms);
    return clock_.now();
  }

 private:
  ManualClock& clock_;
};

class NotifierTest : public StoreTest {
 protected:
  NotifierTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor);
    (void)db().write([&](store::Tx& tx) { return notify::set_account_settings(tx, office_.owner(), {}); });
  }
  ~NotifierTest() override { fault::reset(); }

  /// Lets a notifier work until so many hand-overs have ended. Their outcomes, in order.
  std::vector<std::string> run_until(std::size_t ended) {
    provider::NotifierOptions options;
    options.worker = "worker";
    options.sender = {{"Countersign", "hitl-noreply@relay.example"}, "https://mail.example"};
    options.poll_interval = 1ms;
    options.retry_first = 100ms;
    options.outage_pause_first = 1ms;
    options.sole_process = true;
    std::vector<std::string> outcomes;
    provider::Notifier* running = nullptr;
    provider::NotifierHooks hooks;
    hooks.ended = [&](std::string_view outcome) {
      outcomes.emplace_back(outcome);
      if (outcomes.size() == ended) running->stop();
    };
    asio::io_context io;
    provider::Notifier notifier(io.get_executor(), db(), clock_, transport_, notify::Links("a secret"),
                                std::move(options), std::move(hooks));
    running = &notifier;
    asio::steady_timer patience(io, 10min);  // only a notifier that hangs gets there
    patience.async_wait([&io](const boost::system::error_code& error) {
      if (!error) io.stop();
    });
    asio::co_spawn(io, notifier.run(), [&](const std::exception_ptr& error) {
      EXPECT_EQ(error, nullptr);
      patience.cancel();
    });
    io.run();
    return outcomes;
  }
  std::string state() {
    return db().read([](store::ReadTx& tx) {
      const store::Rows rows = tx.query(kState);
      return fmt::format("{} after {}", rows.front().view(0), rows.front().integer(1));
    });
  }

  Office office_{db()};
  MovingClock clock_{office_.clock()};
  ObedientTransport transport_;
};
COUNTERSIGN_ON_EVERY_STORE(NotifierTest);

TEST_P(NotifierTest, SendsAMailWithLinksOnce) {
  const MessageId id = office_.hold(kAuthor, draft_to({"bob@elsewhere.example"}));
  EXPECT_THAT(run_until(1), ElementsAre("accepted"));
  EXPECT_EQ(state(), "sent after 1");
  ASSERT_THAT(transport_.asked, SizeIs(1));
  const HandOver& mail = transport_.asked[0];
  EXPECT_EQ(mail.envelope_from, "hitl-noreply@relay.example");
  EXPECT_THAT(mail.recipients, ElementsAre("owner@example.com"));
  EXPECT_THAT(*mail.raw, HasSubstr("https://mail.example/v1/approve?t="));
  EXPECT_THAT(*mail.raw, HasSubstr(id.str()));
  office_.expect_sound();
}

TEST_P(NotifierTest, AProviderThatIsAwayCostsNoAttempt) {
  office_.hold(kAuthor, draft_to({"bob@elsewhere.example"}));
  transport_.steps = {Step::away, Step::throw_before, Step::away};
  EXPECT_THAT(run_until(4), ElementsAre("not_taken", "not_taken", "not_taken", "accepted"));
  EXPECT_EQ(state(), "sent after 1");
  office_.expect_sound();
}

TEST_P(NotifierTest, AnAnswerThatIsLostIsAskedForAgainWithTheSameBytes) {
  office_.hold(kAuthor, draft_to({"bob@elsewhere.example"}));
  transport_.steps = {Step::lose_answer, Step::throw_behind};
  EXPECT_THAT(run_until(3), ElementsAre("unknown", "unknown", "accepted"));
  EXPECT_EQ(state(), "sent after 3");
  EXPECT_EQ(*transport_.asked[0].raw, *transport_.asked[2].raw);
  EXPECT_EQ(transport_.asked[0].key, transport_.asked[2].key);
  office_.expect_sound();
}

TEST_P(NotifierTest, FaultsOfTheStoreDelayAMailAndLoseNone) {
  for (const char* point : {"notify.claim=throw", "notify.begin=throw", "notify.record=throw"}) {
    office_.hold(kAuthor, draft_to({"bob@elsewhere.example"}));
    office_.pass(1h);
    fault::arm_text(point);
    const std::vector<std::string> outcomes =
        run_until(point == std::string_view("notify.begin=throw") ? 2 : 1);
    EXPECT_EQ(outcomes.back(), "accepted") << point;
    fault::reset();
  }
  office_.expect_sound();
}

}  // namespace
}  // namespace countersign::test
