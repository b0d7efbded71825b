// How an attempt becomes unknown, and how its acceptance comes to light afterwards. Internal to the outbox.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outbox/outbox.hpp"
#include "outbox/settlement.hpp"

namespace countersign::outbox {

/// handover → unknown for this epoch, if its lease ends before `lease_before`; with the time of its resending
/// when that is the agent's policy. False when the attempt is not in hand-over any more.
bool mark_unknown(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now,
                  UtcTime lease_before = UtcTime::max());
/// The same for an attempt in the queue or claimed whose earlier hand-over may have been taken and that must
/// not be repeated after all.
bool mark_unrepeatable(store::Tx& tx, const Claim& claim, std::string_view detail, UtcTime now);

/// For an attempt that was marked unknown when everybody was served by another one already: there is nothing
/// to decide about it.
void put_aside_unknown(store::Tx& tx, Settlement& settlement, const Claim& claim, std::string_view detail,
                       UtcTime now);

/// For an attempt that has just gone back to the queue: takes it out again when everybody was served by
/// another one in the meantime, since nobody would ever finish it. A repetition ends as superseded, any other
/// as cancelled.
void drop_if_needless(store::Tx& tx, Settlement& settlement, const Claim& claim, UtcTime now);

struct AttemptName {
  SubmissionId id;
  MessageId message;
  std::int64_t number = 1;
  bool was_open = false;  // it was in hand-over, or queued to be repeated, until its acceptance came to light
};
struct Acceptance {
  std::string provider_message_id;  // may be empty
  std::string reply;                // for people; may be empty
  Witness witness;
  /// Whom the same answer turned away: the acceptance says nothing about them.
  std::vector<std::string> turned_away;
};
/// For an attempt that has just been found accepted after somebody had decided about it, or while it was open
/// (its row is written already): its recipients are served, whoever is queued for no other reason is not
/// served again by a later attempt, and the message's status follows.
void take_late_acceptance(store::Tx& tx, Settlement& settlement, const AttemptName& attempt,
                          const Acceptance& acceptance, UtcTime now);

/// Applies the feedback that was waiting for an acceptance to bring this provider id. Empty: nothing.
void apply_waiting_feedback(store::Tx& tx, std::string_view provider_message_id, UtcTime now);

/// "550 no such user", or the text alone when there is no code.
[[nodiscard]] std::string describe(int code, std::string_view text);

}  // namespace countersign::outbox
