#include "daemon/janitor.hpp"

#include "account/idempotency.hpp"
#include "base/log.hpp"
#include "mailbox/mailbox.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

// Rows per transaction, so that a sweep never holds the writer for long.
constexpr std::int64_t kAnswersPerStep = 500;
constexpr std::int64_t kMessagesPerStep = 50;

}  // namespace

boost::asio::awaitable<void> Janitor::sweep() {
  std::int64_t answers = 0;
  std::int64_t messages = 0;
  for (std::int64_t step = kAnswersPerStep; step == kAnswersPerStep; answers += step) {
    auto body = [now = clock_.now()](store::Tx& tx) {
      return account::forget_old_answers(tx, now, kAnswersPerStep);
    };
    step = co_await store::write(database_, std::move(body));
  }
  for (std::int64_t step = kMessagesPerStep; step == kMessagesPerStep; messages += step) {
    auto body = [cutoff = clock_.now() - retention_](store::Tx& tx) {
      return mailbox::purge_trash(tx, cutoff, kMessagesPerStep);
    };
    step = co_await store::write(database_, std::move(body));
  }
  if (answers + messages > 0) log::info("janitor.swept", {{"answers", answers}, {"messages", messages}});
}

}  // namespace countersign::daemon
