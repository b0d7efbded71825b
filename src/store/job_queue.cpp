#include "store/job_queue.hpp"

#include <utility>

namespace countersign::store {
namespace {

void take(std::deque<QueuedJob>& from, std::vector<QueuedJob>& to, std::size_t count_max) {
  while (!from.empty() && to.size() < count_max) {
    to.push_back(std::move(from.front()));
    from.pop_front();
  }
}

}  // namespace

void JobQueue::push(std::unique_ptr<Job> job, JobKind kind, Urgency urgency) {
  const char* refusal = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      refusal = "the store is stopped";
    } else if (jobs_.size() + patient_jobs_.size() >= jobs_max_) {
      refusal = "too many transactions are waiting";
    } else {
      const TimePoint now = std::chrono::steady_clock::now();
      std::deque<QueuedJob>& queue = urgency == Urgency::can_wait ? patient_jobs_ : jobs_;
      queue.push_back({std::move(job), kind, now + patience_, false, now + gives_way_});
    }
  }
  if (refusal != nullptr) {
    job->fail(std::make_exception_ptr(Unavailable(refusal)));
  } else {
    arrived_.notify_one();
  }
}

bool JobQueue::pop(std::vector<QueuedJob>& jobs, std::size_t count_max) {
  jobs.clear();
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return closed_ || !jobs_.empty() || !patient_jobs_.empty(); });
  if (!patient_jobs_.empty() && patient_jobs_.front().patient_until <= std::chrono::steady_clock::now()) {
    take(patient_jobs_, jobs, 1);
  }
  const bool others = !jobs_.empty();
  take(jobs_, jobs, count_max);
  if (!others) take(patient_jobs_, jobs, count_max);
  return !jobs.empty();
}

void JobQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  arrived_.notify_all();
}

}  // namespace countersign::store
