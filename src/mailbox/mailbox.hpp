// The mailbox: creating, finding, listing and changing messages. Every statement is scoped to an agent or an
// account; what is not theirs does not exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::mailbox {

/// An outbound message on its way into the store, held or not.
struct NewOutbound {
  MessageId id;
  UserId user;
  std::string agent_email;
  Kind kind = Kind::send;
  std::string conversation_id;
  bool flagged = false;
  std::string flag_reason;
  std::optional<std::string> protection{};  // JSON array (contract `ProtectionFindingView`)
  Automatic automatic = Automatic::no;      // auto_reply: it answers what a machine wrote
  UtcTime now{};
};
/// Held: the draft is kept whole, nothing is composed. `hold_reason` is a JSON object.
void insert_held(store::Tx& tx, const NewOutbound& message, const Draft& draft, std::string_view hold_reason,
                 UtcTime approval_expires_at);
/// Not held: the row alone; the send step adds transport state and composed bytes in the same transaction.
void insert_accepted(store::Tx& tx, const NewOutbound& message, const Draft& draft);

/// What the send step found out about an outbound message (all in one row update).
struct Dispatch {
  Method method = Method::smtp;
  DeliveryStatus delivery_status = DeliveryStatus::accepted;
  std::string sent_as;
  std::string rfc_message_id;
};
/// Stores the composed bytes and the transport state of an outbound message; meters the bytes.
void store_dispatch(store::Tx& tx, const Message& message, const Dispatch& dispatch, std::string_view raw);

/// A message for an agent that lives here.
struct NewInbound {
  MessageId id;
  UserId user;
  std::string agent_email;
  Method method = Method::loopback;
  std::string subject;
  std::string conversation_id;
  std::optional<std::string> header_from;
  std::optional<std::string> envelope_from;
  std::string sender;
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> reply_to_list;
  std::string rfc_message_id;
  std::string in_reply_to;
  std::vector<std::string> references;
  std::optional<std::string> verified_domain;
  std::optional<std::string> authentication;  // JSON object (contract `Authentication`)
  std::optional<std::string> protection;      // JSON array (contract `ProtectionFindingView`)
  Automatic automatic = Automatic::no;
  bool flagged = false;
  std::string flag_reason;
  /// It was metered when it arrived.
  bool metered = false;
  /// Spreads the metering (account::meter_message): the id of the message this one is a copy of, so that a
  /// transaction locks one shard per account; else the message's own id.
  std::string meter_seed;
  UtcTime now;
};
/// Writes the inbound row with its bytes in the caller's transaction and meters it. There is no other
/// connection this could be written on, so it is kept or lost with everything else the transaction does (the
/// seed's case B). False when a row with this id exists already; then nothing is changed.
[[nodiscard]] bool create_inbound_message(store::Tx& tx, const NewInbound& message, std::string_view raw);
/// The same, hidden from the agent until a reviewer releases it.
[[nodiscard]] bool create_held_inbound(store::Tx& tx, const NewInbound& message, std::string_view raw,
                                       ReviewStatus status, std::string_view hold_reason,
                                       std::optional<UtcTime> approval_expires_at);

/// A message of the agent, in the trash or not; hidden inbound (held or rejected) does not exist here.
[[nodiscard]] std::optional<Message> find(store::ReadTx& tx, std::string_view agent_email,
                                          const MessageId& id);
/// Any message, for workers that act on behalf of nobody; never for a caller.
[[nodiscard]] std::optional<Message> find_for_worker(store::ReadTx& tx, const MessageId& id);
/// The same, locked until the transaction ends: whoever settles an attempt at the message reads its
/// recipients behind this lock.
[[nodiscard]] std::optional<Message> lock_for_worker(store::Tx& tx, const MessageId& id);
/// The same for several at once, in the order of their ids so that two who lock the same ones do not wait for
/// each other. `ids` is a JSON list; those that do not exist are missing in the result.
[[nodiscard]] std::vector<Message> lock_for_worker(store::Tx& tx, std::string_view ids);
/// A message of the account whatever its state, on a live agent: for reviews.
[[nodiscard]] std::optional<Message> find_for_review(store::ReadTx& tx, const UserId& user,
                                                     const MessageId& id);
/// The same, locked until the transaction ends, so that deciders queue up behind each other.
[[nodiscard]] std::optional<Message> lock_for_review(store::Tx& tx, const UserId& user, const MessageId& id);
/// Content without the draft's attachments.
[[nodiscard]] Content load_content(store::ReadTx& tx, const MessageId& id);
/// What is attached to a message that is held or once was; empty for others.
[[nodiscard]] std::vector<DraftAttachmentInfo> list_draft_attachments(store::ReadTx& tx, const MessageId& id);
[[nodiscard]] Draft load_draft(store::ReadTx& tx, const Message& message);

/// The conversation of the newest of the agent's messages that one of `rfc_message_ids` names (Message-IDs
/// without angle brackets), by its own Message-ID or by the one its provider gave it; "" when there is none.
[[nodiscard]] std::string conversation_of(store::ReadTx& tx, std::string_view agent_email,
                                          const std::vector<std::string>& rfc_message_ids);

/// unread → read; false when it was not unread.
bool mark_read(store::Tx& tx, const MessageId& id);

struct ListFilter {
  std::optional<Direction> direction;      // absent: both
  std::optional<std::string> read_status;  // "unread", "read"; absent: not looked at
  bool ascending = false;
  std::string from;                 // case-insensitive substring of the sender, "" = any
  std::string subject_contains;     // case-insensitive substring, "" = any
  std::string conversation_id;      // exact, "" = any
  std::vector<std::string> labels;  // all of them
  std::optional<UtcTime> since;     // created_at ≥
  std::optional<UtcTime> until;     // created_at <
  bool trashed = false;
};
/// Of a list with a condition that no index answers (a substring, a second label), rows looked at for a page.
inline constexpr std::int64_t kRowsExaminedMax = 20'000;
struct MessagePage {
  std::vector<Message> messages;
  /// Set when the page ended before it was full: what there is behind this place was not looked at.
  std::optional<journal::Position> reached;
};
/// Visible messages of one agent in (created_at, id) order, strictly after `after`.
[[nodiscard]] MessagePage list(store::ReadTx& tx, std::string_view agent_email, const ListFilter& filter,
                               const std::optional<journal::Position>& after, std::int64_t limit,
                               std::int64_t examined_max = kRowsExaminedMax);
/// Pending holds of all live agents of the account, newest first.
[[nodiscard]] std::vector<Message> list_pending(store::ReadTx& tx, const UserId& user,
                                                const std::optional<journal::Position>& after,
                                                std::int64_t limit);

/// The same, the one that ends first first; strictly after (deadline, id).
[[nodiscard]] std::vector<Message> list_pending_by_deadline(store::ReadTx& tx, const UserId& user,
                                                            const std::optional<journal::Position>& after,
                                                            std::int64_t limit);

enum class LabelRefusal : std::uint8_t { not_found, too_many };
inline constexpr std::size_t kLabelsPerMessageMax = 100;
/// Adds, then removes; labels valid and normalised by the caller. The resulting sorted list.
[[nodiscard]] Result<std::vector<std::string>, LabelRefusal> change_labels(
    store::Tx& tx, std::string_view agent_email, const MessageId& id, const std::vector<std::string>& add,
    const std::vector<std::string>& remove);

enum class TrashRefusal : std::uint8_t { not_found, message_held, not_in_trash, send_in_progress };
/// Live → trash; in the trash already is a success.
[[nodiscard]] Result<std::monostate, TrashRefusal> trash(store::Tx& tx, std::string_view agent_email,
                                                         const MessageId& id, UtcTime now);
/// Trash → live, marked read when inbound; the restored row.
[[nodiscard]] Result<Message, TrashRefusal> restore(store::Tx& tx, std::string_view agent_email,
                                                    const MessageId& id);
/// Removes a trashed message for good.
[[nodiscard]] Result<std::monostate, TrashRefusal> purge(store::Tx& tx, std::string_view agent_email,
                                                         const MessageId& id);
/// Removes messages that have been in the trash since before `cutoff`, oldest first, at most `limit`; how
/// many.
/// A message with an open attempt to hand it over, an unknown one among them, stays.
std::int64_t purge_trash(store::Tx& tx, UtcTime cutoff, std::int64_t limit);
/// The same for agents: one with its messages, at most `limit` of them a call. An agent with an open attempt
/// stays as it is. Returns how many messages and agents were removed; nothing is left to do when that is 0.
std::int64_t purge_trashed_agents(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

enum class AgentPurgeRefusal : std::uint8_t { not_found, send_in_progress };
struct AgentPurge {
  std::int64_t messages = 0;  // removed by this step
  bool over = false;          // the agent is gone too
};
/// Messages that one step removes: a message is many pages, and the writer is everybody's.
inline constexpr std::int64_t kPurgedByAStep = 50;
/// One step of removing an agent with all its messages, whatever its owner may want back: a live one goes to
/// the trash, so that nothing of it is decided or handed over any more once that is committed; from the trash
/// go up to `limit` messages, and with the last of them the agent. The first step, not `begun`, looks at
/// every attempt of the agent, so that a refusal as a rule finds nothing removed. Each step leaves everything
/// that is left in agreement. Whoever stops in between leaves an agent in the trash.
[[nodiscard]] Result<AgentPurge, AgentPurgeRefusal> purge_agent(store::Tx& tx, const UserId& user,
                                                                std::string_view email, UtcTime now,
                                                                bool begun = false,
                                                                std::int64_t limit = kPurgedByAStep);

/// accepted → sending for those of `messages` (a JSON list of ids) that are still accepted.
void mark_sending(store::Tx& tx, std::string_view messages);
/// Writes delivery_status and its detail for people, and the provider's id, if it is not empty and no other
/// one was known. What the status may become is the outbox's to know, which derives it from the recipients; a
/// message without a transport state (held, rejected) is left alone.
void set_delivery(store::Tx& tx, const MessageId& id, DeliveryStatus status, std::string_view detail,
                  std::string_view provider_message_id = {});

}  // namespace countersign::mailbox
