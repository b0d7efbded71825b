// Conversations: what an agent's live, visible messages with one conversation id come to (contract §12).
//
// A row per conversation is kept in the transactions that change its messages, so that a page of a list costs
// the same whatever the mailbox holds. Every door by which a message enters or leaves calls one of these.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::mailbox {

/// A message as a member of its conversation.
struct Membership {
  std::string_view agent_email;
  std::string_view conversation_id;  // empty: of none, and nothing happens
  MessageId id;
  Direction direction = Direction::outbound;
  bool unread = false;
  UtcTime created_at;
};
/// Views into `message`.
[[nodiscard]] Membership membership_of(const Message& message, bool unread);

/// The message becomes a member: stored, released from review, or taken out of the trash.
void join_conversation(store::Tx& tx, const Membership& member);
/// The message, already marked as trashed in tx, is a member no longer. The last one takes the row with it.
void leave_conversation(store::Tx& tx, const Membership& member);
/// The same for several of one conversation.
struct Leaving {
  std::int64_t messages = 0;
  std::int64_t inbound = 0;
  std::int64_t unread = 0;
};
void leave_conversation(store::Tx& tx, std::string_view agent_email, std::string_view conversation_id,
                        const Leaving& members);
/// One unread member was read.
void read_in_conversation(store::Tx& tx, std::string_view agent_email, std::string_view conversation_id);

struct Conversation {
  std::string id;
  std::int64_t message_count = 0;
  std::int64_t inbound_count = 0;
  std::int64_t unread_count = 0;
  UtcTime first_message_at;
  UtcTime last_message_at;
  std::string latest_subject;
  std::string latest_from;
};

struct ConversationFilter {
  std::optional<UtcTime> since;  // last_message_at ≥
  std::optional<UtcTime> until;  // last_message_at <
};
/// Newest last message first, strictly after `after`.
[[nodiscard]] std::vector<Conversation> list_conversations(store::ReadTx& tx, std::string_view agent_email,
                                                           const ConversationFilter& filter,
                                                           const std::optional<journal::Position>& after,
                                                           std::int64_t limit);

[[nodiscard]] std::optional<Conversation> find_conversation(store::ReadTx& tx, std::string_view agent_email,
                                                            std::string_view id);
/// The newest `limit` members, oldest of them first.
[[nodiscard]] std::vector<Message> conversation_messages(store::ReadTx& tx, std::string_view agent_email,
                                                         std::string_view id, std::int64_t limit);

}  // namespace countersign::mailbox
