// Recording an answer: the attempt, its recipients, the message's derived state and the journal, in one
// commit.
#include <algorithm>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"
#include "outbox/settlement.hpp"
#include "outbox/unknown.hpp"

namespace countersign::outbox {
namespace {

using journal::Reason;
using store::Query;

// An answer settles the attempt it belongs to: while it is ours, or after the rescuer has called it unknown.
// A refusal may come before the fence (the relay rejects the recipients). Of a repetition it says nothing
// about the hand-over before.
constexpr Query kSettle(
    "outbox.settle",
    "UPDATE submissions SET state = $3, lease_until_us = NULL, resend_at_us = NULL, settled_at_us = $4, "
    "settled_by = 'reply', provider = $5, reply_phase = $6, reply_code = $7, reply_text = $8 "
    "WHERE id = $1 AND epoch = $2 AND state IN ('claimed', 'handover', 'unknown') AND "
    "repeated_at_us IS NULL RETURNING first_due_at_us");

// An acceptance is the truth about its attempt however late it comes, and whatever the epoch is by then: the
// attempt may have been queued again because the provider knows repeats, or given up on. What has not passed
// the fence cannot have been accepted.
// Evidence of the acceptance has overtaken the answer, which knows more about single recipients.
constexpr Query kSettleProved(
    "outbox.settle_proved",
    "UPDATE submissions SET settled_by = 'reply', reply_phase = $3, reply_code = $4, reply_text = $5 "
    "WHERE id = $1 AND epoch = $2 AND state = 'accepted' AND settled_by = 'evidence' RETURNING "
    "first_due_at_us");

constexpr Query kSettleAccepted(
    "outbox.settle_accepted",
    "UPDATE submissions SET state = 'accepted', lease_until_us = NULL, resend_at_us = NULL, settled_at_us = "
    "$3, "
    "settled_by = 'reply', provider = $4, provider_message_id = $5, reply_phase = $6, reply_code = $7, "
    "reply_text = $8 WHERE id = $1 AND epoch >= $2 AND fenced_at_us IS NOT NULL AND "
    "state IN ('queued', 'claimed', 'handover', 'unknown', 'superseded') "
    "RETURNING resolution, first_due_at_us");

struct Fates {
  std::vector<Fate> accepted;
  std::vector<Fate> refused;
  std::vector<Fate> deferred;
  std::vector<Fate> unknown;

  std::vector<Fate>& of(Verdict verdict) {
    switch (verdict) {
      case Verdict::accepted:
        return accepted;
      case Verdict::refused:
        return refused;
      case Verdict::deferred:
        return deferred;
      case Verdict::unknown:
        return unknown;
    }
    CS_ASSERT(false);
  }
};

// Every open recipient with what the answer means for it. Whom this attempt has deferred already, when its
// outcome for others was lost, stays so.
Fates fates_of(const Recipients& recipients, const SubmissionId& attempt, const Answer& answer) {
  Fates fates;
  for (const RecipientRow& row : recipients.rows()) {
    if (!row.is_open()) continue;
    if (row.state == "queued" && row.submission == attempt.str() && !row.was_unknown_in(attempt)) {
      fates.deferred.push_back({row.address, row.detail});
      continue;
    }
    const auto own = std::ranges::find(answer.recipients, row.address, &RecipientAnswer::address);
    if (own == answer.recipients.end()) {
      fates.of(answer.verdict).push_back({row.address, describe(answer.code, answer.text)});
    } else {
      fates.of(own->verdict).push_back({row.address, describe(own->code, own->text)});
    }
  }
  return fates;
}

// What the attempt as a whole came to: responsibility was taken if it was for anyone; what is open outranks
// refusals.
Verdict whole_of(const Fates& fates, Verdict stated) {
  if (!fates.accepted.empty()) return Verdict::accepted;
  if (!fates.unknown.empty()) return Verdict::unknown;
  if (!fates.deferred.empty()) return Verdict::deferred;
  if (!fates.refused.empty()) return Verdict::refused;
  return stated;
}

// What the attempt's row says once the answer is written in it; nothing when it was not needed.
struct Settled {
  bool superseded = false;  // somebody had decided about it before the acceptance came
  UtcTime first_due_at;
};

// A deferral or a refusal settles its own epoch only.
std::optional<Settled> settle_attempt(store::Tx& tx, const Claim& claim, const Answer& answer, Verdict whole,
                                      UtcTime now) {
  switch (whole) {
    case Verdict::accepted: {
      const store::Rows rows =
          tx.query(kSettleAccepted, {claim.id.str(), claim.epoch, now, answer.provider,
                                     answer.provider_message_id, answer.phase, answer.code, answer.text});
      if (rows.empty()) return std::nullopt;
      return Settled{!rows.front().view(0).empty(), rows.front().time(1)};
    }
    case Verdict::unknown:
      if (!mark_unknown(tx, claim, answer, now)) return std::nullopt;
      return Settled{};
    case Verdict::refused:
    case Verdict::deferred: {
      const std::string_view state = whole == Verdict::refused ? "refused" : "deferred";
      const store::Rows rows = tx.query(kSettle, {claim.id.str(), claim.epoch, state, now, answer.provider,
                                                  answer.phase, answer.code, answer.text});
      if (rows.empty()) return std::nullopt;
      return Settled{false, rows.front().time(0)};
    }
  }
  CS_ASSERT(false);
}

// Takes back what evidence of the whole had said of recipients whom the provider turned away. What it told of
// one of them stands.
bool correct_by_reply(store::Tx& tx, Settlement& settlement, const Claim& claim, const Answer& answer) {
  const store::Rows rows =
      tx.query(kSettleProved, {claim.id.str(), claim.epoch, answer.phase, answer.code, answer.text});
  if (rows.empty()) return false;
  Fates fates;
  for (const RecipientAnswer& own : answer.recipients) {
    const RecipientRow* row = settlement.recipients().find(own.address);
    const bool assumed = row != nullptr && row->state == "accepted" && row->submission == claim.id.str() &&
                         row->delivery.empty();
    if (assumed) fates.of(own.verdict).push_back({own.address, describe(own.code, own.text)});
  }
  settlement.failed(fates.refused, "refused", Reason::submission_provider_rejected, {});
  if (!fates.deferred.empty()) {
    settlement.deferred(fates.deferred);
    settlement.try_again(rows.front().time(0));
  }
  settlement.derive();
  return true;
}

}  // namespace

std::string describe(int code, std::string_view text) {
  return code > 0 ? fmt::format("{} {}", code, text) : std::string(text);
}

bool record(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now) {
  CS_FAULT("outbox.record");
  auto message = mailbox::lock_for_worker(tx, claim.message);
  if (!message) return false;
  Settlement settlement(tx, std::move(*message), {claim.id, claim.user, claim.attempt}, now);
  const Fates fates = fates_of(settlement.recipients(), claim.id, answer);
  const Verdict whole = whole_of(fates, answer.verdict);
  const std::optional<Settled> settled = settle_attempt(tx, claim, answer, whole, now);
  if (!settled) {
    const bool partly = answer.verdict == Verdict::accepted && !answer.recipients.empty();
    return partly && correct_by_reply(tx, settlement, claim, answer);
  }
  if (settled->superseded) {
    Acceptance late{answer.provider_message_id, describe(answer.code, answer.text), {"", "late"}, {}};
    for (const RecipientAnswer& recipient : answer.recipients) {
      if (recipient.verdict != Verdict::accepted) late.turned_away.push_back(recipient.address);
    }
    take_late_acceptance(tx, settlement, {claim.id, claim.message, claim.attempt, false}, late, now);
    return true;
  }

  if (!fates.accepted.empty()) {
    settlement.accepted(fates.accepted, answer.provider_message_id, describe(answer.code, answer.text), {});
  } else if (whole == Verdict::accepted) {
    settlement.accepted_again(answer.provider_message_id, {});
  }
  if (!fates.unknown.empty()) {
    settlement.unknown(fates.unknown);
  } else if (whole == Verdict::unknown) {
    put_aside_unknown(tx, settlement, claim, describe(answer.code, answer.text), now);
  }
  settlement.failed(fates.refused, "refused", Reason::submission_provider_rejected, {});
  if (!fates.deferred.empty()) {
    settlement.deferred(fates.deferred);
    // While the fate of others is unknown this attempt stays the open one, and whoever settles it goes on
    // with those it deferred.
    if (fates.unknown.empty()) settlement.try_again(settled->first_due_at);
  }
  settlement.derive();
  if (whole == Verdict::accepted && answer.feedback_expected) {
    apply_waiting_feedback(tx, answer.provider_message_id, now);
  }
  return true;
}

}  // namespace countersign::outbox
