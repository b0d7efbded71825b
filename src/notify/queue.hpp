// Notifications: each hold has one, written in the transaction that holds the message, so that a reviewer
// hears of whatever waits. What becomes of it is review_mail.hpp's business.
//
//   waiting ──gathered──▶ mailed (see the mail)      muted: nobody wants a mail      cancelled: decided first
//      ▲                    │
//      └──────left out──────┘  the mail tells of the others only
#pragma once

#include <cstdint>

#include "account/agent.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::notify {

/// Notes that reviewers are to hear of a message of `agent` that is held until `deadline` (one row, in tx).
/// Due now, or with the account's next digest, which never waits longer than half of the hold's time. Muted
/// when agent or account want no mail. Bound to no quota, gate or loop limit. A repeat changes nothing.
void queue(store::Tx& tx, const account::Agent& agent, const MessageId& message, UtcTime deadline,
           UtcTime now);

/// Notes that a message whose decision was taken back waits as before: what was cancelled because of that
/// decision, at `decided_at`, is due now, and so is what its mail does not tell of any more. Keeps whoever
/// gathers or mails at the same time from cancelling it (locks its rows, in tx).
void queue_again(store::Tx& tx, const MessageId& message, UtcTime decided_at, UtcTime now);

/// For a deployment that mails no reviewers: mutes up to `limit` notifications that wait; how many.
std::int64_t mute_waiting(store::Tx& tx, std::int64_t limit);

}  // namespace countersign::notify
