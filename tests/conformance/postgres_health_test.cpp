// Whether the server answers, as the workers of a store know it together: who may try, who waits, who is told
// that it is down, and when that is alarming. Time stands where the test puts it, so that whoever waited for
// it would wait for ever.
#include <gmock/gmock.h>

#include "store/error.hpp"
#include "store/postgres/health.hpp"

namespace countersign::store::postgres {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr Patience kPatience{.grace = 2s, .connect = 5s};

class PostgresHealthTest : public testing::Test {
 protected:
  PostgresHealthTest() { testing::internal::CaptureStderr(); }

  void pass(std::chrono::milliseconds time) { now_ += time; }
  /// As long as anybody waits who is in no hurry.
  [[nodiscard]] TimePoint patient() const { return now_ + 24h; }
  static std::string log() {
    std::string text = testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    return text;
  }
  void TearDown() override { (void)testing::internal::GetCapturedStderr(); }

  TimePoint now_{};
  Health health_{kPatience, [this] { return now_; }};
};

TEST(PostgresPatienceTest, GoesWithTheDeadlineWithinBounds) {
  struct {
    std::chrono::milliseconds deadline, grace, connect;
  } const cases[] = {{300ms, 2s, 5s}, {10s, 2s, 5s}, {60s, 12s, 30s}, {10min, 2min, 5min}, {24h, 2min, 5min}};
  for (const auto& each : cases) {
    const Patience patience = Patience::within(each.deadline);
    EXPECT_EQ(patience.grace, each.grace) << each.deadline.count();
    EXPECT_EQ(patience.connect, each.connect) << each.deadline.count();
  }
}

TEST_F(PostgresHealthTest, WhileTheServerAnswersNobodyWaits) {
  health_.wait_for_turn(patient());
  health_.wait_for_turn(now_);
  health_.succeeded();
  EXPECT_EQ(log(), "");
}

TEST_F(PostgresHealthTest, AConnectionThatWasSlowOnceIsNoAlarm) {
  health_.wait_for_turn(patient());
  pass(kPatience.connect);
  health_.failed("the server did not answer in time");
  pass(25ms);
  health_.wait_for_turn(patient());
  pass(1s);
  health_.succeeded();
  const std::string said = log();
  EXPECT_THAT(said, HasSubstr("warn  store.server_away"));
  EXPECT_THAT(said, HasSubstr("info  store.server_up"));
  EXPECT_THAT(said, Not(HasSubstr("store.server_down")));
}

TEST_F(PostgresHealthTest, TheFirstThatIsRefusedIsTheAlarmAndTheOthersFailAtOnce) {
  health_.failed("connection refused");
  pass(2s);
  health_.wait_for_turn(patient());  // one may try, now and then
  for (int i = 0; i < 20; ++i) EXPECT_THROW(health_.wait_for_turn(patient()), Unavailable);
  EXPECT_THAT(log(), testing::ContainsRegex("store.server_down.*connection refused"));
  for (int i = 0; i < 20; ++i) EXPECT_THROW(health_.wait_for_turn(patient()), Unavailable);
  EXPECT_EQ(log(), "") << "an outage is alarming once";
  health_.succeeded();
  health_.wait_for_turn(patient());
  EXPECT_THAT(log(), HasSubstr("store.server_up"));
}

TEST_F(PostgresHealthTest, WhoHasNoTimeLeftIsRefusedBeforeTheGraceIsOver) {
  health_.failed("connection refused");
  EXPECT_THROW(health_.wait_for_turn(now_), Unavailable);
  EXPECT_THAT(log(), HasSubstr("store.server_down"));
}

TEST_F(PostgresHealthTest, EachOutageHasItsAlarm) {
  for (int outage = 0; outage < 2; ++outage) {
    health_.failed("connection refused");
    EXPECT_THROW(health_.wait_for_turn(now_), Unavailable);
    EXPECT_THAT(log(), HasSubstr("store.server_down"));
    health_.succeeded();
  }
}

TEST_F(PostgresHealthTest, OneTriesAtATimeAndLaterEachTime) {
  health_.failed("connection refused");
  pass(2s);
  for (const std::chrono::milliseconds pause : {50ms, 100ms, 200ms, 400ms, 500ms, 500ms}) {
    health_.wait_for_turn(patient());
    pass(kPatience.connect - 1ms);
    EXPECT_THROW(health_.wait_for_turn(patient()), Unavailable) << "somebody tries still";
    health_.failed("connection refused");
    pass(pause - 1ms);
    EXPECT_THROW(health_.wait_for_turn(patient()), Unavailable);
    pass(1ms);
  }
}

TEST_F(PostgresHealthTest, WhoNeverSaysWhatCameOfItKeepsNobodyFromTrying) {
  health_.failed("connection refused");
  pass(2s);
  health_.wait_for_turn(patient());
  pass(kPatience.connect);
  health_.wait_for_turn(patient());
}

}  // namespace
}  // namespace countersign::store::postgres
