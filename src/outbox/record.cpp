// Recording an answer: the attempt, its recipients, the message's derived state and the journal, in one
// commit.
#include <algorithm>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/attempt.hpp"
#include "outbox/event_data.hpp"
#include "outbox/outbox.hpp"
#include "outbox/retry.hpp"

namespace countersign::outbox {
namespace {

using journal::Reason;
using store::Query;

// An answer settles the attempt it belongs to: while it is ours, or after the rescuer has called it unknown.
// A refusal may come before the fence (the relay rejects the recipients); an acceptance cannot.
constexpr Query kSettle(
    "outbox.settle",
    "UPDATE submissions SET state = $3, lease_until_us = NULL, settled_at_us = $4, settled_by = 'reply', "
    "provider = $5, provider_message_id = $6, reply_phase = $7, reply_code = $8, reply_text = $9 "
    "WHERE id = $1 AND epoch = $2 AND (state IN ('handover', 'unknown') OR "
    "(state = 'claimed' AND $3 IN ('refused', 'deferred'))) RETURNING first_due_at_us");

constexpr Query kUnknown(
    "outbox.settle_unknown",
    "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, provider = $3, reply_phase = $4, "
    "reply_code = $5, reply_text = $6 WHERE id = $1 AND epoch = $2 AND state = 'handover' "
    "RETURNING first_due_at_us");

// The second column: this attempt has deferred the recipient already, when its outcome for others was lost.
constexpr Query kRecipients(
    "outbox.open_recipients",
    "SELECT address, CASE WHEN state = 'queued' AND submission_id = $2 THEN 1 ELSE 0 END, detail "
    "FROM message_recipients WHERE message_id = $1 AND route = 'external' AND "
    "state IN ('queued', 'unknown') ORDER BY address");
constexpr Query kSettleRecipient("outbox.settle_recipient",
                                 "UPDATE message_recipients SET state = $3, submission_id = $4, detail = $5 "
                                 "WHERE message_id = $1 AND address = $2 AND state IN ('queued', 'unknown')");
constexpr Query kFailRecipients(
    "outbox.fail_recipients",
    "UPDATE message_recipients SET state = $2, detail = $3 WHERE message_id = $1 AND "
    "state IN ('queued', 'unknown')");

struct Fate {
  std::string address;
  Verdict verdict;
  std::string detail;
};

std::string describe(int code, std::string_view text) {
  return code > 0 ? fmt::format("{} {}", code, text) : std::string(text);
}

// Every open recipient with what the answer means for it.
std::vector<Fate> fates_of(store::Tx& tx, const Claim& claim, const Answer& answer) {
  std::vector<Fate> fates;
  for (const store::Row row : tx.query(kRecipients, {claim.message.str(), claim.id.str()})) {
    if (row.flag(1)) {
      fates.push_back({row.text(0), Verdict::deferred, row.text(2)});
      continue;
    }
    const auto own = std::ranges::find(answer.recipients, row.view(0), &RecipientAnswer::address);
    if (own == answer.recipients.end()) {
      fates.push_back({row.text(0), answer.verdict, describe(answer.code, answer.text)});
    } else {
      fates.push_back({row.text(0), own->verdict, describe(own->code, own->text)});
    }
  }
  return fates;
}

std::vector<Fate> with(const std::vector<Fate>& fates, Verdict verdict) {
  std::vector<Fate> out;
  std::ranges::copy_if(fates, std::back_inserter(out),
                       [&](const Fate& fate) { return fate.verdict == verdict; });
  return out;
}

std::string_view attempt_state(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return "accepted";
    case Verdict::refused:
      return "refused";
    case Verdict::deferred:
      return "deferred";
    case Verdict::unknown:
      return "unknown";
  }
  CS_ASSERT(false);
}

// What the attempt as a whole came to: responsibility was taken if it was for anyone; what is open outranks
// refusals.
Verdict whole_of(const std::vector<Fate>& fates, Verdict stated) {
  for (const Verdict verdict : {Verdict::accepted, Verdict::unknown, Verdict::deferred, Verdict::refused}) {
    if (std::ranges::any_of(fates, [&](const Fate& fate) { return fate.verdict == verdict; })) return verdict;
  }
  return stated;
}

void settle_recipients(store::Tx& tx, const Claim& claim, const std::vector<Fate>& fates,
                       std::string_view state) {
  for (const Fate& fate : fates) {
    tx.send(kSettleRecipient, {claim.message.str(), fate.address, state, claim.id.str(), fate.detail});
  }
}

std::string summarise(const std::vector<Fate>& failed, std::size_t total) {
  const std::string& detail = failed.front().detail;
  if (failed.size() == total) return detail;
  return fmt::format("{} of {} recipients ({}): {}", failed.size(), total, failed.front().address, detail);
}

class Recorder {
 public:
  Recorder(store::Tx& tx, const Claim& claim, const Answer& answer, mailbox::Message message, UtcTime now)
      : tx_(tx), claim_(claim), answer_(answer), message_(std::move(message)), now_(now) {}

  void accepted(const std::vector<Fate>& fates) {
    settle_recipients(tx_, claim_, fates, "accepted");
    mailbox::note_provider_id(tx_, message_.id, answer_.provider_message_id);
    mailbox::advance_delivery(tx_, message_.id, mailbox::DeliveryStatus::sent, "");
    journal::Transition taken{Reason::submission_upstream_accepted, tick(), {}, {}, {}, occasion()};
    if (!answer_.provider_message_id.empty()) {
      taken.correlation["provider_message_id"] = answer_.provider_message_id;
      message_.provider_message_id = answer_.provider_message_id;
    }
    taken.correlation["job_id"] = claim_.id.str();
    taken.evidence["smtp_detail"] = describe(answer_.code, answer_.text);
    journal::record(tx_, message_.journal_subject(), taken);
    journal::emit(tx_, message_.journal_subject(), journal::EventType::email_sent,
                  outbound_event_data(message_), now_, claim_.attempt == 1 ? "" : occasion());
  }

  void failed(const std::vector<Fate>& fates, std::size_t total, Reason reason) {
    settle_recipients(tx_, claim_, fates, "refused");
    const std::string detail = summarise(fates, total);
    mailbox::advance_delivery(tx_, message_.id, mailbox::DeliveryStatus::failed, detail);
    journal::Transition end{reason, tick(), {}, {}, {}, occasion()};
    if (fates.size() < total) end.recipient = fates.front().address;
    end.evidence["smtp_detail"] = detail;
    end.correlation["job_id"] = claim_.id.str();
    journal::record(tx_, message_.journal_subject(), end);
    boost::json::object data = outbound_event_data(message_);
    add_failure(data, detail, reason);
    journal::emit(tx_, message_.journal_subject(), journal::EventType::email_failed, data, now_,
                  claim_.attempt == 1 ? "" : occasion());
  }

  // Tries those recipients again later, or ends them when the ladder is at its end. While the fate of others
  // is unknown this attempt stays the open one, and whoever settles it goes on with these.
  void deferred(const std::vector<Fate>& fates, std::size_t total, UtcTime first_due_at,
                bool others_unknown) {
    settle_recipients(tx_, claim_, fates, "queued");
    journal::Transition failure{Reason::submission_temporary_failure, tick(), {}, {}, {}, occasion()};
    failure.evidence["smtp_detail"] = fates.front().detail;
    failure.correlation["job_id"] = claim_.id.str();
    journal::record(tx_, message_.journal_subject(), failure);
    const auto pause = pause_after(claim_.attempt);
    if (!pause) {
      failed(fates, total, Reason::submission_local_retries_exhausted);
      return;
    }
    if (others_unknown) return;
    mailbox::resume_sending(tx_, message_.id);
    const NewAttempt next{claim_.message, claim_.user, claim_.attempt + 1, first_due_at, now_ + *pause, now_};
    insert_attempt(tx_, next);
  }

  void unknown(const std::vector<Fate>& fates) {
    settle_recipients(tx_, claim_, fates, "unknown");
    mailbox::advance_delivery(
        tx_, message_.id, mailbox::DeliveryStatus::unknown,
        "handed over, but the provider's answer was lost: it may or may not have been taken");
  }

 private:
  [[nodiscard]] std::string occasion() const { return std::to_string(claim_.attempt); }
  // Rows of one answer keep their order by standing a microsecond apart.
  UtcTime tick() { return now_ + Duration(ticks_++); }

  store::Tx& tx_;
  const Claim& claim_;
  const Answer& answer_;
  mailbox::Message message_;
  UtcTime now_;
  int ticks_ = 0;
};

std::optional<UtcTime> settle_attempt(store::Tx& tx, const Claim& claim, const Answer& answer, Verdict whole,
                                      UtcTime now) {
  const store::Rows rows =
      whole == Verdict::unknown
          ? tx.query(kUnknown,
                     {claim.id.str(), claim.epoch, answer.provider, answer.phase, answer.code, answer.text})
          : tx.query(kSettle, {claim.id.str(), claim.epoch, attempt_state(whole), now, answer.provider,
                               answer.provider_message_id, answer.phase, answer.code, answer.text});
  if (rows.empty()) return std::nullopt;
  return rows.front().time(0);
}

}  // namespace

bool record(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now) {
  CS_FAULT("outbox.record");
  auto message = mailbox::find_for_worker(tx, claim.message);
  if (!message) return false;
  const std::vector<Fate> fates = fates_of(tx, claim, answer);
  const auto first_due_at = settle_attempt(tx, claim, answer, whole_of(fates, answer.verdict), now);
  if (!first_due_at) return false;

  Recorder recorder(tx, claim, answer, std::move(*message), now);
  const auto accepted = with(fates, Verdict::accepted);
  const auto refused = with(fates, Verdict::refused);
  const auto deferred = with(fates, Verdict::deferred);
  const auto unknown = with(fates, Verdict::unknown);
  if (!accepted.empty()) recorder.accepted(accepted);
  if (!unknown.empty()) recorder.unknown(unknown);
  if (!refused.empty()) recorder.failed(refused, fates.size(), Reason::submission_provider_rejected);
  if (!deferred.empty()) recorder.deferred(deferred, fates.size(), *first_due_at, !unknown.empty());
  return true;
}

void fail_message(store::Tx& tx, const MessageId& message, const Failure& failure, UtcTime now) {
  const auto row = mailbox::find_for_worker(tx, message);
  CS_ASSERT(row.has_value());
  tx.send(kFailRecipients, {message.str(), failure.recipient_state, failure.detail});
  mailbox::advance_delivery(tx, message, mailbox::DeliveryStatus::failed, failure.detail);
  journal::Transition end{failure.reason, now, {}, {}, {}, failure.occasion};
  end.evidence["failure_reason"] = failure.detail;
  journal::record(tx, row->journal_subject(), end);
  boost::json::object data = outbound_event_data(*row);
  add_failure(data, failure.detail, failure.reason);
  // An earlier attempt may have announced the failure of some recipients; this is the end of the rest.
  journal::emit(tx, row->journal_subject(), journal::EventType::email_failed, data, now,
                journal::facts(failure.reason).code);
}

}  // namespace countersign::outbox
