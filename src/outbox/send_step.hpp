// The send step: what happens to an approved draft inside the transaction that approves it.
#pragma once

#include <string>
#include <vector>

#include "account/agent.hpp"
#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

/// What became of a draft (the seed's SendResult).
struct SendResult {
  std::string provider_message_id;  // empty: no provider has been asked yet
  mailbox::Method method = mailbox::Method::smtp;
  std::string sent_as;
  bool complete = false;  // all recipients live here and have their copies; nothing is queued
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
};

/// Receives the same Tx that holds the decision, so that local copies, the queued hand-over and the decision
/// are one commit. Talks to nobody outside the database.
class SendStep {
 public:
  virtual ~SendStep() = default;
  /// message   its row, as locked or just inserted.
  /// draft     exactly what was approved.
  [[nodiscard]] virtual SendResult send(store::Tx& tx, const account::Agent& agent,
                                        const mailbox::Message& message, const mailbox::Draft& draft,
                                        UtcTime now) = 0;
};

}  // namespace countersign::outbox
