#include "outbox/settlement.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/attempt.hpp"
#include "outbox/event_data.hpp"
#include "outbox/retry.hpp"

namespace countersign::outbox {
namespace {

using journal::EventType;
using journal::Reason;

std::size_t count_open(const Recipients& recipients) {
  return static_cast<std::size_t>(std::ranges::count_if(recipients.rows(), &RecipientRow::is_open));
}

}  // namespace

Settlement::Settlement(store::Tx& tx, mailbox::Message message, Attempt attempt, UtcTime now)
    : Settlement(tx, message, Recipients(tx, message.id), std::move(attempt), now) {}

Settlement::Settlement(store::Tx& tx, mailbox::Message message, Recipients recipients, Attempt attempt,
                       UtcTime now)
    : tx_(tx),
      message_(std::move(message)),
      attempt_(std::move(attempt)),
      now_(now),
      recipients_(std::move(recipients)),
      open_at_first_(count_open(recipients_)),
      last_number_(attempt_.number) {}

std::string Settlement::occasion(const Witness& witness) const {
  const std::string number = std::to_string(attempt_.number);
  return witness.occasion.empty() ? number : number + " " + witness.occasion;
}

// The first attempt's announcement has none, so that its id follows from message and type alone (contract
// §24).
std::string Settlement::event_occasion(const Witness& witness) const {
  return attempt_.number == 1 && witness.occasion.empty() ? "" : occasion(witness);
}

journal::Transition Settlement::observed(Reason reason, const Witness& witness) {
  // Rows of one answer keep their order by standing a microsecond apart.
  journal::Transition transition{reason, now_ + Duration(ticks_++), {}, {}, {}, occasion(witness)};
  transition.correlation["job_id"] = attempt_.id.str();
  if (!witness.source.empty()) transition.evidence["source"] = witness.source;
  return transition;
}

std::string Settlement::summarise(const std::vector<Fate>& fates) const {
  const Fate& first = fates.front();
  if (fates.size() >= open_at_first_) return first.detail;
  return fmt::format("{} of {} recipients ({}): {}", fates.size(), open_at_first_, first.address,
                     first.detail);
}

void Settlement::accepted(const std::vector<Fate>& fates, std::string_view provider_message_id,
                          std::string_view reply, const Witness& witness) {
  for (const Fate& fate : fates) recipients_.settle(fate.address, "accepted", attempt_.id, fate.detail);
  journal::Transition taken = observed(Reason::submission_upstream_accepted, witness);
  if (!provider_message_id.empty()) {
    taken.correlation["provider_message_id"] = provider_message_id;
    message_.provider_message_id = provider_message_id;
    named_ = provider_message_id;
  }
  if (!reply.empty()) taken.evidence["smtp_detail"] = reply;
  journal::record(tx_, message_.journal_subject(), taken);
  journal::emit(tx_, message_.journal_subject(), EventType::email_sent, outbound_event_data(message_), now_,
                event_occasion(witness));
}

void Settlement::accepted_again(std::string_view provider_message_id, const Witness& witness) {
  journal::Transition taken = observed(Reason::submission_upstream_accepted, witness);
  if (!provider_message_id.empty()) taken.correlation["provider_message_id"] = provider_message_id;
  taken.evidence["failure_reason"] = "a second copy: the attempt had been decided to be made again";
  journal::record(tx_, message_.journal_subject(), taken);
}

void Settlement::failed(const std::vector<Fate>& fates, std::string_view state, Reason reason,
                        const Witness& witness) {
  if (fates.empty()) return;
  for (const Fate& fate : fates) recipients_.settle(fate.address, state, attempt_.id, fate.detail);
  journal::Transition end = observed(reason, witness);
  if (fates.size() < open_at_first_) end.recipient = fates.front().address;
  end.evidence[state == "refused" ? "smtp_detail" : "failure_reason"] = summarise(fates);
  announce_failure(end, summarise(fates), event_occasion(witness));
}

void Settlement::dropped(const std::vector<Fate>& fates, std::string_view detail, const Witness& witness) {
  CS_ASSERT(!fates.empty());
  journal::Transition end = observed(Reason::submission_provider_rejected, witness);
  end.evidence["failure_reason"] = detail;
  announce_failure(end, detail, occasion(witness));
}

void Settlement::announce_failure(const journal::Transition& end, std::string_view detail,
                                  std::string_view occasion) {
  journal::record(tx_, message_.journal_subject(), end);
  boost::json::object data = outbound_event_data(message_);
  add_failure(data, detail, end.reason);
  journal::emit(tx_, message_.journal_subject(), EventType::email_failed, data, now_, occasion);
}

void Settlement::deferred(const std::vector<Fate>& fates) {
  for (const Fate& fate : fates) recipients_.settle(fate.address, "queued", attempt_.id, fate.detail);
  journal::Transition failure = observed(Reason::submission_temporary_failure, {});
  failure.evidence["smtp_detail"] = fates.front().detail;
  journal::record(tx_, message_.journal_subject(), failure);
  if (pause_after(last_number_)) return;
  // The same answer may have refused others for good, which is another failure of this attempt.
  failed(fates, "refused", Reason::submission_local_retries_exhausted, {"", "exhausted"});
}

void Settlement::try_again(UtcTime first_due_at) {
  const auto pause = pause_after(last_number_);
  if (!pause) return;
  insert_attempt(tx_, {message_.id, attempt_.user, last_number_ + 1, first_due_at, now_ + *pause, now_});
}

void Settlement::unknown(const std::vector<Fate>& fates, std::string_view occasion) {
  CS_ASSERT(!fates.empty());
  for (const Fate& fate : fates) recipients_.settle(fate.address, "unknown", attempt_.id, fate.detail);
  const std::string detail = summarise(fates);
  // The catalogue of reasons is closed (contract §25): the nearest is an attempt that did not end well and
  // may have to be made again; failure_code says which kind.
  // An attempt whose outcome was lost may turn out not to have been taken, and lose the next one too.
  Witness witness{"", fmt::format("unknown {}", attempt_.epoch)};
  if (!occasion.empty()) witness.occasion += fmt::format(" {}", occasion);
  journal::Transition lost = observed(Reason::submission_temporary_failure, witness);
  lost.evidence["failure_code"] = "outcome_unknown";
  lost.evidence["failure_reason"] = detail;
  journal::record(tx_, message_.journal_subject(), lost);
  boost::json::object data = outbound_event_data(message_);
  data["reason"] = detail;
  data["handover_id"] = attempt_.id.str();
  journal::emit(tx_, message_.journal_subject(), EventType::email_unknown, data, now_,
                this->occasion(witness));
}

void Settlement::turned_away_needless(Reason reason, std::string_view reply) {
  journal::Transition away = observed(reason, {});
  away.evidence["smtp_detail"] = reply;
  away.evidence["failure_reason"] = "everybody had been served by another attempt";
  journal::record(tx_, message_.journal_subject(), away);
}

void Settlement::put_back(std::string_view code, std::string_view detail) {
  journal::Transition back = observed(Reason::submission_temporary_failure, {"", std::string(code)});
  back.evidence["failure_code"] = code;
  back.evidence["failure_reason"] = detail;
  journal::record(tx_, message_.journal_subject(), back);
}

void Settlement::queue_next(UtcTime due_at, UtcTime first_due_at, const Witness& witness) {
  insert_attempt(tx_, {message_.id, attempt_.user, attempt_.number + 1, first_due_at, due_at, now_});
  journal::Transition queued = observed(Reason::queue_outbound_submission, witness);
  queued.correlation["job_id"] = attempt_id(message_.id, attempt_.number + 1).str();
  journal::record(tx_, message_.journal_subject(), queued);
}

}  // namespace countersign::outbox
