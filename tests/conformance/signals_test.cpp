// Signals between processes: what one sends the others hear, soon and together.
#include "store/signals.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "conformance/things.hpp"

namespace countersign::test {
namespace {

using store::kAllTopics;
using store::Topics;

// What was received; waits for it.
class Ear {
 public:
  std::function<void(Topics)> hook() {
    return [this](Topics topics) {
      const std::lock_guard lock(mutex_);
      heard_.push_back(topics);
      changed_.notify_all();
    };
  }
  void wait_for(Topics topics) { wait_for_any({topics}); }
  void wait_for_any(std::set<Topics> topics) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kStorePatience, [&] {
      return std::ranges::any_of(heard_, [&](Topics heard) { return topics.contains(heard); });
    })) << testing::PrintToString(topics);
  }
  [[nodiscard]] std::vector<Topics> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Topics> heard_;
};

TEST(Signals, AnEmbeddedStoreHasNone) {
  const TestStore place(Backend::sqlite);
  EXPECT_EQ(store::open_signals(place.options(), [](Topics) {}), nullptr);
}

TEST(Signals, OthersHearWhatOneSends) {
  const TestStore place(Backend::postgres);
  Ear first;
  Ear second;
  const auto one = store::open_signals(place.options(), first.hook());
  const auto other = store::open_signals(place.options(), second.hook());
  first.wait_for(kAllTopics);  // both listen now
  second.wait_for(kAllTopics);
  one->send(2);
  second.wait_for(2);
  other->send(4);
  first.wait_for(4);
  std::vector<Topics> heard = first.heard();
  std::erase(heard, kAllTopics);  // at the beginning, and once more if its connection was lost
  EXPECT_THAT(heard, testing::ElementsAre(4)) << "not what it sent itself";
}

TEST(Signals, WhatIsSentTogetherIsHeardTogether) {
  const TestStore place(Backend::postgres);
  Ear ear;
  const auto one = store::open_signals(place.options(), [](Topics) {});
  const auto other = store::open_signals(place.options(), ear.hook());
  ear.wait_for(kAllTopics);
  for (int i = 0; i < 10'000; ++i) one->send(1);
  one->send(8);
  ear.wait_for_any({8, 9});  // 8 alone if the sender was held up before it said so
  EXPECT_LT(ear.heard().size(), 100U);
}

TEST(Signals, WhoHearsOneMayAnswerAtOnceWithItsFirst) {
  const TestStore place(Backend::postgres);
  Ear asks;
  Ear answers;
  std::unique_ptr<store::Signals> answering;
  answering = store::open_signals(place.options(), [&, heard = answers.hook()](Topics topics) {
    heard(topics);
    if (topics == 1) answering->send(2);
  });
  const auto asking = store::open_signals(place.options(), asks.hook());
  answers.wait_for(kAllTopics);
  asks.wait_for(kAllTopics);
  asking->send(1);
  asks.wait_for(2);
}

TEST(Signals, AServerThatIsAwayIsNoFault) {
  store::Options options;
  options.url = "postgres://nobody@127.0.0.1:1/none";
  const auto signals = store::open_signals(options, [](Topics) {});
  signals->send(1);
  signals->stop();
  signals->send(1);
}

}  // namespace
}  // namespace countersign::test
