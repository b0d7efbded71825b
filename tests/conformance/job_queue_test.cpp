// The order in which waiting jobs go.
#include "store/job_queue.hpp"

#include <gmock/gmock.h>

#include <string>

namespace countersign::test {
namespace {

using store::JobKind;
using store::JobQueue;
using store::Urgency;
using testing::ElementsAre;

constexpr std::chrono::milliseconds kDeadline{60'000};

class NamedJob final : public store::Job {
 public:
  explicit NamedJob(std::string name) : name(std::move(name)) {}
  bool run(store::ReadTx& /*tx*/) override { return true; }
  void settle() noexcept override {}
  void fail(std::exception_ptr /*error*/) noexcept override {}

  const std::string name;
};

void push(JobQueue& queue, const std::string& name, Urgency urgency = Urgency::somebody_waits) {
  queue.push(std::make_unique<NamedJob>(name), JobKind::write, urgency);
}

std::vector<std::string> pop(JobQueue& queue, std::size_t count_max) {
  std::vector<store::QueuedJob> jobs;
  EXPECT_TRUE(queue.pop(jobs, count_max));
  std::vector<std::string> names;
  for (const store::QueuedJob& queued : jobs) names.push_back(dynamic_cast<NamedJob&>(*queued.job).name);
  return names;
}

TEST(JobQueue, WhatCanWaitGoesWhenNobodyWaits) {
  JobQueue queue(100, kDeadline, kDeadline);
  push(queue, "patient", Urgency::can_wait);
  push(queue, "a");
  push(queue, "patient too", Urgency::can_wait);
  push(queue, "b");
  push(queue, "c");
  EXPECT_THAT(pop(queue, 2), ElementsAre("a", "b"));
  EXPECT_THAT(pop(queue, 2), ElementsAre("c"));
  EXPECT_THAT(pop(queue, 9), ElementsAre("patient", "patient too"));
}

TEST(JobQueue, OfWhatHasWaitedLongOneGoesWithEveryGroup) {
  JobQueue queue(100, kDeadline, std::chrono::milliseconds(0));
  push(queue, "a");
  push(queue, "patient", Urgency::can_wait);
  push(queue, "patient too", Urgency::can_wait);
  push(queue, "b");
  push(queue, "c");
  EXPECT_THAT(pop(queue, 2), ElementsAre("patient", "a"));
  EXPECT_THAT(pop(queue, 2), ElementsAre("patient too", "b"));
  EXPECT_THAT(pop(queue, 2), ElementsAre("c"));
}

TEST(JobQueue, BothKindsShareItsRoom) {
  JobQueue queue(2, kDeadline, kDeadline);
  push(queue, "patient", Urgency::can_wait);
  push(queue, "a");
  push(queue, "refused");
  EXPECT_THAT(pop(queue, 9), ElementsAre("a"));
  EXPECT_THAT(pop(queue, 9), ElementsAre("patient"));
  queue.close();
  std::vector<store::QueuedJob> none;
  EXPECT_FALSE(queue.pop(none, 9));
}

}  // namespace
}  // namespace countersign::test
