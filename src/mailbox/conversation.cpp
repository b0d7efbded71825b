#include "mailbox/conversation.hpp"

#include <algorithm>

#include "base/fault.hpp"
#include "mailbox/row.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

constexpr Query kJoin(
    "mailbox.join_conversation",
    "INSERT INTO conversations (agent_email, id, messages, inbound, unread, first_at_us, last_at_us, "
    "last_message_id) VALUES ($1, $2, 1, $3, $4, $5, $5, $6) ON CONFLICT (agent_email, id) DO UPDATE SET "
    "messages = conversations.messages + 1, inbound = conversations.inbound + excluded.inbound, "
    "unread = conversations.unread + excluded.unread, "
    "first_at_us = CASE WHEN excluded.first_at_us < conversations.first_at_us THEN excluded.first_at_us "
    "ELSE conversations.first_at_us END, "
    "last_message_id = CASE WHEN (excluded.last_at_us, excluded.last_message_id) > "
    "(conversations.last_at_us, conversations.last_message_id) THEN excluded.last_message_id "
    "ELSE conversations.last_message_id END, "
    "last_at_us = CASE WHEN excluded.last_at_us > conversations.last_at_us THEN excluded.last_at_us "
    "ELSE conversations.last_at_us END");

#define CS_MEMBERS                                                                              \
  "FROM messages m WHERE m.agent_email = $1 AND m.conversation_id = $2 AND m.deleted_at_us IS " \
  "NULL AND " CS_MESSAGE_VISIBLE " "
#define CS_NEWEST "ORDER BY m.created_at_us DESC, m.id DESC LIMIT 1"

// Whoever is about to change a conversation waits here, so that the statements behind it see its members as
// they are.
constexpr Query kLock("mailbox.lock_conversation",
                      "SELECT 1 FROM conversations WHERE agent_email = $1 AND id = $2 FOR UPDATE");
constexpr Query kForget("mailbox.forget_conversation",
                        "DELETE FROM conversations WHERE agent_email = $1 AND id = $2 AND messages = $3");
// The ends are looked up again, since one of those that left may have been at one of them.
constexpr Query kLeave("mailbox.leave_conversation",
                       "UPDATE conversations SET messages = messages - $3, inbound = inbound - $4, "
                       "unread = unread - $5, "
                       "first_at_us = (SELECT m.created_at_us " CS_MEMBERS
                       "ORDER BY m.created_at_us, m.id LIMIT 1), "
                       "last_at_us = (SELECT m.created_at_us " CS_MEMBERS CS_NEWEST
                       "), last_message_id = (SELECT m.id " CS_MEMBERS CS_NEWEST
                       ") WHERE agent_email = $1 AND id = $2");
constexpr Query kRead("mailbox.read_in_conversation",
                      "UPDATE conversations SET unread = unread - 1 WHERE agent_email = $1 AND id = $2");

#define CS_CONVERSATION                                                                             \
  "SELECT c.id, c.messages, c.inbound, c.unread, c.first_at_us, c.last_at_us, m.subject, m.sender " \
  "FROM conversations c JOIN messages m ON m.id = c.last_message_id WHERE c.agent_email = $1 AND "
constexpr Query kListFirst("mailbox.list_conversations", CS_CONVERSATION
                           "c.last_at_us >= $2 AND c.last_at_us < $3 "
                           "ORDER BY c.last_at_us DESC, c.id DESC LIMIT $4");
constexpr Query kListNext("mailbox.list_more_conversations", CS_CONVERSATION
                          "c.last_at_us >= $2 AND c.last_at_us < $3 AND (c.last_at_us, c.id) < ($4, $5) "
                          "ORDER BY c.last_at_us DESC, c.id DESC LIMIT $6");
constexpr Query kFind("mailbox.find_conversation", CS_CONVERSATION "c.id = $2");
constexpr Query kMembers("mailbox.conversation_messages",
                         "SELECT " CS_MESSAGE_COLUMNS " " CS_MEMBERS
                         "ORDER BY m.created_at_us DESC, m.id DESC LIMIT $3");
#undef CS_CONVERSATION
#undef CS_NEWEST
#undef CS_MEMBERS

Conversation conversation_from(const store::Row& row) {
  return {row.text(0), row.integer(1), row.integer(2), row.integer(3),
          row.time(4), row.time(5),    row.text(6),    row.text(7)};
}

}  // namespace

Membership membership_of(const Message& message, bool unread) {
  return {message.agent_email, message.conversation_id, message.id, message.direction, unread,
          message.created_at};
}

void join_conversation(store::Tx& tx, const Membership& member) {
  if (member.conversation_id.empty()) return;
  CS_FAULT("mailbox.conversation");
  tx.send(kJoin, {member.agent_email, member.conversation_id, member.direction == Direction::inbound,
                  member.unread, member.created_at, member.id.str()});
}

void leave_conversation(store::Tx& tx, const Membership& member) {
  leave_conversation(tx, member.agent_email, member.conversation_id,
                     {1, member.direction == Direction::inbound ? 1 : 0, member.unread ? 1 : 0});
}

void leave_conversation(store::Tx& tx, std::string_view agent_email, std::string_view conversation_id,
                        const Leaving& members) {
  if (conversation_id.empty() || members.messages == 0) return;
  if (tx.dialect() == store::Dialect::postgres) (void)tx.query(kLock, {agent_email, conversation_id});
  if (tx.execute(kForget, {agent_email, conversation_id, members.messages}) == 1) return;
  tx.send(kLeave, {agent_email, conversation_id, members.messages, members.inbound, members.unread});
}

void read_in_conversation(store::Tx& tx, std::string_view agent_email, std::string_view conversation_id) {
  if (!conversation_id.empty()) tx.send(kRead, {agent_email, conversation_id});
}

std::vector<Conversation> list_conversations(store::ReadTx& tx, std::string_view agent_email,
                                             const ConversationFilter& filter,
                                             const std::optional<journal::Position>& after,
                                             std::int64_t limit) {
  const UtcTime since = filter.since.value_or(UtcTime::min());
  // The cursor bounds the range too: SQLite searches by one condition on the time, perhaps by this one.
  UtcTime until = filter.until.value_or(UtcTime::max());
  if (after) until = std::min(until, after->at + Duration(1));
  const store::Rows rows = after
                               ? tx.query(kListNext, {agent_email, since, until, after->at, after->id, limit})
                               : tx.query(kListFirst, {agent_email, since, until, limit});
  std::vector<Conversation> out;
  for (const store::Row row : rows) out.push_back(conversation_from(row));
  return out;
}

std::optional<Conversation> find_conversation(store::ReadTx& tx, std::string_view agent_email,
                                              std::string_view id) {
  const store::Rows rows = tx.query(kFind, {agent_email, id});
  if (rows.empty()) return std::nullopt;
  return conversation_from(rows.front());
}

std::vector<Message> conversation_messages(store::ReadTx& tx, std::string_view agent_email,
                                           std::string_view id, std::int64_t limit) {
  std::vector<Message> out;
  for (const store::Row row : tx.query(kMembers, {agent_email, id, limit})) out.push_back(message_from(row));
  std::ranges::reverse(out);
  return out;
}

}  // namespace countersign::mailbox
