// The outbox: every attempt to hand a message over, as a row that knows how far it got (delivery.md §3).
//
//   queued ─claim─▶ claimed ─fence─▶ handover ─reply─▶ accepted | refused | deferred(→ a new queued attempt)
//      ▲               │ lease over        │ lease over, reply lost
//      └───release─────┘                   └─▶ unknown ─evidence│person│policy─▶ accepted | superseded
//
// Nothing here talks to a provider; provider/dispatcher does, between these transactions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

struct Recipient {
  std::string address;  // bare addr-spec
  std::string kind;     // "to", "cc", "bcc"
};

/// Queues the first attempt for the message's external recipients, due at `now`, and writes the
/// queue.outbound_submission observation. Local recipients are noted with their copies delivered.
void enqueue(store::Tx& tx, const mailbox::Message& message, const std::vector<Recipient>& external,
             UtcTime now);
/// Lets the first attempt wait until `due_at`, so that its approval can be taken back meanwhile. False: there
/// is none, it was claimed, or a copy was delivered here, which cannot be taken back.
bool postpone(store::Tx& tx, const MessageId& message, UtcTime due_at);
/// Takes the first attempt and its recipients out of the queue. False, with nothing changed, unless it still
/// waits there and nobody has ever claimed it.
[[nodiscard]] bool withdraw(store::Tx& tx, const UserId& user, const MessageId& message);
/// Notes recipients whose copies were delivered in this transaction.
void note_local(store::Tx& tx, const MessageId& message, const std::vector<Recipient>& local);

struct Claim {
  SubmissionId id;
  MessageId message;
  UserId user;
  std::int64_t epoch = 0;
  std::int64_t attempt = 0;
  /// An earlier hand-over of this attempt went unanswered: it may have been taken, whatever the answer to the
  /// repetition is, unless that is an acceptance.
  bool repetition = false;
};

/// Takes up to `limit` due attempts for `worker` until `lease_until`, turn by turn over the accounts,
/// starting after account `last_user` (fairness: a full queue of one account does not hold up the others).
/// Messages that were trashed or whose recipients were suppressed since are cancelled here and not returned.
struct ClaimCommand {
  std::string worker;
  UtcTime now;
  UtcTime lease_until;
  std::int64_t limit = 32;
  UserId last_user;
  /// The way out that will be used, and how long it recognises a repeated hand-over
  /// (Transport::repeat_window). An attempt whose earlier hand-over may have been taken, and which it would
  /// not recognise, becomes unknown here instead of being returned.
  std::string provider;
  Duration repeat_window{};
};
[[nodiscard]] std::vector<Claim> claim(store::Tx& tx, const ClaimCommand& command);

/// Whether an attempt of anybody is due: what a claim may find, without one.
[[nodiscard]] bool is_anything_due(store::ReadTx& tx, UtcTime now);

/// What a transport needs.
struct Work {
  Claim claim;
  std::string key;  // see provider::HandOver
  std::string envelope_from;
  std::vector<std::string> recipients;  // those still queued
  std::string raw;
};
/// The work of each claim, in their order; nothing where the claim is no longer ours.
[[nodiscard]] std::vector<std::optional<Work>> load_work(store::ReadTx& tx, std::span<const Claim> claims,
                                                         std::string_view worker,
                                                         std::string_view from_domain);

/// Prolongs the leases that are still ours, and says of their messages that they are `sending`: most
/// hand-overs are over before that (decision 0017). Returns how many those are.
std::int64_t renew(store::Tx& tx, std::span<const Claim> claims, std::string_view worker,
                   UtcTime lease_until);

struct FenceCommand {
  std::string worker;
  std::string provider;
  UtcTime now;
  UtcTime lease_until;
};
/// claimed → handover towards the provider, each for its epoch; one answer per claim, in their order. False:
/// the lease was lost, nothing may be sent. Must be durable before the last byte that can transfer
/// responsibility leaves.
[[nodiscard]] std::vector<bool> fence(store::Tx& tx, std::span<const Claim> claims,
                                      const FenceCommand& command);
[[nodiscard]] bool fence(store::Tx& tx, const Claim& claim, const FenceCommand& command);

enum class Verdict : std::uint8_t {
  accepted,  // the provider took responsibility
  refused,   // definite and permanent
  deferred,  // definite, try again
  unknown,   // handed over, and the answer never came
};
struct RecipientAnswer {
  std::string address;
  Verdict verdict;
  int code = 0;
  std::string text;
};
/// A definite or lost answer. `recipients` names those whose verdict differs from the whole.
struct Answer {
  Verdict verdict = Verdict::unknown;
  std::string phase;  // "rcpt", "data", "final_dot", …
  int code = 0;
  std::string text;
  std::string provider;
  std::string provider_message_id;
  bool feedback_expected = false;  // the provider tells later what became of it, and may have told already
  std::vector<RecipientAnswer> recipients;
};
/// Records the answer in a minimal transaction: the attempt, its recipients, the message's derived state, the
/// journal. A deferred attempt queues the next one by the retry ladder, or fails the message when the ladder
/// is at its end; beside recipients whose fate is unknown, deferred ones stay queued until that is settled,
/// since a message has one open attempt at a time. False when the attempt had been settled already.
bool record(store::Tx& tx, const Claim& claim, const Answer& answer, UtcTime now);
/// An answer and the hand-over it belongs to.
struct Answered {
  Claim claim;
  Answer answer;
};
/// The same for several that came at about the same time, one flag each, in their order: they share reads and
/// the guarded update, and nothing else. Answers to one message are taken in the order given.
std::vector<bool> record(store::Tx& tx, std::span<const Answered> answers, UtcTime now);

/// Gives a claim back untouched, due at `due_at`: a fault of the session, not of the message; no attempt is
/// lost. Holds also for an attempt of ours that was called unknown meanwhile. Past the outage horizon the
/// message fails instead. False when the claim is no longer ours.
bool release(store::Tx& tx, const Claim& claim, std::string_view worker, UtcTime due_at, UtcTime now,
             std::string_view detail);

struct RepeatCommand {
  UtcTime due_at;
  UtcTime now;
  /// How long after its first hand-over the provider recognises a message (Transport::repeat_window).
  Duration window;
  std::string detail;  // what happened to the answer, for people
};
/// After a lost answer of a provider that recognises repeats: queues the same attempt again, due at `due_at`.
/// False when the window is over or the claim is no longer ours; then nothing has changed.
bool repeat(store::Tx& tx, const Claim& claim, std::string_view worker, const RepeatCommand& command);

/// While the relay `provider` is away: fails what has been due for the outage horizon, oldest first, at most
/// `limit`, so that the end of a long queue does not wait for its turn to ask; how many.
std::int64_t end_overdue(store::Tx& tx, std::string_view provider, UtcTime now, std::int64_t limit);

struct RescueCommand {
  /// Leases that ended before this are over. Later than now for the only process of a store, whose dead
  /// predecessor cannot come back.
  UtcTime leases_before;
  UtcTime now;
  std::int64_t limit = 500;
  /// A provider that recognises repeats, and for how long; empty: none does.
  std::string repeatable_provider;
  Duration repeat_window{};
};
struct Rescued {
  std::int64_t requeued = 0;
  std::int64_t unknown = 0;
};
/// Leases that ran out: `claimed` goes back to the queue; `handover` becomes `unknown`, except towards a
/// provider that recognises the repetition, where it goes back to the queue too.
Rescued rescue(store::Tx& tx, const RescueCommand& command);

/// True while an attempt of the message is claimed or handed over.
[[nodiscard]] bool in_progress(store::ReadTx& tx, const MessageId& message);

}  // namespace countersign::outbox
