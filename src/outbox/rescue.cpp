// The rescuer: leases that ran out because their worker died or was paused.
#include "base/fault.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"
#include "outbox/settlement.hpp"
#include "outbox/unknown.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// Nothing is locked here: each row is taken by a guarded update, behind the lock of its message.
constexpr Query kOver(
    "outbox.leases_over",
    "SELECT id, message_id, user_id, epoch, attempt, state, provider, first_fenced_at_us FROM submissions "
    "WHERE lease_until_us < $1 ORDER BY lease_until_us LIMIT $2");

// In the state that was read: a fence may be committed while this waits for the row.
constexpr Query kRequeue(
    "outbox.rescue_claimed",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL, repeated_at_us = CASE state WHEN "
    "'handover' THEN $4 ELSE repeated_at_us END WHERE id = $1 AND epoch = $2 AND lease_until_us < $3 AND "
    "state = $5");

constexpr std::string_view kLost = "handed over, but the worker stopped before an answer was recorded";
constexpr std::string_view kAgain = "the worker stopped; taken up again";

bool may_be_repeated(const store::Row& row, const RescueCommand& command) {
  if (row.view(5) == "claimed") return true;  // before the fence nothing can have been sent
  return !command.repeatable_provider.empty() && row.view(6) == command.repeatable_provider &&
         row.time(7) > command.now - command.repeat_window;
}

}  // namespace

Rescued rescue(store::Tx& tx, const RescueCommand& command) {
  CS_FAULT("outbox.rescue");
  Rescued rescued;
  for (const store::Row row : tx.query(kOver, {command.leases_before, command.limit})) {
    const Claim claim{SubmissionId(row.text(0)), MessageId(row.text(1)), UserId(row.text(2)), row.integer(3),
                      row.integer(4)};
    auto message = mailbox::lock_for_worker(tx, claim.message);
    if (!message) continue;  // removed with its attempts by another transaction
    Settlement settlement(tx, std::move(*message), {claim.id, claim.user, claim.attempt, claim.epoch},
                          command.now);
    if (may_be_repeated(row, command)) {
      if (tx.execute(kRequeue,
                     {claim.id.str(), claim.epoch, command.leases_before, command.now, row.view(5)}) != 1) {
        continue;
      }
      settlement.put_back("worker_stopped", kAgain);
      drop_if_needless(tx, settlement, claim, command.now);
      ++rescued.requeued;
    } else {
      Answer lost;
      lost.provider = row.text(6);
      lost.text = kLost;
      if (!mark_unknown(tx, claim, lost, command.now, command.leases_before)) continue;
      std::vector<Fate> fates;
      for (const RecipientRow& recipient : settlement.recipients().rows()) {
        if (recipient.is_open()) fates.push_back({recipient.address, std::string(kLost)});
      }
      if (fates.empty()) {
        put_aside_unknown(tx, settlement, claim, kLost, command.now);
        continue;
      }
      settlement.unknown(fates);
      settlement.derive();
      ++rescued.unknown;
    }
  }
  return rescued;
}

}  // namespace countersign::outbox
