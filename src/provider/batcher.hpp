// Group commit for coroutines: what is asked for while a batch is being done makes up the next batch. A lone
// request never waits for company; where there was company a moment ago, a batch may wait for it a little.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "net/timers.hpp"
#include "store/database.hpp"

namespace countersign::provider {

/// Those who were answered together come back at about the same time, one of them first: without patience it
/// would be a batch by itself, and all others would wait for its end.
struct Patience {
  net::Timers& timers;
  /// A batch waits for as many requests as the one before had, no longer than half of what that took, and no
  /// longer than this.
  std::chrono::steady_clock::duration longest;
};

/// Collects requests and has them done together, one batch after the other. What is under way belongs to the
/// batch itself, so that an executor that is destroyed in the middle takes those who wait along.
template <class Request, class Answer>
class Batcher {
 public:
  using Answers = std::vector<Answer>;
  /// Does a batch: one answer for each request, in their order. What it throws is everybody's, unless it may
  /// be the fault of one of them (not an EnvironmentError that is worth a retry): then each is done again
  /// alone.
  using Work = std::function<boost::asio::awaitable<Answers>(std::vector<Request>)>;
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;

  /// `work` runs on `strand`; what it refers to outlives every ask().
  Batcher(Strand strand, std::size_t count_max, Work work, std::optional<Patience> patience = std::nullopt)
      : strand_(std::move(strand)),
        count_max_(count_max),
        work_(std::move(work)),
        patience_(patience),
        before_(std::make_shared<Before>()) {}
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// The answer to one request. From any executor; the caller keeps this object alive meanwhile.
  [[nodiscard]] boost::asio::awaitable<Answer> ask(Request request) {
    auto initiate = [this, &request](auto handler) {
      auto executor = boost::asio::get_associated_executor(handler);
      auto work = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      Done done = [shared, work](store::Outcome<Answer> outcome) {
        boost::asio::post(work, [shared, result = std::move(outcome)]() mutable {
          std::move (*shared)(std::move(result));
        });
      };
      boost::asio::post(strand_, [this, waiting = Waiting{std::move(request), std::move(done)}]() mutable {
        add(std::move(waiting));
      });
    };
    auto outcome = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&,
                                                        void(store::Outcome<Answer>)>(
        initiate, boost::asio::use_awaitable);
    if (!outcome) std::rethrow_exception(outcome.error());
    co_return std::move(*outcome);
  }

 private:
  using Done = std::function<void(store::Outcome<Answer>)>;
  struct Waiting {
    Request request;
    Done done;
  };
  struct Queue {
    std::deque<Waiting> waiting;
    std::unique_ptr<net::Timer> timer;  // while the next batch waits for company
    std::size_t enough = 0;             // ends that wait
  };
  // What a wait for company goes by; it outlives the queue.
  struct Before {
    std::size_t count = 0;
    std::chrono::steady_clock::duration took{};
  };

  // Everything below runs on the strand.

  void add(Waiting waiting) {
    if (const auto queue = queue_.lock()) {
      queue->waiting.push_back(std::move(waiting));
      if (queue->timer && queue->waiting.size() >= queue->enough) queue->timer->cancel();
      return;
    }
    auto queue = std::make_shared<Queue>();
    queue_ = queue;
    queue->waiting.push_back(std::move(waiting));
    auto batches = run(strand_, std::move(queue), count_max_, work_, patience_, before_);
    boost::asio::co_spawn(strand_, std::move(batches), boost::asio::detached);
  }

  // Ends, and with it the queue, when nobody waits any more.
  static boost::asio::awaitable<void> run(Strand strand, std::shared_ptr<Queue> queue, std::size_t count_max,
                                          Work work, std::optional<Patience> patience,
                                          std::shared_ptr<Before> before) {
    co_await boost::asio::post(strand, boost::asio::use_awaitable);  // behind those who are about to ask
    while (!queue->waiting.empty()) {
      if (patience && before->count > 1)
        co_await wait_for_company(strand, *queue, count_max, *patience, *before);
      std::vector<Waiting> batch;
      while (!queue->waiting.empty() && batch.size() < count_max) {
        batch.push_back(std::move(queue->waiting.front()));
        queue->waiting.pop_front();
      }
      const auto begun = patience ? patience->timers.now() : std::chrono::steady_clock::time_point();
      const bool done = co_await answer(work, batch, 0, batch.size());
      for (std::size_t i = 0; !done && i < batch.size(); ++i) co_await answer(work, batch, i, 1);
      if (patience) *before = {batch.size(), patience->timers.now() - begun};
    }
  }

  static boost::asio::awaitable<void> wait_for_company(const Strand& strand, Queue& queue,
                                                       std::size_t count_max, const Patience& patience,
                                                       const Before& before) {
    queue.enough = std::min(before.count, count_max);
    if (queue.waiting.size() >= queue.enough) co_return;
    queue.timer = patience.timers.make(strand);
    queue.timer->expires_after(std::min(before.took / 2, patience.longest));
    co_await queue.timer->wait();
    queue.timer.reset();
  }

  // False: nobody was answered, since the fault may be one request's.
  static boost::asio::awaitable<bool> answer(const Work& work, std::vector<Waiting>& batch, std::size_t first,
                                             std::size_t count) {
    std::vector<Request> requests;
    requests.reserve(count);
    for (std::size_t i = 0; i < count; ++i) requests.push_back(batch[first + i].request);
    Answers answers;
    std::exception_ptr fault;
    bool everybodys = count == 1;
    try {
      answers = co_await work(std::move(requests));
      CS_ASSERT(answers.size() == count);
    } catch (const EnvironmentError& error) {
      fault = std::current_exception();
      everybodys = everybodys || error.retryable();
    } catch (...) {
      fault = std::current_exception();
    }
    if (fault && !everybodys) co_return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (fault) {
        batch[first + i].done(store::Outcome<Answer>(std::unexpect, fault));
      } else {
        batch[first + i].done(store::Outcome<Answer>(Answer(std::move(answers[i]))));
      }
    }
    co_return true;
  }

  Strand strand_;
  std::size_t count_max_;
  Work work_;
  std::optional<Patience> patience_;
  std::shared_ptr<Before> before_;
  std::weak_ptr<Queue> queue_;  // of the batches under way
};

}  // namespace countersign::provider
