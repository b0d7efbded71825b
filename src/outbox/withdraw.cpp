// Time to think again: an attempt that waits a little longer than it must, and can be taken out of the queue
// as long as nobody has ever claimed it.
#include "outbox/outbox.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// Never claimed: whoever claims counts the epoch up, so that no worker knows the row. A copy that was
// delivered here cannot be taken back.
#define CS_UNTOUCHED                                                                   \
  "message_id = $1 AND attempt = 1 AND state = 'queued' AND epoch = 0 AND NOT EXISTS " \
  "(SELECT 1 FROM message_recipients r WHERE r.message_id = $1 AND r.route = 'local')"

constexpr Query kPostpone("outbox.postpone",
                          "UPDATE submissions SET due_at_us = $2, first_due_at_us = $2 WHERE " CS_UNTOUCHED);
constexpr Query kWithdraw("outbox.withdraw", "DELETE FROM submissions WHERE user_id = $2 AND " CS_UNTOUCHED);
constexpr Query kForgetRecipients("outbox.forget_recipients",
                                  "DELETE FROM message_recipients WHERE message_id = $1");

}  // namespace

bool postpone(store::Tx& tx, const MessageId& message, UtcTime due_at) {
  return tx.execute(kPostpone, {message.str(), due_at}) == 1;
}

bool withdraw(store::Tx& tx, const UserId& user, const MessageId& message) {
  if (tx.execute(kWithdraw, {message.str(), user.str()}) == 0) return false;
  tx.send(kForgetRecipients, {message.str()});
  return true;
}

}  // namespace countersign::outbox
