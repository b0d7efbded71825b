// Group commit for coroutines: what is asked for while a batch is being done makes up the next batch. A lone
// request never waits for company.
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
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "store/database.hpp"

namespace countersign::provider {

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
  Batcher(Strand strand, std::size_t count_max, Work work)
      : strand_(std::move(strand)), count_max_(count_max), work_(std::move(work)) {}
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
  using Queue = std::deque<Waiting>;

  // Everything below runs on the strand.

  void add(Waiting waiting) {
    if (const auto queue = queue_.lock()) {
      queue->push_back(std::move(waiting));
      return;
    }
    auto queue = std::make_shared<Queue>();
    queue_ = queue;
    queue->push_back(std::move(waiting));
    boost::asio::co_spawn(strand_, run(strand_, std::move(queue), count_max_, work_), boost::asio::detached);
  }

  // Ends, and with it the queue, when nobody waits any more.
  static boost::asio::awaitable<void> run(Strand strand, std::shared_ptr<Queue> queue, std::size_t count_max,
                                          Work work) {
    co_await boost::asio::post(strand, boost::asio::use_awaitable);  // behind those who are about to ask
    while (!queue->empty()) {
      std::vector<Waiting> batch;
      while (!queue->empty() && batch.size() < count_max) {
        batch.push_back(std::move(queue->front()));
        queue->pop_front();
      }
      const bool done = co_await answer(work, batch, 0, batch.size());
      for (std::size_t i = 0; !done && i < batch.size(); ++i) co_await answer(work, batch, i, 1);
    }
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
  std::weak_ptr<Queue> queue_;  // of the batches under way
};

}  // namespace countersign::provider
