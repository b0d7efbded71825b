#include "store/job_queue.hpp"

namespace countersign::store {

void JobQueue::push(std::unique_ptr<Job> job, JobKind kind) {
  const char* refusal = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      refusal = "the store is stopped";
    } else if (jobs_.size() >= jobs_max_) {
      refusal = "too many transactions are waiting";
    } else {
      jobs_.push_back({std::move(job), kind, std::chrono::steady_clock::now() + patience_});
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
  arrived_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
  while (!jobs_.empty() && jobs.size() < count_max) {
    jobs.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  return !jobs.empty();
}

void JobQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  arrived_.notify_all();
}

}  // namespace countersign::store
