#include "daemon/janitor.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <vector>

#include "account/idempotency.hpp"
#include "account/permits.hpp"
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

using Options = JanitorOptions;

// A transaction never holds the writer for long: a row is a few pages, a message with all that hangs on it
// many.
constexpr std::int64_t kRows = 500;
constexpr std::int64_t kMessages = 50;

constexpr std::chrono::hours kSignInsKept{24};
constexpr std::chrono::hours kDraftsKept{24};  // of decisions that could have been taken back

// Events go after their deliveries: a delivery sends the event's bytes. What belongs to a message alone, its
// attempts and its journal among it, goes with the message.
constexpr std::array<Janitor::Kind, 12> kKinds{{
    {"answers", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return account::forget_old_answers(tx, now, limit);
     }},
    {"messages", kMessages,
     [](store::Tx& tx, const Options& options, UtcTime now, std::int64_t limit) {
       return mailbox::purge_trash(tx, now - options.trash, limit);
     }},
    {"agents", kMessages,
     [](store::Tx& tx, const Options& options, UtcTime now, std::int64_t limit) {
       return mailbox::purge_trashed_agents(tx, now - options.trash, limit);
     }},
    {"notifications", kRows,
     [](store::Tx& tx, const Options& options, UtcTime now, std::int64_t limit) {
       return outbox::forget_feedback(tx, now - options.notifications, limit);
     }},
    {"digests", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return inbound::forget_digests(tx, now - inbound::kRepeatWindow, limit);
     }},
    {"overdue", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return webhook::end_overdue(tx, now, limit);
     }},
    {"deliveries", kRows,
     [](store::Tx& tx, const Options& options, UtcTime now, std::int64_t limit) {
       return webhook::forget_deliveries(tx, now - options.deliveries, limit);
     }},
    {"events", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return journal::forget_events(tx, now, limit);
     }},
    {"permits", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return account::forget_permits(tx, now, limit);
     }},
    {"sessions", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return account::forget_sessions(tx, now, limit);
     }},
    {"sign_ins", kRows,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return account::forget_attempts(tx, now - kSignInsKept, limit);
     }},
    {"kept_drafts", kMessages,
     [](store::Tx& tx, const Options&, UtcTime now, std::int64_t limit) {
       return approve::forget_kept_drafts(tx, now - kDraftsKept, limit);
     }},
}};

}  // namespace

std::span<const Janitor::Kind> Janitor::kinds() { return kKinds; }

boost::asio::awaitable<void> Janitor::sweep() {
  std::vector<const Kind*> left;
  for (const Kind& kind : kKinds) left.push_back(&kind);
  std::exception_ptr trouble;
  while (!left.empty()) {
    std::vector<const Kind*> more;
    for (const Kind* kind : left) {
      if (stopping_) co_return;
      std::int64_t count = 0;
      try {
        auto body = [kind, options = options_, now = clock_.now()](store::Tx& tx) {
          return kind->remove(tx, options, now, kind->rows);
        };
        count = co_await store::write(database_, std::move(body));
      } catch (const std::exception& error) {
        log::warn("janitor.failed", {{"what", kind->name}, {"error", error.what()}});
        trouble = std::current_exception();
        continue;
      }
      if (count == 0) continue;
      log::info("janitor.removed", {{"what", kind->name}, {"count", count}});
      if (removed_) removed_(kind->name, count);
      more.push_back(kind);
    }
    left.swap(more);
  }
  if (trouble) std::rethrow_exception(trouble);
}

}  // namespace countersign::daemon
