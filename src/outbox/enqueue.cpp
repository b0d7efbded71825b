// Queueing: from an approved message to its first attempt.
#include "outbox/attempt.hpp"
#include "outbox/outbox.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

constexpr Query kInsertRecipient("outbox.insert_recipient",
                                 "INSERT INTO message_recipients (message_id, address, kind, route, state) "
                                 "VALUES ($1, $2, $3, $4, $5)");

constexpr Query kInsertFirst(
    "outbox.insert_first_attempt",
    "INSERT INTO submissions (id, message_id, user_id, attempt, state, first_due_at_us, "
    "due_at_us, created_at_us) VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7)");
// Attempts share a key, by which a provider may have known the message since the first of them, until it is
// to be sent again: that has a key, and a window in which it is known, of its own.
constexpr Query kInsertAttempt(
    "outbox.insert_attempt",
    "INSERT INTO submissions (id, message_id, user_id, attempt, state, first_due_at_us, due_at_us, "
    "created_at_us, first_fenced_at_us) SELECT $1, $2, $3, $4, 'queued', $5, $6, $7, "
    "min(first_fenced_at_us) FROM submissions WHERE message_id = $2 AND attempt > COALESCE((SELECT "
    "max(attempt) FROM submissions WHERE message_id = $2 AND resolution = 'send_again'), 0)");

void insert_recipients(store::Tx& tx, const MessageId& message, const std::vector<Recipient>& recipients,
                       std::string_view route, std::string_view state) {
  for (const Recipient& recipient : recipients) {
    tx.send(kInsertRecipient, {message.str(), recipient.address, recipient.kind, route, state});
  }
}

}  // namespace

SubmissionId attempt_id(const MessageId& message, std::int64_t attempt) {
  return SubmissionId(derived_id_near(message.str(), "sub_", {message.str(), std::to_string(attempt)}));
}

void insert_attempt(store::Tx& tx, const NewAttempt& attempt) {
  const SubmissionId id = attempt_id(attempt.message, attempt.number);
  tx.send(attempt.number == 1 ? kInsertFirst : kInsertAttempt,
          {id.str(), attempt.message.str(), attempt.user.str(), attempt.number, attempt.first_due_at,
           attempt.due_at, attempt.now});
}

void enqueue(store::Tx& tx, const mailbox::Message& message, const std::vector<Recipient>& external,
             UtcTime now) {
  insert_recipients(tx, message.id, external, "external", "queued");
  const NewAttempt first{message.id, message.user, 1, now, now, now};
  insert_attempt(tx, first);
  journal::Transition queued{journal::Reason::queue_outbound_submission, now, {}, {}, {}, message.round()};
  queued.correlation["job_id"] = attempt_id(message.id, 1).str();
  journal::record(tx, message.journal_subject(), queued);
}

void note_local(store::Tx& tx, const MessageId& message, const std::vector<Recipient>& local) {
  insert_recipients(tx, message, local, "local", "accepted");
}

}  // namespace countersign::outbox
