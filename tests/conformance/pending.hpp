// Writes that are started now and looked at later, and a write that holds its store thread.
#pragma once

#include <future>
#include <latch>
#include <memory>
#include <utility>

#include "conformance/things.hpp"

namespace countersign::test {

/// Starts a write; the future has its outcome. `.get()` of the outcome's error rethrows.
template <class Body>
auto start_write(store::Database& database, Body body) {
  using Outcome = store::Outcome<store::detail::BodyValue<store::Tx, Body>>;
  std::promise<Outcome> promise;
  std::future<Outcome> future = promise.get_future();
  database.write_async(std::move(body), [promise = std::move(promise)](Outcome outcome) mutable {
    promise.set_value(std::move(outcome));
  });
  return future;
}

/// What a started write came to: its value, or the exception it failed with.
template <class Outcome>
auto result_of(std::future<Outcome>& future) {
  Outcome outcome = future.get();
  if (!outcome) std::rethrow_exception(outcome.error());
  return std::move(*outcome);
}

/// A write whose body runs from construction until release(), so that what is queued meanwhile forms one
/// group on a store with one writer. Later runs of the body pass.
class BlockingWrite {
 public:
  explicit BlockingWrite(store::Database& database, std::string id = "blocker")
      : outcome_(start_write(database, [gate = gate_, id = std::move(id)](store::Tx& tx) {
          gate->entered.test_and_set();
          gate->entered.notify_all();
          gate->released.wait();
          return adds(id)(tx);
        })) {
    gate_->entered.wait(false);
  }
  ~BlockingWrite() {
    if (!released_) gate_->released.count_down();
  }

  void release() {
    released_ = true;
    gate_->released.count_down();
  }
  /// Releases it and waits for its end. Throws what it failed with.
  void finish() {
    release();
    result_of(outcome_);
  }

 private:
  struct Gate {
    std::atomic_flag entered;
    std::latch released{1};
  };
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::future<store::Outcome<std::monostate>> outcome_;
  bool released_ = false;
};

}  // namespace countersign::test
