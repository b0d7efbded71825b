// How an attempt becomes unknown, and how its acceptance comes to light afterwards. Internal to the outbox.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outbox/outbox.hpp"
#include "outbox/retry.hpp"
#include "outbox/settlement.hpp"

namespace countersign::outbox {

/// kAttemptsMax, for statements: a policy sends again while fewer attempts than that were made (contract
/// §10); behind them a person decides.
#define CS_ATTEMPTS_MAX "6"
static_assert(kAttemptsMax == 6);

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

/// For a second copy that was taken, by its own answer: whom only evidence of another attempt had counted as
/// served is served by this one, which is certain. The other one's own answer may still come and deny it.
void hold_by_answer(store::Tx& tx, Settlement& settlement, const SubmissionId& attempt,
                    const std::vector<std::string>& turned_away);

struct TakenBack {
  std::vector<Fate> refused;
  std::vector<Fate> deferred;
};
/// For recipients whom evidence of this attempt had counted as served, when its own answer says that it
/// turned them away. Who was deferred goes on with the attempt that was made since, if that is not over, is
/// not asked for again what somebody decided, and is `unknown` where that attempt may have been taken.
/// `first_due_at` is this attempt's.
void take_back(store::Tx& tx, Settlement& settlement, const AttemptName& attempt, const TakenBack& taken_back,
               UtcTime first_due_at, UtcTime now);

/// Applies the feedback that was waiting for an acceptance to bring this provider id. Empty: nothing. It
/// reads the recipients anew: whoever holds some (a Settlement) is done with them before.
void apply_waiting_feedback(store::Tx& tx, std::string_view provider_message_id, UtcTime now);

/// "550 no such user", or the text alone when there is no code.
[[nodiscard]] std::string describe(int code, std::string_view text);

}  // namespace countersign::outbox
