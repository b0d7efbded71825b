#include "hold/loop.hpp"

#include <algorithm>

#include "store/query.hpp"

namespace countersign::hold {
namespace {

using store::Query;

// The newest replies of a pair, at most one more than the larger limit; read along the index
// messages_replies_by_pair.
constexpr Query kReplies(
    "hold.replies_of_pair",
    "SELECT CAST(count(*) AS BIGINT), "
    "CAST(COALESCE(sum(CASE WHEN automatic = 'auto' THEN 1 ELSE 0 END), 0) AS BIGINT), "
    "CAST(COALESCE(sum(CASE WHEN review_status = 'pending_review' THEN 1 ELSE 0 END), 0) AS BIGINT), "
    "min(created_at_us) FROM (SELECT automatic, review_status, "
    "created_at_us FROM messages WHERE agent_email = $1 AND delivered_to = $2 AND direction = 'outbound' AND "
    "kind = 'reply' AND created_at_us > $3 ORDER BY created_at_us DESC LIMIT $4) recent");

// Replies of one pair that are submitted at the same time count each other. Differs because SQLite has one
// writer.
constexpr Query kLockPair(
    "hold.lock_reply_pair", "",
    "SELECT CAST(CASE WHEN pg_advisory_xact_lock(hashtextextended('replies ' || $1 || ' ' || $2, 0)) IS NULL "
    "THEN 0 ELSE 1 END AS BIGINT)");

}  // namespace

LoopVerdict judge_loop(store::Tx& tx, std::string_view agent_email, std::string_view address,
                       Answering answering, const LoopLimits& limits, UtcTime now) {
  LoopVerdict verdict;
  if (answering == Answering::nothing) return verdict;
  if (tx.dialect() == store::Dialect::postgres) (void)tx.query(kLockPair, {agent_email, address});
  const std::int64_t most = std::max(limits.replies_max, limits.automatic_replies_max) + 1;
  const auto rows = tx.query(kReplies, {agent_email, address, now - limits.window, most});
  const store::Row row = rows.front();
  const bool machines = answering == Answering::automatic && row.integer(1) >= limits.automatic_replies_max;
  if (!machines && row.integer(0) < limits.replies_max) return verdict;
  if (row.integer(2) > 0) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(row.time(3) + limits.window - now);
    verdict.refused = AnswersTooOften{std::string(address), std::max<std::int64_t>(1, wait.count())};
    return verdict;
  }
  Trip trip;
  trip.action = account::GateAction::review;
  trip.code = "outbound_send";
  trip.type = "send";
  trip.category = "loop";
  trip.summary = machines
                     ? "the agent keeps answering mail that a machine writes"
                     : "the agent answers this address very often; two machines may be answering each other";
  trip.detail = fmt::format("{} replies to {} within {} seconds, {} of them to automatic mail",
                            row.integer(0), address, limits.window.count(), row.integer(1));
  verdict.trip = std::move(trip);
  return verdict;
}

}  // namespace countersign::hold
