#include "daemon/janitor.hpp"

#include <algorithm>

#include "account/idempotency.hpp"
#include "account/session.hpp"
#include "account/sign_in.hpp"
#include "approve/approve.hpp"
#include "base/log.hpp"
#include "inbound/spool.hpp"
#include "journal/event_log.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/feedback.hpp"
#include "store/awaitable.hpp"
#include "webhook/upkeep.hpp"

namespace countersign::daemon {
namespace {

// Rows per transaction, so that a sweep never holds the writer for long.
constexpr std::int64_t kAnswersPerStep = 500;
constexpr std::int64_t kMessagesPerStep = 50;
constexpr std::int64_t kFeedbackPerStep = 500;
constexpr std::int64_t kDigestsPerStep = 500;
constexpr std::int64_t kEventsPerStep = 500;

// As long as events are kept (contract §24); a provider repeats a notification for hours, not for weeks.
constexpr std::chrono::days kFeedbackKept{30};

}  // namespace

boost::asio::awaitable<void> Janitor::sweep() {
  std::int64_t answers = 0;
  std::int64_t messages = 0;
  std::int64_t feedback = 0;
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
  for (std::int64_t step = kFeedbackPerStep; step == kFeedbackPerStep; feedback += step) {
    auto body = [cutoff = clock_.now() - kFeedbackKept](store::Tx& tx) {
      return outbox::forget_feedback(tx, cutoff, kFeedbackPerStep);
    };
    step = co_await store::write(database_, std::move(body));
  }
  std::int64_t digests = 0;
  for (std::int64_t step = kDigestsPerStep; step == kDigestsPerStep; digests += step) {
    auto body = [cutoff = clock_.now() - inbound::kRepeatWindow](store::Tx& tx) {
      return inbound::forget_digests(tx, cutoff, kDigestsPerStep);
    };
    step = co_await store::write(database_, std::move(body));
  }
  const std::int64_t events = co_await forget_told();
  if (answers + messages + feedback + digests + events > 0) {
    log::info("janitor.swept", {{"answers", answers},
                                {"messages", messages},
                                {"feedback", feedback},
                                {"digests", digests},
                                {"events", events}});
  }
}

namespace {

// What signing in and undoing leave behind.
std::int64_t forget_console(store::Tx& tx, UtcTime now, std::int64_t limit) {
  constexpr std::chrono::hours kAttemptsKept{24};
  constexpr std::chrono::hours kDraftsKept{24};
  // The fullest of them decides whether there is more.
  return std::max({account::forget_sessions(tx, now, limit),
                   account::forget_attempts(tx, now - kAttemptsKept, limit),
                   approve::forget_kept_drafts(tx, now - kDraftsKept, limit)});
}

}  // namespace

boost::asio::awaitable<std::int64_t> Janitor::forget_told() {
  std::int64_t count = 0;
  for (const auto part :
       {webhook::end_overdue, webhook::forget_deliveries, journal::forget_events, &forget_console}) {
    for (std::int64_t step = kEventsPerStep; step == kEventsPerStep; count += step) {
      auto body = [part, now = clock_.now()](store::Tx& tx) { return part(tx, now, kEventsPerStep); };
      step = co_await store::write(database_, std::move(body));
    }
  }
  co_return count;
}

}  // namespace countersign::daemon
