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

// Differs because SQLite has one writer and no row locks. Elsewhere what decides stays as it is read until
// this is committed, so that whoever has changed it knows that nothing is decided by what it was.
#define CS_ON_EXPIRY                                                                                      \
  "SELECT a.hold_on_expiry FROM messages m JOIN agents a ON a.email = m.agent_email WHERE m.id = $1 AND " \
  "m.user_id = $2"
constexpr Query kOnExpiry("approve.on_expiry", CS_ON_EXPIRY, CS_ON_EXPIRY " FOR SHARE OF a");
#undef CS_ON_EXPIRY

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// What keeps a draft from being sent for good, as the reason of its rejection; nothing when somebody else has
// decided or the hold is gone.
std::optional<std::string> reason_of(const Refusal& refusal) {
  return std::visit(
      Overloaded{
          [](const NotFound&) -> std::optional<std::string> { return std::nullopt; },
          [](const NotPending&) -> std::optional<std::string> { return std::nullopt; },
          [](const StaleRevision&) -> std::optional<std::string> { return std::nullopt; },
          [](const InvalidDraft& invalid) -> std::optional<std::string> { return invalid.message; },
          [](const TooManyRecipients&) -> std::optional<std::string> { return "too_many_recipients"; },
          [](const TooLarge&) -> std::optional<std::string> { return "payload_too_large"; },
          [](const DomainNotVerified&) -> std::optional<std::string> { return "domain_not_verified"; },
          [](const RecipientSuppressed&) -> std::optional<std::string> { return "recipient_suppressed"; },
          [](const Unseen& unseen) -> std::optional<std::string> { return unseen.reason; }},
      refusal);
}

Result<Expiry, Refusal> rejected(store::Tx& tx, const Expired& expired, std::string reason, UtcTime now) {
  if (auto done = expire_reject(tx, expired, reason, now); !done) return unexpected(std::move(done.error()));
  return Expiry{.outcome = Expiry::Outcome::rejected, .reason = std::move(reason)};
}

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

bool still_wanted(store::Tx& tx, const Expired& expired) {
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
  const Verdict verdict{ReviewStatus::review_expired_approved,
                        Reason::review_expired_approved,
                        std::string(kActor),
                        "",
                        true,
                        {},
                        judgement.unseen_by_policy ? kUnseen : ""};
  auto decision = approve_locked(tx, std::move(*message), {}, verdict, send, shared_domain, now);
  if (decision && judgement.unseen_by_policy) {
    notify::note_approved_unseen(tx, expired.message);
    decision->unseen = true;
  }
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

Result<Expiry, Refusal> expire(store::Tx& tx, const Expired& expired, outbox::SendStep& send,
                               std::string_view shared_domain, const notify::Policy& policy, UtcTime now) {
  if (!still_wanted(tx, expired)) return unexpected(Refusal(NotPending{}));
  if (expired.on_expiry == account::OnExpiry::reject) return rejected(tx, expired, "ttl_expired", now);
  auto decision = expire_approve_and_send(tx, expired, send, shared_domain, policy, now);
  if (decision) return Expiry{.outcome = Expiry::Outcome::approved, .unseen = decision->unseen};
  const auto* unseen = std::get_if<Unseen>(&decision.error());
  if (unseen != nullptr && unseen->wait) {
    auto until = postpone_expiry(tx, expired, policy, now);
    if (!until) return unexpected(std::move(until.error()));
    return Expiry{.outcome = Expiry::Outcome::postponed, .until = *until};
  }
  if (auto reason = reason_of(decision.error())) return rejected(tx, expired, std::move(*reason), now);
  return unexpected(std::move(decision.error()));
}

}  // namespace countersign::approve
