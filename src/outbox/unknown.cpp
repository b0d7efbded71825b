#include "outbox/unknown.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::outbox {
namespace {

using journal::Reason;
using store::Query;

// When the agent's policy sends an unknown attempt again; nothing when a person decides. $2 is now.
#define CS_RESEND_AT(lock)                                                                       \
  "(SELECT CASE WHEN a.on_unknown = 'resend' AND submissions.attempt < " CS_ATTEMPTS_MAX         \
  " THEN $2 + a.unknown_grace_seconds * 1000000 END FROM messages m JOIN agents a ON a.email = " \
  "m.agent_email WHERE m.id = submissions.message_id" lock ")"
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
// An attempt that evidence had put aside, and whose lost outcome is asked for again.
#define CS_REOPEN(lock) \
  "UPDATE submissions SET state = 'unknown', unknown_at_us = $2, resend_at_us = " CS_RESEND_AT(lock)    \
      ", settled_at_us = NULL, settled_by = '', resolution = '', resolved_by = '', resolution_note = '' " \
      "WHERE id = $1 AND state = 'superseded' AND resolved_by = 'evidence'"
constexpr Query kReopen("outbox.reopen_superseded", CS_REOPEN(""), CS_REOPEN(CS_STAY));
#undef CS_REOPEN
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
// The same for an attempt that was dropped before anybody had handed it over.
constexpr Query kRevive("outbox.revive_dropped_attempt",
                        "UPDATE submissions SET state = 'queued', due_at_us = $2, settled_at_us = NULL, "
                        "settled_by = '', reply_text = '' WHERE id = $1 AND state = 'cancelled' AND "
                        "settled_by = 'evidence'");
constexpr Query kAttempts("outbox.attempts_of_message",
                          "SELECT id, attempt, epoch, state, settled_by, resolution, resolved_by FROM "
                          "submissions WHERE message_id = $1 ORDER BY attempt DESC");
constexpr Query kHasLater("outbox.has_later_attempt",
                          "SELECT 1 FROM submissions WHERE message_id = $1 AND attempt > $2");

// One of the attempts at a message.
struct Made {
  SubmissionId id;
  std::int64_t number;
  std::int64_t epoch;
  std::string state;
  std::string settled_by;
  std::string resolution;
  std::string resolved_by;

  [[nodiscard]] bool only_proved() const { return state == "accepted" && settled_by == "evidence"; }
  [[nodiscard]] bool is_open() const {
    return state == "queued" || state == "claimed" || state == "handover" || state == "unknown";
  }
  [[nodiscard]] bool put_aside() const { return state == "superseded" && resolved_by == "evidence"; }
  [[nodiscard]] bool dropped() const { return state == "cancelled" && settled_by == "evidence"; }
  // By somebody, and not because another one was accepted.
  [[nodiscard]] bool given_up() const { return resolution == "give_up" && resolved_by != "evidence"; }
};

// The latest first.
std::vector<Made> attempts_at(store::Tx& tx, const MessageId& message) {
  std::vector<Made> attempts;
  for (const store::Row row : tx.query(kAttempts, {message.str()})) {
    attempts.push_back({SubmissionId(row.text(0)), row.integer(1), row.integer(2), row.text(3), row.text(4),
                        row.text(5), row.text(6)});
  }
  return attempts;
}

// Without those who stand as served by evidence of another attempt, too: they are that one's from now on.
std::vector<Fate> unless_proved_elsewhere(Settlement& settlement, const AttemptName& attempt,
                                          const std::vector<Made>& attempts, const std::vector<Fate>& fates) {
  std::vector<Fate> left;
  for (const Fate& fate : fates) {
    const RecipientRow* row = settlement.recipients().find(fate.address);
    const auto other = std::ranges::find_if(attempts, [&](const Made& one) {
      return one.id != attempt.id && one.only_proved() &&
             (one.number > attempt.number || row->was_unknown_in(one.id));
    });
    if (other == attempts.end()) {
      left.push_back(fate);
    } else {
      settlement.recipients().settle(fate.address, "accepted", other->id, std::string(row->detail));
    }
  }
  return left;
}

// With the attempt that is open. One in hand-over has them in its envelope: it was made for everybody whose
// outcome this one had lost.
void wait_with(store::Tx& tx, Settlement& settlement, const Made& open, const AttemptName& attempt,
               const std::vector<Fate>& deferred) {
  for (const Fate& fate : deferred) {
    const bool lost =
        open.state == "unknown" && settlement.recipients().find(fate.address)->was_unknown_in(open.id);
    settlement.recipients().settle(fate.address, lost ? "unknown" : "queued", lost ? open.id : attempt.id,
                                   fate.detail);
  }
  tx.execute(kRestartLater, {attempt.message.str(), attempt.number});
}

// An attempt that was made since may have been taken for them, and nobody was told what became of it.
void ask_again(store::Tx& tx, Settlement& settlement, const Made& put_aside,
               const std::vector<Fate>& deferred, UtcTime now) {
  const auto reopened = tx.execute(kReopen, {put_aside.id.str(), now});
  CS_ASSERT(reopened == 1);  // read behind the message's lock
  settlement.turn_to(put_aside.id, put_aside.number, put_aside.epoch);
  settlement.unknown(deferred, "reopened");
}

// An attempt that was made since and that nobody had handed over.
void revive(store::Tx& tx, Settlement& settlement, const Made& dropped, const std::vector<Fate>& deferred,
            UtcTime now) {
  settlement.go_on_behind(dropped.number - 1);
  settlement.deferred(deferred);
  const auto pause = pause_after(dropped.number - 1);
  if (!pause) return;
  const auto revived = tx.execute(kRevive, {dropped.id.str(), now + *pause});
  CS_ASSERT(revived == 1);  // read behind the message's lock
}

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
    const bool by_answer = acceptance.witness.source.empty();
    if (by_answer) hold_by_answer(tx, settlement, attempt.id, acceptance.turned_away);
  } else {
    settlement.accepted(served, acceptance.provider_message_id, acceptance.reply, acceptance.witness);
  }
  if (others_queued) {
    if (tx.query(kHasLater, {attempt.message.str(), attempt.number}).empty()) {
      settlement.queue_next(now, now, acceptance.witness);
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
}

void hold_by_answer(store::Tx& tx, Settlement& settlement, const SubmissionId& attempt,
                    const std::vector<std::string>& turned_away) {
  for (const Made& other : attempts_at(tx, settlement.message().id)) {
    if (other.id == attempt || !other.only_proved()) continue;
    std::vector<Fate> served;
    for (const RecipientRow& row : settlement.recipients().rows()) {
      const bool assumed = row.external && row.state == "accepted" && row.submission == other.id.str();
      const bool here = std::ranges::find(turned_away, row.address) == turned_away.end();
      if (assumed && here) served.push_back({row.address, row.detail});
    }
    for (const Fate& fate : served) {
      settlement.recipients().settle(fate.address, "accepted", attempt, fate.detail);
    }
  }
}

void take_back(store::Tx& tx, Settlement& settlement, const AttemptName& attempt, const TakenBack& taken_back,
               UtcTime first_due_at, UtcTime now) {
  const std::vector<Made> attempts = attempts_at(tx, attempt.message);
  settlement.failed(unless_proved_elsewhere(settlement, attempt, attempts, taken_back.refused), "refused",
                    Reason::submission_provider_rejected, {});
  const std::vector<Fate> deferred =
      unless_proved_elsewhere(settlement, attempt, attempts, taken_back.deferred);
  if (deferred.empty()) return;
  const Witness late{"", "late"};
  const Made& last = attempts.front();
  const bool later = last.id != attempt.id;
  const bool given_up = std::ranges::any_of(
      attempts, [&](const Made& one) { return one.number >= attempt.number && one.given_up(); });
  if (given_up || (later && last.state == "cancelled" && !last.dropped())) {
    settlement.failed(deferred, "cancelled", Reason::submission_cancelled, late);
  } else if (later && last.state == "refused") {
    settlement.failed(deferred, "refused", Reason::submission_provider_rejected, late);
  } else if (later && last.is_open()) {
    wait_with(tx, settlement, last, attempt, deferred);
  } else if (later && last.put_aside()) {
    ask_again(tx, settlement, last, deferred, now);
  } else if (later && last.dropped()) {
    revive(tx, settlement, last, deferred, now);
  } else {
    settlement.go_on_behind(last.number);
    settlement.deferred(deferred);
    settlement.try_again(first_due_at);
  }
}

}  // namespace countersign::outbox
