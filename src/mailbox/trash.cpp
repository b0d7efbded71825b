// The trash: moving in, moving out, and removing for good.
#include "account/usage.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"
#include "mailbox/row.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

// Differs because SQLite has one writer and no row locks.
constexpr Query kLock("mailbox.lock",
                      "SELECT " CS_MESSAGE_COLUMNS
                      ", m.charged_bytes FROM messages m "
                      "WHERE m.id = $1 AND m.agent_email = $2 AND " CS_MESSAGE_VISIBLE,
                      "SELECT " CS_MESSAGE_COLUMNS
                      ", m.charged_bytes FROM messages m "
                      "WHERE m.id = $1 AND m.agent_email = $2 AND " CS_MESSAGE_VISIBLE " FOR UPDATE");
// The column after those of a message.
std::int64_t charged_bytes(const store::Row& locked) { return locked.integer(locked.columns() - 1); }

constexpr Query kTrash("mailbox.trash",
                       "UPDATE messages SET deleted_at_us = $2 WHERE id = $1 AND deleted_at_us IS NULL");
constexpr Query kRestore("mailbox.restore",
                         "UPDATE messages SET deleted_at_us = NULL, "
                         "read_status = CASE WHEN read_status = 'unread' THEN 'read' ELSE read_status END "
                         "WHERE id = $1 AND deleted_at_us IS NOT NULL");
constexpr Query kPurge("mailbox.purge", "DELETE FROM messages WHERE id = $1 AND deleted_at_us IS NOT NULL");
// Locked where rows can be, so that no worker claims the attempt between this look and the removal.
constexpr Query kOpenAttempts(
    "mailbox.open_attempts",
    "SELECT state FROM submissions WHERE message_id = $1 AND state IN ('queued', 'claimed', 'handover')",
    "SELECT state FROM submissions WHERE message_id = $1 AND state IN ('queued', 'claimed', 'handover') "
    "FOR UPDATE");
// An attempt under way needs its message, one that waits has its cancellation to come, and of an unknown one
// somebody still has to find out.
#define CS_IDLE_OLD_TRASH                                                                                   \
  "m.deleted_at_us < $1 AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.message_id = m.id AND s.state " \
  "IN ('queued', 'claimed', 'handover', 'unknown'))"
constexpr Query kOldTrash("mailbox.old_trash", "SELECT m.id FROM messages m WHERE " CS_IDLE_OLD_TRASH
                                               " ORDER BY m.deleted_at_us, m.id LIMIT $2");
// Asks again what kOldTrash saw: another node may have purged the message since, or its owner restored it.
constexpr Query kPurgeOld("mailbox.purge_old", "DELETE FROM messages AS m WHERE " CS_IDLE_OLD_TRASH
                                               " AND m.id = $2 RETURNING user_id, charged_bytes");
#undef CS_IDLE_OLD_TRASH

bool handing_over(store::Tx& tx, const MessageId& id) {
  for (const store::Row row : tx.query(kOpenAttempts, {id.str()})) {
    if (row.view(0) != "queued") return true;
  }
  return false;
}

}  // namespace

Result<std::monostate, TrashRefusal> trash(store::Tx& tx, std::string_view agent_email, const MessageId& id,
                                           UtcTime now) {
  const store::Rows rows = tx.query(kLock, {id.str(), agent_email});
  if (rows.empty()) return unexpected(TrashRefusal::not_found);
  const Message message = message_from(rows.front());
  if (message.review_status == ReviewStatus::pending_review) return unexpected(TrashRefusal::message_held);
  if (tx.execute(kTrash, {id.str(), now}) == 1) {
    leave_conversation(tx, membership_of(message, message.read_status == "unread"));
  }
  return std::monostate{};
}

Result<Message, TrashRefusal> restore(store::Tx& tx, std::string_view agent_email, const MessageId& id) {
  const store::Rows rows = tx.query(kLock, {id.str(), agent_email});
  if (rows.empty()) return unexpected(TrashRefusal::not_found);
  Message message = message_from(rows.front());
  if (!message.deleted_at) return unexpected(TrashRefusal::not_in_trash);
  tx.send(kRestore, {id.str()});
  message.deleted_at.reset();
  if (message.read_status == "unread") message.read_status = "read";
  join_conversation(tx, membership_of(message, false));
  return message;
}

Result<std::monostate, TrashRefusal> purge(store::Tx& tx, std::string_view agent_email, const MessageId& id) {
  const store::Rows rows = tx.query(kLock, {id.str(), agent_email});
  if (rows.empty()) return unexpected(TrashRefusal::not_found);
  const Message message = message_from(rows.front());
  if (!message.deleted_at) return unexpected(TrashRefusal::not_in_trash);
  if (handing_over(tx, id)) return unexpected(TrashRefusal::send_in_progress);
  tx.send(kPurge, {id.str()});
  account::meter_bytes(tx, message.user, id.str(), -charged_bytes(rows.front()));
  return std::monostate{};
}

std::int64_t purge_trash(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  std::int64_t purged = 0;
  for (const store::Row old : tx.query(kOldTrash, {cutoff, limit})) {
    for (const store::Row row : tx.query(kPurgeOld, {cutoff, old.view(0)})) {
      account::meter_bytes(tx, UserId(row.text(0)), old.view(0), -row.integer(1));
      ++purged;
    }
  }
  return purged;
}

}  // namespace countersign::mailbox
