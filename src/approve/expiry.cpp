// Decisions by the clock: the same doors, another actor.
#include "approve/approve.hpp"
#include "approve/decision.hpp"
#include "base/assert.hpp"

namespace countersign::approve {
namespace {

using journal::Reason;
using mailbox::ReviewStatus;
using store::Query;

constexpr std::string_view kActor = "expiry";
constexpr std::string_view kOnItsWay = "no mail to a reviewer has left yet";
// Evidence of an approval that a policy allowed although no mail had left.
constexpr std::string_view kUnseen = "unseen";

// A sweep goes by deadline and id, so that holds it could not decide do not keep it from later ones.
constexpr Query kExpired("approve.expired",
                         "SELECT m.user_id, m.id, a.hold_on_expiry, m.approval_expires_at_us FROM messages m "
                         "JOIN agents a ON a.email = m.agent_email "
                         "WHERE m.review_status = 'pending_review' AND m.approval_expires_at_us <= $1 AND "
                         "(m.approval_expires_at_us, m.id) > ($2, $3) AND a.deleted_at_us IS NULL "
                         "ORDER BY m.approval_expires_at_us, m.id LIMIT $4");

constexpr Query kOnExpiry("approve.on_expiry",
                          "SELECT a.hold_on_expiry FROM messages m JOIN agents a ON a.email = m.agent_email "
                          "WHERE m.id = $1 AND m.user_id = $2");

}  // namespace

std::vector<Expired> find_expired(store::ReadTx& tx, UtcTime now,
                                  const std::optional<journal::Position>& after, std::int64_t limit) {
  const UtcTime after_time = after ? after->at : UtcTime::min();
  const std::string_view after_id = after ? std::string_view(after->id) : std::string_view();
  std::vector<Expired> out;
  for (const store::Row row : tx.query(kExpired, {now, after_time, after_id, limit})) {
    const auto on_expiry = account::on_expiry_of(row.view(2));
    CS_ASSERT(on_expiry.has_value());
    out.push_back({UserId(row.text(0)), MessageId(row.text(1)), *on_expiry, row.time(3)});
  }
  return out;
}

bool still_wanted(store::ReadTx& tx, const Expired& expired) {
  const store::Rows rows = tx.query(kOnExpiry, {expired.message.str(), expired.user.str()});
  return !rows.empty() && account::on_expiry_of(rows.front().view(0)) == expired.on_expiry;
}

Result<Decision, Refusal> expire_approve_and_send(store::Tx& tx, const Expired& expired,
                                                  outbox::SendStep& send, std::string_view shared_domain,
                                                  const notify::Policy& policy, UtcTime now) {
  auto message = lock_pending(tx, expired.user, expired.message, true, now);
  if (!message) return unexpected(std::move(message.error()));
  notify::Judgement judgement = notify::judge_auto_approval(tx, expired.message, policy, now);
  if (judgement.seen != notify::Seen::approvable) {
    return unexpected(Refusal(Unseen{judgement.seen == notify::Seen::wait, std::move(judgement.reason)}));
  }
  if (judgement.unseen_by_policy) notify::note_approved_unseen(tx, expired.message);
  const Verdict verdict{ReviewStatus::review_expired_approved,
                        Reason::review_expired_approved,
                        std::string(kActor),
                        "",
                        true,
                        {},
                        judgement.unseen_by_policy ? kUnseen : ""};
  auto decision = approve_locked(tx, std::move(*message), {}, verdict, send, shared_domain, now);
  if (decision) decision->unseen = judgement.unseen_by_policy;
  return decision;
}

Result<UtcTime, Refusal> postpone_expiry(store::Tx& tx, const Expired& expired, const notify::Policy& policy,
                                         UtcTime now) {
  const auto message = lock_pending(tx, expired.user, expired.message, true, now);
  if (!message) return unexpected(message.error());
  const notify::Judgement judgement = notify::judge_auto_approval(tx, expired.message, policy, now);
  if (judgement.seen != notify::Seen::wait) return unexpected(Refusal(NotPending{message->review_status}));
  const bool extended = notify::extend_hold(tx, *message, judgement.until, kOnItsWay, now);
  CS_ASSERT(extended);  // it is locked
  return judgement.until;
}

Result<std::monostate, Refusal> expire_reject(store::Tx& tx, const Expired& expired, std::string_view reason,
                                              UtcTime now) {
  const auto message = lock_pending(tx, expired.user, expired.message, true, now);
  if (!message) return unexpected(message.error());
  const Verdict verdict{ReviewStatus::review_expired_rejected,
                        Reason::review_expired_rejected,
                        std::string(kActor),
                        std::string(reason),
                        true,
                        {}};
  reject_locked(tx, *message, verdict, now);
  return std::monostate{};
}

}  // namespace countersign::approve
