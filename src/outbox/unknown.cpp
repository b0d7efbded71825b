#include "outbox/unknown.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// When the agent's policy sends an unknown attempt again; nothing when a person decides. $2 is now.
#define CS_RESEND_AT(lock)                                                                        \
  "(SELECT CASE a.on_unknown WHEN 'resend' THEN $2 + a.unknown_grace_seconds * 1000000 END FROM " \
  "messages m JOIN agents a ON a.email = m.agent_email WHERE m.id = submissions.message_id" lock ")"
// They differ because SQLite has one writer. Elsewhere the policy stays as it is read until this is
// committed, so that whoever changes it finds the attempt.
#define CS_STAY " FOR SHARE OF a"

#define CS_UNKNOWN(lock) \
  "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, unknown_at_us = $2, "  \
  "resend_at_us = " CS_RESEND_AT(lock)                                                     \
      ", provider = $4, reply_phase = $5, reply_code = $6, reply_text = $7 "               \
      "WHERE id = $1 AND epoch = $3 AND state = 'handover' AND lease_until_us < $8"
constexpr Query kUnknown("outbox.settle_unknown", CS_UNKNOWN(""), CS_UNKNOWN(CS_STAY));
#define CS_UNREPEATABLE(lock) \
  "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, unknown_at_us = $2, "        \
  "resend_at_us = " CS_RESEND_AT(lock)                                                           \
      ", reply_text = $4 WHERE id = $1 AND epoch = $3 AND state IN ('queued', 'claimed') AND "   \
      "repeated_at_us IS NOT NULL"
constexpr Query kUnrepeatable("outbox.settle_unrepeatable", CS_UNREPEATABLE(""), CS_UNREPEATABLE(CS_STAY));
#undef CS_UNREPEATABLE
#undef CS_UNKNOWN
#undef CS_STAY
#undef CS_RESEND_AT

// Attempts that wait with nobody left to serve. What an earlier hand-over of a repetition did stays open to a
// late acceptance; the others have handed nothing over.
constexpr Query kDropWaiting(
    "outbox.drop_waiting_attempts",
    "UPDATE submissions SET state = CASE WHEN repeated_at_us IS NULL THEN 'cancelled' ELSE 'superseded' END, "
    "resolution = CASE WHEN repeated_at_us IS NULL THEN '' ELSE 'give_up' END, "
    "resolved_by = CASE WHEN repeated_at_us IS NULL THEN '' ELSE 'evidence' END, "
    "unknown_at_us = CASE WHEN repeated_at_us IS NULL THEN unknown_at_us ELSE $3 END, "
    "lease_until_us = NULL, resend_at_us = NULL, settled_at_us = $3, settled_by = 'evidence', "
    "reply_text = 'an earlier attempt turned out to have been accepted' "
    "WHERE message_id = $1 AND attempt >= $2 AND state IN ('queued', 'claimed')");
constexpr Query kSupersedeLater(
    "outbox.supersede_later_attempt",
    "UPDATE submissions SET state = 'superseded', resend_at_us = NULL, settled_at_us = $3, "
    "settled_by = 'evidence', resolution = 'give_up', resolved_by = 'evidence', "
    "resolution_note = 'an earlier attempt turned out to have been accepted' "
    "WHERE message_id = $1 AND attempt > $2 AND state = 'unknown'");
constexpr Query kPutAside(
    "outbox.put_aside_unknown",
    "UPDATE submissions SET state = 'superseded', resend_at_us = NULL, settled_at_us = $2, "
    "settled_by = 'evidence', resolution = 'give_up', resolved_by = 'evidence', "
    "resolution_note = 'another attempt turned out to have been accepted' "
    "WHERE id = $1 AND state = 'unknown'");
constexpr Query kRestartLater("outbox.restart_later_attempt",
                              "UPDATE submissions SET state = 'queued', lease_until_us = NULL "
                              "WHERE message_id = $1 AND attempt > $2 AND state = 'claimed'");
constexpr Query kHasLater("outbox.has_later_attempt",
                          "SELECT 1 FROM submissions WHERE message_id = $1 AND attempt > $2");

}  // namespace

bool mark_unknown(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now,
                  UtcTime lease_before) {
  return tx.execute(kUnknown, {claim.id.str(), now, claim.epoch, answer.provider, answer.phase, answer.code,
                               answer.text, lease_before}) == 1;
}

bool mark_unrepeatable(store::Tx& tx, const Claim& claim, std::string_view detail, UtcTime now) {
  return tx.execute(kUnrepeatable, {claim.id.str(), now, claim.epoch, detail}) == 1;
}

void put_aside_unknown(store::Tx& tx, Settlement& settlement, const Claim& claim, std::string_view detail,
                       UtcTime now) {
  const auto put_aside = tx.execute(kPutAside, {claim.id.str(), now});
  CS_ASSERT(put_aside == 1);  // marked by this transaction
  settlement.put_back("outcome_unknown", detail);
}

void drop_if_needless(store::Tx& tx, Settlement& settlement, const Claim& claim, UtcTime now) {
  if (std::ranges::any_of(settlement.recipients().rows(), &RecipientRow::is_open)) return;
  tx.execute(kDropWaiting, {claim.message.str(), claim.attempt, now});
}

void take_late_acceptance(store::Tx& tx, Settlement& settlement, const AttemptName& attempt,
                          const Acceptance& acceptance, UtcTime now) {
  std::vector<Fate> served;
  bool others_queued = false;
  for (const RecipientRow& row : settlement.recipients().rows()) {
    if (!row.external) continue;
    // An open attempt serves everybody it has not deferred; another one those whose outcome it had lost.
    const bool deferred = row.state == "queued" && row.submission == attempt.id.str();
    // That a later attempt was turned away does not take back the copy that this one brought.
    const bool refused_since = row.state == "refused" && row.submission != attempt.id.str();
    const bool undecided = row.is_open() || row.state == "cancelled" || refused_since;
    const bool served_by_it =
        attempt.was_open ? row.is_open() && !deferred : undecided && row.was_unknown_in(attempt.id);
    const bool turned_away =
        std::ranges::find(acceptance.turned_away, row.address) != acceptance.turned_away.end();
    if (served_by_it && !turned_away) {
      served.push_back({row.address, acceptance.reply});
    } else if (row.state == "queued") {
      others_queued = true;
    }
  }
  if (served.empty()) {
    settlement.accepted_again(acceptance.provider_message_id, acceptance.witness);
  } else {
    settlement.accepted(served, acceptance.provider_message_id, acceptance.reply, acceptance.witness);
  }
  if (others_queued) {
    if (tx.query(kHasLater, {attempt.message.str(), attempt.number}).empty()) {
      settlement.queue_next(now, acceptance.witness);
    } else {
      tx.execute(kRestartLater, {attempt.message.str(), attempt.number});
    }
  } else {
    tx.execute(kDropWaiting, {attempt.message.str(), attempt.number + 1, now});
  }
  if (settlement.recipients().addresses_in("unknown").empty()) {
    tx.execute(kSupersedeLater, {attempt.message.str(), attempt.number, now});
  }
  settlement.derive();
  apply_waiting_feedback(tx, acceptance.provider_message_id, now);
}

}  // namespace countersign::outbox
