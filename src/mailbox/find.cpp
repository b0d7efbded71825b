// Looking at one message.
#include "base/text.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"
#include "mailbox/row.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

constexpr Query kFind("mailbox.find",
                      "SELECT " CS_MESSAGE_COLUMNS
                      " FROM messages m WHERE m.id = $1 AND m.agent_email = $2 AND " CS_MESSAGE_VISIBLE);

constexpr Query kFindForWorker("mailbox.find_for_worker",
                               "SELECT " CS_MESSAGE_COLUMNS " FROM messages m WHERE m.id = $1");

// Differs because SQLite has one writer and no row locks.
constexpr Query kLockForWorker("mailbox.lock_for_worker",
                               "SELECT " CS_MESSAGE_COLUMNS " FROM messages m WHERE m.id = $1",
                               "SELECT " CS_MESSAGE_COLUMNS
                               " FROM messages m WHERE m.id = $1 FOR NO KEY UPDATE");

// Differs in how a JSON list becomes rows, too. An array, because the rows of a list are taken for a hundred
// by PostgreSQL's planner, which then reads the whole table.
constexpr Query kLockAllForWorker(
    "mailbox.lock_all_for_worker",
    "SELECT " CS_MESSAGE_COLUMNS
    " FROM messages m WHERE m.id IN (SELECT value FROM json_each($1)) ORDER BY m.id",
    "SELECT " CS_MESSAGE_COLUMNS
    " FROM messages m WHERE m.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) "
    "ORDER BY m.id FOR NO KEY UPDATE");

constexpr Query kFindForReview("mailbox.find_for_review",
                               "SELECT " CS_MESSAGE_COLUMNS
                               " FROM messages m JOIN agents a ON a.email = m.agent_email "
                               "WHERE m.id = $1 AND m.user_id = $2 AND a.deleted_at_us IS NULL");

// Differs because SQLite has one writer and no row locks.
constexpr Query kLockForReview(
    "mailbox.lock_for_review",
    "SELECT " CS_MESSAGE_COLUMNS
    " FROM messages m JOIN agents a ON a.email = m.agent_email "
    "WHERE m.id = $1 AND m.user_id = $2 AND a.deleted_at_us IS NULL",
    "SELECT " CS_MESSAGE_COLUMNS
    " FROM messages m JOIN agents a ON a.email = m.agent_email "
    "WHERE m.id = $1 AND m.user_id = $2 AND a.deleted_at_us IS NULL FOR UPDATE OF m");

constexpr Query kContent("mailbox.content",
                         "SELECT has_draft, text, html, raw FROM message_contents WHERE message_id = $1");
constexpr Query kDraftText("mailbox.draft_text",
                           "SELECT text, html FROM message_contents WHERE message_id = $1");
constexpr Query kDraftAttachments("mailbox.draft_attachments",
                                  "SELECT filename, content_type, content FROM draft_attachments "
                                  "WHERE message_id = $1 ORDER BY position");

constexpr Query kAttachmentInfos("mailbox.attachment_infos",
                                 "SELECT filename, content_type, CAST(length(content) AS BIGINT) "
                                 "FROM draft_attachments WHERE message_id = $1 ORDER BY position");

// Differs in how a JSON list becomes rows. $3: names that providers gave, see provider_names().
#define CS_CONVERSATION_OF(first, second)                                                                \
  "SELECT conversation_id FROM (SELECT conversation_id, created_at_us, id FROM messages WHERE "          \
  "agent_email = $1 AND rfc_message_id <> '' AND rfc_message_id IN (SELECT value FROM " first            \
  ") AND conversation_id <> '' UNION ALL SELECT conversation_id, created_at_us, id FROM messages WHERE " \
  "agent_email = $1 AND provider_message_id <> '' AND provider_message_id IN (SELECT value FROM " second \
  ") AND conversation_id <> '') AS found ORDER BY created_at_us DESC, id DESC LIMIT 1"
constexpr Query kConversationOf("mailbox.conversation_of",
                                CS_CONVERSATION_OF("json_each($2)", "json_each($3)"),
                                CS_CONVERSATION_OF("jsonb_array_elements_text($2::jsonb)",
                                                   "jsonb_array_elements_text($3::jsonb)"));
#undef CS_CONVERSATION_OF

constexpr Query kMarkRead("mailbox.mark_read",
                          "UPDATE messages SET read_status = 'read' WHERE id = $1 AND read_status = 'unread' "
                          "RETURNING agent_email, conversation_id, deleted_at_us");

// SES names a message <id@email.amazonses.com> or <id@REGION.amazonses.com>, and what it told us is the id.
std::vector<std::string> provider_names(const std::vector<std::string>& rfc_message_ids) {
  std::vector<std::string> names;
  for (const std::string& id : rfc_message_ids) {
    const std::size_t at = id.find('@');
    if (at != std::string::npos && id.ends_with(".amazonses.com")) names.push_back(id.substr(0, at));
  }
  return names;
}

std::optional<Message> first(const store::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return message_from(rows.front());
}

}  // namespace

std::optional<Message> find(store::ReadTx& tx, std::string_view agent_email, const MessageId& id) {
  return first(tx.query(kFind, {id.str(), agent_email}));
}

std::optional<Message> find_for_worker(store::ReadTx& tx, const MessageId& id) {
  return first(tx.query(kFindForWorker, {id.str()}));
}

std::optional<Message> lock_for_worker(store::Tx& tx, const MessageId& id) {
  return first(tx.query(kLockForWorker, {id.str()}));
}

std::vector<Message> lock_for_worker(store::Tx& tx, std::string_view ids) {
  std::vector<Message> messages;
  for (const store::Row row : tx.query(kLockAllForWorker, {ids})) messages.push_back(message_from(row));
  return messages;
}

std::optional<Message> find_for_review(store::ReadTx& tx, const UserId& user, const MessageId& id) {
  return first(tx.query(kFindForReview, {id.str(), user.str()}));
}

std::optional<Message> lock_for_review(store::Tx& tx, const UserId& user, const MessageId& id) {
  return first(tx.query(kLockForReview, {id.str(), user.str()}));
}

std::string conversation_of(store::ReadTx& tx, std::string_view agent_email,
                            const std::vector<std::string>& rfc_message_ids) {
  if (rfc_message_ids.empty()) return "";
  const std::string own = to_json_list(rfc_message_ids);
  const std::string provided = to_json_list(provider_names(rfc_message_ids));
  const store::Rows rows = tx.query(kConversationOf, {agent_email, own, provided});
  return rows.empty() ? std::string() : rows.front().text(0);
}

Content load_content(store::ReadTx& tx, const MessageId& id) {
  const store::Rows rows = tx.query(kContent, {id.str()});
  if (rows.empty()) return {};
  const store::Row row = rows.front();
  return {row.flag(0), row.text(1), row.text(2), row.maybe_text(3)};
}

std::vector<DraftAttachmentInfo> list_draft_attachments(store::ReadTx& tx, const MessageId& id) {
  std::vector<DraftAttachmentInfo> out;
  const store::Rows rows = tx.query(kAttachmentInfos, {id.str()});
  for (const store::Row row : rows) out.push_back({row.text(0), row.text(1), row.integer(2)});
  return out;
}

Draft load_draft(store::ReadTx& tx, const Message& message) {
  Draft draft;
  draft.subject = message.subject;
  draft.to = message.to;
  draft.cc = message.cc;
  draft.bcc = message.bcc;
  draft.reply_to = message.reply_to;
  draft.unsubscribe = message.unsubscribe;
  draft.in_reply_to = message.in_reply_to;
  draft.references = message.references;
  const store::Rows texts = tx.query(kDraftText, {message.id.str()});
  if (!texts.empty()) {
    draft.text = texts.front().text(0);
    draft.html = texts.front().text(1);
  }
  for (const store::Row row : tx.query(kDraftAttachments, {message.id.str()})) {
    draft.attachments.push_back({row.text(0), row.text(1), row.text(2)});
  }
  return draft;
}

bool mark_read(store::Tx& tx, const MessageId& id) {
  const store::Rows rows = tx.query(kMarkRead, {id.str()});
  if (rows.empty()) return false;
  if (!rows.front().maybe_time(2)) read_in_conversation(tx, rows.front().view(0), rows.front().view(1));
  return true;
}

}  // namespace countersign::mailbox
