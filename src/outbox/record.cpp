// Recording an answer: the attempt, its recipients, the message's derived state and the journal, in one
// commit.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
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

// Differs in how a JSON list becomes rows: one for each answer.
#define CS_SETTLE_ACCEPTED                                                                  \
  "UPDATE submissions SET state = 'accepted', lease_until_us = NULL, resend_at_us = NULL, " \
  "settled_at_us = $2, settled_by = 'reply', provider = a.provider, provider_message_id = " \
  "a.provider_message_id, reply_phase = a.phase, reply_code = a.code, reply_text = a.reply FROM "
#define CS_SETTLED_ACCEPTED                                                                            \
  " WHERE submissions.id = a.id AND submissions.epoch >= a.epoch AND submissions.fenced_at_us IS NOT " \
  "NULL AND submissions.state IN ('queued', 'claimed', 'handover', 'unknown', 'superseded') "          \
  "RETURNING submissions.id, resolution, first_due_at_us"
constexpr Query kSettleAccepted(
    "outbox.settle_accepted",
    CS_SETTLE_ACCEPTED
    "(SELECT value ->> 'id' AS id, value ->> 'epoch' AS epoch, value ->> 'provider' AS provider, "
    "value ->> 'provider_message_id' AS provider_message_id, value ->> 'phase' AS phase, "
    "value ->> 'code' AS code, value ->> 'reply' AS reply FROM json_each($1)) a" CS_SETTLED_ACCEPTED,
    CS_SETTLE_ACCEPTED
    "(SELECT e ->> 'id' AS id, CAST(e ->> 'epoch' AS BIGINT) AS epoch, e ->> 'provider' AS provider, "
    "e ->> 'provider_message_id' AS provider_message_id, e ->> 'phase' AS phase, "
    "CAST(e ->> 'code' AS BIGINT) AS code, e ->> 'reply' AS reply "
    "FROM unnest(ARRAY(SELECT jsonb_array_elements($1::jsonb))) e) a" CS_SETTLED_ACCEPTED);

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

// An answer on its way into the store.
struct Open {
  std::size_t place;  // in the answers that were given
  const Claim& claim;
  const Answer& answer;
  Settlement settlement;
  Fates fates;
  Verdict whole;
};

// All acceptances of a round, in one statement.
std::map<SubmissionId, Settled> settle_accepted(store::Tx& tx, const std::vector<Open>& open, UtcTime now) {
  boost::json::array list;
  for (const Open& one : open) {
    if (one.whole != Verdict::accepted) continue;
    list.push_back(boost::json::object{{"id", one.claim.id.str()},
                                       {"epoch", one.claim.epoch},
                                       {"provider", one.answer.provider},
                                       {"provider_message_id", one.answer.provider_message_id},
                                       {"phase", one.answer.phase},
                                       {"code", one.answer.code},
                                       {"reply", one.answer.text}});
  }
  std::map<SubmissionId, Settled> settled;
  if (list.empty()) return settled;
  const std::string acceptances = boost::json::serialize(list);  // named: see load_work in claim.cpp
  for (const store::Row row : tx.query(kSettleAccepted, {acceptances, now}))
    settled.emplace(SubmissionId(row.text(0)), Settled{!row.view(1).empty(), row.time(2)});
  return settled;
}

// Anything but an acceptance. A deferral or a refusal settles its own epoch only.
std::optional<Settled> settle_attempt(store::Tx& tx, const Claim& claim, const Answer& answer, Verdict whole,
                                      UtcTime now) {
  switch (whole) {
    case Verdict::accepted:
      break;
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
bool correct_by_reply(store::Tx& tx, Settlement& settlement, const Claim& claim, const Answer& answer,
                      UtcTime now) {
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
  take_back(tx, settlement, {claim.id, claim.message, claim.attempt, false},
            {std::move(fates.refused), std::move(fates.deferred)}, rows.front().time(0), now);
  settlement.derive();
  return true;
}

std::vector<std::string> turned_away_by(const Answer& answer) {
  std::vector<std::string> addresses;
  for (const RecipientAnswer& recipient : answer.recipients) {
    if (recipient.verdict != Verdict::accepted) addresses.push_back(recipient.address);
  }
  return addresses;
}

// What follows from an answer once its attempt's row is written. False when it was not needed.
bool follow(store::Tx& tx, Open& open, const std::optional<Settled>& settled, UtcTime now) {
  const Claim& claim = open.claim;
  const Answer& answer = open.answer;
  Settlement& settlement = open.settlement;
  const Fates& fates = open.fates;
  if (!settled) {
    const bool partly = answer.verdict == Verdict::accepted && !answer.recipients.empty();
    return partly && correct_by_reply(tx, settlement, claim, answer, now);
  }
  if (settled->superseded) {
    const Acceptance late{
        answer.provider_message_id, describe(answer.code, answer.text), {"", "late"}, turned_away_by(answer)};
    take_late_acceptance(tx, settlement, {claim.id, claim.message, claim.attempt, false}, late, now);
    apply_waiting_feedback(tx, late.provider_message_id, now);
    return true;
  }

  if (!fates.accepted.empty()) {
    settlement.accepted(fates.accepted, answer.provider_message_id, describe(answer.code, answer.text), {});
  } else if (open.whole == Verdict::accepted) {
    settlement.accepted_again(answer.provider_message_id, {});
    hold_by_answer(tx, settlement, claim.id, turned_away_by(answer));
  }
  if (!fates.unknown.empty()) {
    settlement.unknown(fates.unknown);
  } else if (open.whole == Verdict::unknown) {
    put_aside_unknown(tx, settlement, claim, describe(answer.code, answer.text), now);
  }
  if (fates.refused.empty() && open.whole == Verdict::refused) {
    settlement.turned_away_needless(Reason::submission_provider_rejected, describe(answer.code, answer.text));
  } else if (fates.deferred.empty() && open.whole == Verdict::deferred) {
    settlement.turned_away_needless(Reason::submission_temporary_failure, describe(answer.code, answer.text));
  }
  settlement.failed(fates.refused, "refused", Reason::submission_provider_rejected, {});
  if (!fates.deferred.empty()) {
    settlement.deferred(fates.deferred);
    // While the fate of others is unknown this attempt stays the open one, and whoever settles it goes on
    // with those it deferred.
    if (fates.unknown.empty()) settlement.try_again(settled->first_due_at);
  }
  settlement.derive();
  if (open.whole == Verdict::accepted && answer.feedback_expected) {
    apply_waiting_feedback(tx, answer.provider_message_id, now);
  }
  return true;
}

// Answers to different messages, none of which can change what another one looks at.
void record_round(store::Tx& tx, std::span<const Answered> answers, const std::vector<std::size_t>& places,
                  UtcTime now, std::vector<bool>& recorded) {
  std::vector<std::string> ids;
  ids.reserve(places.size());
  for (const std::size_t place : places) ids.push_back(answers[place].claim.message.str());
  const std::string list = to_json_list(ids);
  std::map<MessageId, mailbox::Message> messages;
  for (mailbox::Message& message : mailbox::lock_for_worker(tx, list)) {
    const MessageId id = message.id;
    messages.emplace(id, std::move(message));
  }
  std::map<MessageId, std::vector<RecipientRow>> recipients = read_recipients(tx, list);

  std::vector<Open> open;
  open.reserve(places.size());
  for (const std::size_t place : places) {
    const auto& [claim, answer] = answers[place];
    const auto message = messages.find(claim.message);
    if (message == messages.end()) continue;  // removed with its attempts
    Recipients rows(tx, claim.message, std::move(recipients[claim.message]));
    Fates fates = fates_of(rows, claim.id, answer);
    const Verdict whole = whole_of(fates, answer.verdict);
    Settlement settlement(tx, std::move(message->second), std::move(rows),
                          {claim.id, claim.user, claim.attempt, claim.epoch}, now);
    open.push_back({place, claim, answer, std::move(settlement), std::move(fates), whole});
  }
  const std::map<SubmissionId, Settled> accepted = settle_accepted(tx, open, now);
  for (Open& one : open) {
    std::optional<Settled> settled;
    if (one.whole != Verdict::accepted) {
      settled = settle_attempt(tx, one.claim, one.answer, one.whole, now);
    } else if (const auto found = accepted.find(one.claim.id); found != accepted.end()) {
      settled = found->second;
    }
    recorded[one.place] = follow(tx, one, settled, now);
  }
}

}  // namespace

std::string describe(int code, std::string_view text) {
  return code > 0 ? fmt::format("{} {}", code, text) : std::string(text);
}

std::vector<bool> record(store::Tx& tx, std::span<const Answered> answers, UtcTime now) {
  std::vector<bool> recorded(answers.size());
  std::vector<std::size_t> left;
  for (std::size_t place = 0; place < answers.size(); ++place) {
    CS_FAULT("outbox.record");
    left.push_back(place);
  }
  while (!left.empty()) {
    std::set<MessageId> seen;
    std::vector<std::size_t> round;
    std::vector<std::size_t> later;
    for (const std::size_t place : left)
      (seen.insert(answers[place].claim.message).second ? round : later).push_back(place);
    record_round(tx, answers, round, now, recorded);
    left = std::move(later);
  }
  return recorded;
}

bool record(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now) {
  const Answered answered{claim, answer};
  return record(tx, std::span(&answered, 1), now).front();
}

}  // namespace countersign::outbox
