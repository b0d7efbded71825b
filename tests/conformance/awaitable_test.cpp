// The store for coroutines.
#include "store/awaitable.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "conformance/things.hpp"

namespace countersign::test {
namespace {

using boost::asio::awaitable;

class AwaitableTest : public ThingsTest {
 protected:
  // Runs a coroutine to its end on this thread; throws what it throws.
  void run(awaitable<void> coroutine) {
    std::exception_ptr error;
    boost::asio::co_spawn(context_, std::move(coroutine), [&](std::exception_ptr thrown) { error = thrown; });
    context_.run();
    if (error) std::rethrow_exception(error);
  }

  boost::asio::io_context context_;
};
COUNTERSIGN_ON_EVERY_STORE(AwaitableTest);

awaitable<void> write_and_read(store::Database& db, std::thread::id home) {
  auto body = adds("a", 5);
  co_await store::write(db, std::move(body));
  EXPECT_EQ(std::this_thread::get_id(), home) << "resumes on its own executor";
  auto question = [](store::ReadTx& tx) { return tx.query(kThing, {"a"}).front().integer(0); };
  const std::int64_t number = co_await store::read(db, std::move(question));
  EXPECT_EQ(number, 5);
  EXPECT_EQ(std::this_thread::get_id(), home);
}

TEST_P(AwaitableTest, ACoroutineWritesAndReads) { run(write_and_read(db(), std::this_thread::get_id())); }

awaitable<void> refused(store::Database& db) {
  auto body = [](store::Tx& tx) -> Result<int, std::string> {
    tx.execute(kAddThing, {"a", 1});
    return std::unexpected("no");
  };
  const auto result = co_await store::write(db, std::move(body));
  EXPECT_FALSE(result.has_value());
}

TEST_P(AwaitableTest, ARefusalIsAValue) {
  run(refused(db()));
  EXPECT_TRUE(things(db()).empty());
}

awaitable<void> throwing(store::Database& db) {
  auto body = [](store::Tx& tx) {
    tx.execute(kAddThing, {"a", 1});
    return tx.execute(kAddThing, {"a", 1});
  };
  co_await store::write(db, std::move(body));
}

TEST_P(AwaitableTest, AFaultIsThrownIntoTheCoroutine) {
  EXPECT_THROW(run(throwing(db())), store::ConstraintViolation);
  EXPECT_TRUE(things(db()).empty());
}

awaitable<void> many_writes(store::Database& db, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    auto body = adds(std::to_string(i));
    co_await store::write(db, std::move(body));
  }
}

TEST_P(AwaitableTest, ManyCoroutinesShareTheStore) {
  for (int c = 0; c < 16; ++c) {
    boost::asio::co_spawn(context_, many_writes(db(), c * 10, 10), boost::asio::detached);
  }
  context_.run();
  EXPECT_EQ(things(db()).size(), 160U);
}

}  // namespace
}  // namespace countersign::test
