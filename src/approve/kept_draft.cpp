#include "approve/kept_draft.hpp"

#include "account/usage.hpp"
#include "approve/approve.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"

namespace countersign::approve {
namespace {

using store::Query;

// bytes: what the draft is charged for. Whatever was kept of an earlier round is replaced.
constexpr Query kKeep(
    "approve.keep_draft",
    "INSERT INTO kept_drafts (message_id, revision, subject, to_list, cc_list, bcc_list, text, html, edited, "
    "attachments, bytes, kept_at_us) SELECT m.id, m.revision, m.subject, m.to_list, m.cc_list, m.bcc_list, "
    "c.text, c.html, m.edited, $2, m.charged_bytes, $3 FROM messages m JOIN message_contents c ON "
    "c.message_id = m.id WHERE m.id = $1");
constexpr Query kKeepAttachments(
    "approve.keep_attachments",
    "INSERT INTO kept_attachments (message_id, position, filename, content_type, content) "
    "SELECT message_id, position, filename, content_type, content FROM draft_attachments WHERE "
    "message_id = $1");
constexpr Query kForget("approve.forget_kept", "DELETE FROM kept_drafts WHERE message_id = $1");

constexpr Query kFind(
    "approve.find_kept",
    "SELECT revision, subject, to_list, cc_list, bcc_list, text, html, edited, attachments, "
    "bytes FROM kept_drafts WHERE message_id = $1");
constexpr Query kRestore(
    "approve.restore_draft",
    "UPDATE messages SET revision = $2, subject = $3, to_list = $4, cc_list = $5, "
    "bcc_list = $6, delivered_to = $7, edited = $8, charged_bytes = $9 WHERE id = $1 AND "
    "review_status = 'pending_review'");
constexpr Query kRestoreContent("approve.restore_content",
                                "UPDATE message_contents SET text = $2, html = $3 WHERE message_id = $1");
constexpr Query kDropAttachments("approve.drop_replaced_attachments",
                                 "DELETE FROM draft_attachments WHERE message_id = $1");
constexpr Query kRestoreAttachments(
    "approve.restore_attachments",
    "INSERT INTO draft_attachments (message_id, position, filename, content_type, content) "
    "SELECT message_id, position, filename, content_type, content FROM kept_attachments WHERE "
    "message_id = $1");
constexpr Query kCharged("approve.charged", "SELECT charged_bytes FROM messages WHERE id = $1");
constexpr Query kForgetOld("approve.forget_old_kept",
                           "DELETE FROM kept_drafts WHERE message_id IN (SELECT message_id FROM kept_drafts "
                           "WHERE kept_at_us < $1 ORDER BY kept_at_us LIMIT $2)");

}  // namespace

void keep_draft(store::Tx& tx, const mailbox::Message& message, bool attachments, UtcTime now) {
  tx.send(kForget, {message.id.str()});
  const std::int64_t kept = tx.execute(kKeep, {message.id.str(), attachments, now});
  CS_ASSERT(kept == 1);
  if (attachments) tx.send(kKeepAttachments, {message.id.str()});
}

bool restore_draft(store::Tx& tx, const mailbox::Message& message) {
  const store::Rows rows = tx.query(kFind, {message.id.str()});
  if (rows.empty()) return !message.edited;
  const store::Row kept = rows.front();
  const std::vector<std::string> to = from_json_list(kept.view(2));
  const std::int64_t charged = tx.query(kCharged, {message.id.str()}).front().integer(0);
  tx.send(kRestore,
          {message.id.str(), kept.integer(0), kept.view(1), kept.view(2), kept.view(3), kept.view(4),
           to.empty() ? std::string_view() : std::string_view(to.front()), kept.integer(7), kept.integer(9)});
  account::meter_bytes(tx, message.user, message.id.str(), kept.integer(9) - charged);
  tx.send(kRestoreContent, {message.id.str(), kept.view(5), kept.view(6)});
  if (kept.flag(8)) {
    tx.send(kDropAttachments, {message.id.str()});
    tx.send(kRestoreAttachments, {message.id.str()});
  }
  tx.send(kForget, {message.id.str()});
  return true;
}

std::int64_t forget_kept_drafts(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  return tx.execute(kForgetOld, {cutoff, limit});
}

}  // namespace countersign::approve
