// Database: the only source of transactions.
//
// Everything observable comes after the commit: write() returns, and write_async() calls back, only when the
// transaction is durable or is known not to be (delivery.md §5).
#pragma once

#include <exception>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "store/error.hpp"
#include "store/tx.hpp"

namespace countersign::store {

/// The value of a body, or the environment fault that kept it from being had.
template <class T>
using Outcome = std::expected<T, std::exception_ptr>;

/// Which of the writes that wait goes first. The rest of its promises are the same for both.
enum class Urgency {
  somebody_waits,
  can_wait,  // work on what is durable already, such as putting taken mail into mailboxes
};

/// A queued transaction. run() may be called several times; exactly one of settle() and fail() ends it.
class Job {
 public:
  virtual ~Job() = default;
  /// Runs the body. True: commit. False: the body refused, roll back (the refusal is the result).
  /// Throws what the body throws.
  virtual bool run(ReadTx& tx) = 0;
  /// The transaction is durable (or was refused and rolled back): hands the last run's value on.
  virtual void settle() noexcept = 0;
  virtual void fail(std::exception_ptr error) noexcept = 0;
};

namespace detail {

template <class T>
inline constexpr bool is_result = false;
template <class T, class E>
inline constexpr bool is_result<std::expected<T, E>> = true;

template <class TxType, class Body>
using BodyValue = std::invoke_result_t<Body&, TxType&>;

template <class TxType, class Body, class Done>
class JobOf final : public Job {
 public:
  using Value = BodyValue<TxType, Body>;
  static_assert(!std::is_void_v<Value>, "a body returns a value; return std::monostate{} when there is none");

  JobOf(Body body, Done done) : body_(std::move(body)), done_(std::move(done)) {}

  bool run(ReadTx& tx) override {
    value_.emplace(body_(static_cast<TxType&>(tx)));
    if constexpr (is_result<Value>) {
      return value_->has_value();
    } else {
      return true;
    }
  }
  void settle() noexcept override { done_(Outcome<Value>(std::move(*value_))); }
  void fail(std::exception_ptr error) noexcept override {
    done_(Outcome<Value>(std::unexpect, std::move(error)));
  }

 private:
  Body body_;
  Done done_;
  std::optional<Value> value_;
};

}  // namespace detail

/// A store that is open. Thread-safe.
///
/// A body is a plain function of the transaction: no network, clock, randomness or effect outside `tx`,
/// because it is run again after SQLITE_BUSY, a serialization failure or a lost connection. A body that
/// returns a Result holding a refusal is rolled back; so is one that throws. Writes may share one commit with
/// others (group commit), but keep or lose their own effects alone.
class Database {
 public:
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `body(Tx&)`, commits, returns its value. Blocks the calling thread.
  /// Throws Unavailable, OutcomeUnknown, ConstraintViolation, or what the body threw; then nothing was kept
  /// (OutcomeUnknown: cannot be told).
  template <class Body>
  detail::BodyValue<Tx, Body> write(Body body) {
    return blocking<Tx>(std::move(body), [this](std::unique_ptr<Job> job) {
      enqueue_write(std::move(job), Urgency::somebody_waits);
    });
  }
  /// The same for reading: `body(ReadTx&)`.
  template <class Body>
  detail::BodyValue<ReadTx, Body> read(Body body) {
    return blocking<ReadTx>(std::move(body),
                            [this](std::unique_ptr<Job> job) { enqueue_read(std::move(job)); });
  }

  /// Runs `body(Tx&)` on a store thread and then calls `done(Outcome<Value>)` there, once. `done` must not
  /// throw and must not wait for this database.
  template <class Body, class Done>
  void write_async(Body body, Done done, Urgency urgency = Urgency::somebody_waits) {
    enqueue_write(std::make_unique<detail::JobOf<Tx, Body, Done>>(std::move(body), std::move(done)), urgency);
  }
  template <class Body, class Done>
  void read_async(Body body, Done done) {
    enqueue_read(std::make_unique<detail::JobOf<ReadTx, Body, Done>>(std::move(body), std::move(done)));
  }

  [[nodiscard]] virtual Dialect dialect() const noexcept = 0;

  /// Finishes what is queued, refuses what comes later (Unavailable), joins the threads. Idempotent.
  virtual void stop() = 0;

 protected:
  Database() = default;
  /// Never block on the database itself. A full queue or a stopped store fails the job with Unavailable.
  virtual void enqueue_write(std::unique_ptr<Job> job, Urgency urgency) = 0;
  virtual void enqueue_read(std::unique_ptr<Job> job) = 0;

 private:
  template <class TxType, class Body, class Enqueue>
  static detail::BodyValue<TxType, Body> blocking(Body body, Enqueue enqueue) {
    using Value = detail::BodyValue<TxType, Body>;
    std::promise<Value> promise;
    std::future<Value> future = promise.get_future();
    auto done = [promise = std::move(promise)](Outcome<Value> outcome) mutable noexcept {
      if (outcome) {
        promise.set_value(std::move(*outcome));
      } else {
        promise.set_exception(outcome.error());
      }
    };
    enqueue(std::make_unique<detail::JobOf<TxType, Body, decltype(done)>>(std::move(body), std::move(done)));
    return future.get();
  }
};

}  // namespace countersign::store
