// The decision about a held message: approve (perhaps edited), reject, or what the clock decides.
//
// People and the clock go through the same code; the actor is the only difference. One decision wins, the
// others are told so, and everything a decision causes locally is in its transaction (delivery.md §1, §2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "account/agent.hpp"
#include "base/result.hpp"
#include "mailbox/message.hpp"
#include "notify/deadline.hpp"
#include "outbox/send_step.hpp"
#include "store/tx.hpp"

namespace countersign::approve {

/// A reviewer's changes: absent keeps the draft's value, present replaces it, empty clears it.
struct PendingApprovalEdit {
  std::optional<std::string> subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::optional<std::vector<std::string>> to;
  std::optional<std::vector<std::string>> cc;
  std::optional<std::vector<std::string>> bcc;
  std::optional<std::vector<mailbox::DraftAttachment>> attachments;

  [[nodiscard]] bool empty() const;
};

/// Refusals. Each leaves the hold as it was.
struct NotFound {};
struct NotPending {
  std::optional<mailbox::ReviewStatus> status;  // what it became; nothing when it was never held
};
struct StaleRevision {
  std::int64_t current;
};
struct InvalidDraft {  // an edit left a draft that cannot be sent
  std::string field;   // "to", "subject", "text", …
  std::string message;
};
struct TooManyRecipients {
  std::size_t provided;
};
struct TooLarge {
  std::int64_t actual_bytes;
};
struct DomainNotVerified {};
struct RecipientSuppressed {
  std::vector<std::string> addresses;
};
/// The clock may not approve what no reviewer can have seen: wait, or reject with this reason.
struct Unseen {
  bool wait;
  std::string reason;
};
using Refusal = std::variant<NotFound, NotPending, StaleRevision, InvalidDraft, TooManyRecipients, TooLarge,
                             DomainNotVerified, RecipientSuppressed, Unseen>;

struct ApproveCommand {
  UserId user;  // the account whose reviewer decides; scopes the lookup
  MessageId message;
  std::string actor;  // who decided, for the journal: a key id or a person
  PendingApprovalEdit edit;
  /// The draft revision the reviewer saw; a change since refuses with StaleRevision. Absent: whatever stands.
  std::optional<std::int64_t> revision;
  /// How long what it queues waits, so that `undo` finds it there. Mail that has a reader here does not wait.
  Duration undo_for{};
};

/// What approving did. An inbound message is released; an outbound one has been sent or queued.
struct Decision {
  mailbox::Direction direction = mailbox::Direction::outbound;
  bool edited = false;
  outbox::SendResult send;            // outbound only
  std::optional<UtcTime> undo_until;  // it can be taken back until about then
  bool unseen = false;                // by the clock, and a policy does without a mail to reviewers
};

/// Turns a held draft into exactly one queued send (or local delivery), or says why not.
/// Effects (all in tx): review pending→approved with the edits; journal row and email.review_approved; the
/// send step. Sends nothing outside itself.                                         Source: delivery.md §2.
[[nodiscard]] Result<Decision, Refusal> approve_and_send(store::Tx& tx, const ApproveCommand& command,
                                                         outbox::SendStep& send,
                                                         std::string_view shared_domain, UtcTime now);

struct UndoCommand {
  UserId user;
  MessageId message;
  UtcTime decided_at;  // when the approval to take back was made; another one is left alone
};
enum class UndoRefusal : std::uint8_t { not_found, too_late };
/// Takes an approval back: the hold stands again as it did, with its draft and revision, and ends later by
/// the time it was decided. Only while nobody has claimed what it queued. Effects (all in tx): −1 submission
/// with its recipients, the composed bytes; review approved→pending; journal row review.hold_created and
/// email.review_requested, once more; reviewers who had not been told yet still are.
[[nodiscard]] Result<std::monostate, UndoRefusal> undo(store::Tx& tx, const UndoCommand& command,
                                                       UtcTime now);
/// Removes up to `limit` of the drafts that were kept for an undo before `cutoff`; how many.
std::int64_t forget_kept_drafts(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

struct RejectCommand {
  UserId user;
  MessageId message;
  std::string actor;
  std::string reason;  // ≤ 2 000 characters, may be empty
};
/// Effects (all in tx): review pending→rejected, reason kept, journal row and email.review_rejected. The
/// draft stays.
[[nodiscard]] Result<std::monostate, Refusal> reject(store::Tx& tx, const RejectCommand& command,
                                                     UtcTime now);

/// A hold whose time is up.
struct Expired {
  UserId user;
  MessageId message;
  account::OnExpiry on_expiry;
  UtcTime expired_at;
};
/// Holds of live agents with approval_expires_at ≤ now, longest overdue first, strictly after `after` so that
/// a sweep advances past holds it cannot decide now.
[[nodiscard]] std::vector<Expired> find_expired(store::ReadTx& tx, UtcTime now,
                                                const std::optional<journal::Position>& after,
                                                std::int64_t limit);

/// What the clock made of a hold.
struct Expiry {
  enum class Outcome : std::uint8_t { approved, rejected, postponed };
  Outcome outcome = Outcome::rejected;
  bool unseen = false;  // approved, and a policy does without a mail to reviewers
  std::string reason;   // rejected
  UtcTime until;        // postponed
};
/// Decides a hold whose time is up as its agent wants it: what is judged and what is done about it are one
/// transaction, since a mail to reviewers may leave and a suppression end at any moment. The three below are
/// its parts. Refuses with NotPending also when the agent no longer wants what find_expired saw, which is
/// left to the next sweep.
[[nodiscard]] Result<Expiry, Refusal> expire(store::Tx& tx, const Expired& expired, outbox::SendStep& send,
                                             std::string_view shared_domain, const notify::Policy& policy,
                                             UtcTime now);
/// Whether the agent's on_expiry still is what find_expired saw; it stays so until the transaction is over.
[[nodiscard]] bool still_wanted(store::Tx& tx, const Expired& expired);
/// As approve_and_send, decided by the clock: status review_expired_approved, events carry auto_resolved.
/// Refuses also with Unseen, as long as no mail to a reviewer has left and no policy does without one
/// (notify/deadline.hpp).
[[nodiscard]] Result<Decision, Refusal> expire_approve_and_send(store::Tx& tx, const Expired& expired,
                                                                outbox::SendStep& send,
                                                                std::string_view shared_domain,
                                                                const notify::Policy& policy, UtcTime now);
/// After such a refusal with `wait`: gives the hold the time that a reviewer needs (notify::extend_hold). The
/// new deadline; NotPending when it may be decided by now after all.
[[nodiscard]] Result<UtcTime, Refusal> postpone_expiry(store::Tx& tx, const Expired& expired,
                                                       const notify::Policy& policy, UtcTime now);
/// As reject, decided by the clock: status review_expired_rejected. `reason` is "ttl_expired", or what kept
/// an automatic approval from being possible.
[[nodiscard]] Result<std::monostate, Refusal> expire_reject(store::Tx& tx, const Expired& expired,
                                                            std::string_view reason, UtcTime now);

/// Recipients, subject and sizes of a draft that is about to be sent, by the rules of the contract
/// (sendMessage 4–9).
[[nodiscard]] std::optional<Refusal> check_draft(const mailbox::Draft& draft);

}  // namespace countersign::approve
