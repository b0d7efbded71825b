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

}  // namespace countersign::outbox
