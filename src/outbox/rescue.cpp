// The rescuer: leases that ran out because their worker died or was paused.
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// Before the fence nothing can have been sent; towards a provider that knows a repeat by its id, a repeat is
// safe. Differs because SQLite has one writer and no row locks to skip; an array, because PostgreSQL may run
// a subquery of IN again for every row it compares.
constexpr Query kRequeue(
    "outbox.rescue_claimed",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL WHERE id IN (SELECT id FROM submissions "
    "WHERE lease_until_us < $1 AND (state = 'claimed' OR (state = 'handover' AND provider = $2)) "
    "ORDER BY lease_until_us LIMIT $3)",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL WHERE id = ANY (ARRAY(SELECT id FROM "
    "submissions WHERE lease_until_us < $1 AND (state = 'claimed' OR (state = 'handover' AND provider = $2)) "
    "ORDER BY lease_until_us LIMIT $3 FOR UPDATE SKIP LOCKED))");

constexpr Query kLost(
    "outbox.rescue_handover",
    "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, reply_text = $4 "
    "WHERE id IN (SELECT id FROM submissions WHERE lease_until_us < $1 AND state = 'handover' AND "
    "provider <> $2 ORDER BY lease_until_us LIMIT $3) RETURNING message_id",
    "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, reply_text = $4 "
    "WHERE id = ANY (ARRAY(SELECT id FROM submissions WHERE lease_until_us < $1 AND state = 'handover' AND "
    "provider <> $2 ORDER BY lease_until_us LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING message_id");

constexpr Query kUnknownRecipients(
    "outbox.unknown_recipients",
    "UPDATE message_recipients SET state = 'unknown', detail = $2 WHERE message_id = $1 "
    "AND route = 'external' AND state = 'queued'");

constexpr std::string_view kDetail = "handed over, but the worker stopped before an answer was recorded";

}  // namespace

Rescued rescue(store::Tx& tx, std::string_view repeatable_provider, UtcTime now, std::int64_t limit) {
  Rescued rescued;
  rescued.requeued = tx.execute(kRequeue, {now, repeatable_provider, limit});
  for (const store::Row row : tx.query(kLost, {now, repeatable_provider, limit, kDetail})) {
    const MessageId message(row.text(0));
    tx.send(kUnknownRecipients, {message.str(), kDetail});
    mailbox::advance_delivery(tx, message, mailbox::DeliveryStatus::unknown, kDetail);
    ++rescued.unknown;
  }
  return rescued;
}

}  // namespace countersign::outbox
