// Database calls for coroutines. For the edges only: the durable middle knows no Asio.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "store/database.hpp"

namespace countersign::store {
namespace detail {

// Starts `start(done)` and resumes the awaiting coroutine on its own executor with the outcome. The
// coroutine's context is kept alive by outstanding work until then.
template <class Value, class Start>
boost::asio::awaitable<Outcome<Value>> await_outcome(Start start) {
  auto initiate = [](auto handler, Start begin) {
    auto executor = boost::asio::get_associated_executor(handler);
    auto work = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
    // Shared, because the store keeps its callback in a movable function object and the handler is move-only.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    begin([shared, work](Outcome<Value> outcome) mutable noexcept {
      boost::asio::post(
          work, [shared, result = std::move(outcome)]() mutable { std::move (*shared)(std::move(result)); });
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(Outcome<Value>)>(
      initiate, boost::asio::use_awaitable, std::move(start));
}

template <class Value>
Value value_or_throw(Outcome<Value> outcome) {
  if (!outcome) std::rethrow_exception(outcome.error());
  return std::move(*outcome);
}

}  // namespace detail

/// Database::write for a coroutine: suspends until the commit is durable. Throws as Database::write does.
template <class Body>
boost::asio::awaitable<detail::BodyValue<Tx, Body>> write(Database& database, Body body,
                                                          Urgency urgency = Urgency::somebody_waits) {
  using Value = detail::BodyValue<Tx, Body>;
  auto start = [&database, body = std::move(body), urgency](auto done) mutable {
    database.write_async(std::move(body), std::move(done), urgency);
  };
  auto outcome = co_await detail::await_outcome<Value>(std::move(start));
  co_return detail::value_or_throw<Value>(std::move(outcome));
}

/// Database::read for a coroutine.
template <class Body>
boost::asio::awaitable<detail::BodyValue<ReadTx, Body>> read(Database& database, Body body) {
  using Value = detail::BodyValue<ReadTx, Body>;
  auto start = [&database, body = std::move(body)](auto done) mutable {
    database.read_async(std::move(body), std::move(done));
  };
  auto outcome = co_await detail::await_outcome<Value>(std::move(start));
  co_return detail::value_or_throw<Value>(std::move(outcome));
}

}  // namespace countersign::store
