// One row of `submissions`. Internal to the outbox.
#pragma once

#include "outbox/outbox.hpp"

namespace countersign::outbox {

struct NewAttempt {
  MessageId message;
  UserId user;
  std::int64_t number;  // from 1
  UtcTime first_due_at;
  UtcTime due_at;
  UtcTime now;
};

/// The id of an attempt follows from its message and number, so that a second row for it cannot exist.
[[nodiscard]] SubmissionId attempt_id(const MessageId& message, std::int64_t attempt);
void insert_attempt(store::Tx& tx, const NewAttempt& attempt);

/// Ends a message that will not be handed over: its open recipients, its delivery status, its journal and
/// event.
struct Failure {
  journal::Reason reason;
  std::string recipient_state;  // "refused" or "cancelled"
  std::string detail;           // for people; also delivery_detail
  std::string occasion;
};
void fail_message(store::Tx& tx, const MessageId& message, const Failure& failure, UtcTime now);

}  // namespace countersign::outbox
