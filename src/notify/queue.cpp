#include "notify/queue.hpp"

#include "base/fault.hpp"

namespace countersign::notify {
namespace {

using store::Query;

// A digest is due at a multiple of its period, so that holds of one period share a mail.
constexpr Query kQueue(
    "notify.queue",
    "INSERT INTO review_notifications (message_id, user_id, agent_email, state, due_at_us, urgent_at_us, "
    "created_at_us) SELECT $1, q.user_id, q.agent_email, CASE WHEN q.muted THEN 'muted' ELSE 'waiting' END, "
    "CASE WHEN q.period_us = 0 THEN $3 WHEN ($3 / q.period_us + 1) * q.period_us < $4 THEN "
    "($3 / q.period_us + 1) * q.period_us ELSE $4 END, $4, $3 FROM (SELECT u.id AS user_id, a.email AS "
    "agent_email, a.hold_suppress_notifications = 1 OR u.review_mute = 1 AS muted, "
    "COALESCE(a.review_digest_seconds, u.review_digest_seconds, 0) * 1000000 AS period_us FROM agents a JOIN "
    "users u ON u.id = a.user_id WHERE a.email = $2) q WHERE 1 = 1 ON CONFLICT (message_id) DO NOTHING");

// Both touch their row whatever its state: a worker that holds it ends first, and one that comes finds the
// hold.
constexpr Query kQueueAgain(
    "notify.queue_again",
    "UPDATE review_notifications SET state = CASE WHEN state = 'cancelled' THEN 'waiting' ELSE state END, "
    "due_at_us = CASE WHEN state = 'cancelled' THEN $2 ELSE due_at_us END WHERE message_id = $1");
constexpr Query kMailAgain(
    "notify.mail_again",
    "UPDATE review_mails SET state = CASE WHEN state = 'cancelled' THEN 'queued' ELSE state END, "
    "due_at_us = CASE WHEN state = 'cancelled' THEN $2 ELSE due_at_us END, "
    "settled_at_us = CASE WHEN state = 'cancelled' THEN NULL ELSE settled_at_us END "
    "WHERE id = (SELECT mail_id FROM review_notifications WHERE message_id = $1)");

// One that was left out of its mail's last attempt and stayed with it for the links of an earlier one, whose
// answer was lost (leave_out in review_mail.cpp). $3: when it was decided. It waits for a mail of its own.
constexpr Query kTakeOut(
    "notify.take_out",
    "UPDATE review_notifications SET state = 'waiting', mail_id = NULL, due_at_us = $2 WHERE message_id = $1 "
    "AND state = 'mailed' AND EXISTS (SELECT 1 FROM review_mails r JOIN review_mail_attempts a ON a.mail_id "
    "= r.id WHERE r.id = review_notifications.mail_id AND a.epoch < r.epoch AND a.outcome IN ('', 'unknown') "
    "AND (r.state = 'claimed' OR r.state = 'sent' AND EXISTS (SELECT 1 FROM review_mail_attempts l WHERE "
    "l.mail_id = r.id AND l.outcome = 'accepted' AND l.begun_at_us >= $3)))");

// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kMuteWaiting(
    "notify.mute_waiting",
    "UPDATE review_notifications SET state = 'muted' WHERE message_id IN (SELECT message_id FROM "
    "review_notifications WHERE state = 'waiting' LIMIT $1)",
    "UPDATE review_notifications SET state = 'muted' WHERE message_id = ANY (ARRAY(SELECT message_id FROM "
    "review_notifications WHERE state = 'waiting' LIMIT $1 FOR UPDATE SKIP LOCKED))");

}  // namespace

void queue(store::Tx& tx, const account::Agent& agent, const MessageId& message, UtcTime deadline,
           UtcTime now) {
  CS_FAULT("notify.queue");
  const UtcTime urgent = now + (deadline - now) / 2;
  tx.send(kQueue, {message.str(), agent.email, now, urgent});
}

void queue_again(store::Tx& tx, const MessageId& message, UtcTime decided_at, UtcTime now) {
  tx.send(kQueueAgain, {message.str(), now});
  tx.send(kMailAgain, {message.str(), now});
  tx.send(kTakeOut, {message.str(), now, decided_at});
}

std::int64_t mute_waiting(store::Tx& tx, std::int64_t limit) { return tx.execute(kMuteWaiting, {limit}); }

}  // namespace countersign::notify
