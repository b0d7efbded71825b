// Putting a received message into an agent's mailbox as the agent's protection wants it: delivered, flagged,
// held for a reviewer, or hidden (contract §14).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "account/agent.hpp"
#include "hold/gate.hpp"
#include "journal/journal.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"
#include "store/tx.hpp"

namespace countersign::hold {

struct Incoming {
  mailbox::NewInbound row;  // row.now: when it is stored; flagged and flag_reason are filled in here
  std::string_view raw;
  std::vector<mail::AttachmentInfo> attachments;
  UtcTime received_at;  // ≤ row.now
  /// What the lifecycle begins with, each with its own time; the acceptance first.
  std::vector<journal::Transition> before;
  /// Whatever tripped; the strongest action counts, the first of several equal ones is named.
  std::vector<Trip> trips;
};

enum class Received : std::uint8_t { delivered, flagged, held, blocked, repeated };

/// Stores the message, records and announces what became of it (all in tx): email.received, with
/// email.flagged beside it when flagged; email.review_requested and the reviewers' notification when held,
/// email.blocked when hidden, and then nothing else. Inbound holds with an unusable ttl get the longest one.
/// repeated: a message with this id exists, nothing was changed. Throws store::Unavailable.
Received receive(store::Tx& tx, const account::Agent& agent, Incoming incoming);

}  // namespace countersign::hold
