// Writing new messages: held drafts, accepted mail, and mail for agents that live here.
#include "account/usage.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Blob;
using store::Query;

constexpr Query kInsertOutbound(
    "mailbox.insert_outbound",
    "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, "
    "header_from, "
    "sender, to_list, cc_list, bcc_list, reply_to, delivered_to, read_status, review_status, hold_reason, "
    "approval_expires_at_us, flagged, flag_reason, unsubscribe, delivery_status, charged_bytes, "
    "created_at_us, in_reply_to, reference_list, protection, automatic) "
    "VALUES ($1, $2, $3, 'outbound', $4, 'smtp', $5, $6, $3, $3, $7, $8, $9, $10, $11, '', $12, $13, $14, "
    "$15, $16, $17, "
    "$18, $19, $20, $21, $22, $23, $24)");

constexpr Query kInsertInbound(
    "mailbox.insert_inbound",
    "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, "
    "header_from, envelope_from, sender, to_list, cc_list, reply_to_list, delivered_to, read_status, "
    "review_status, hold_reason, approval_expires_at_us, resolved_at_us, flagged, flag_reason, "
    "rfc_message_id, size_bytes, charged_bytes, created_at_us, in_reply_to, reference_list, verified_domain, "
    "authentication, protection, automatic) "
    "VALUES ($1, $2, $3, 'inbound', 'received', $4, $5, $6, $7, $8, $9, $10, $11, $12, $3, 'unread', $13, "
    "$14, $15, $16, $17, $18, $19, $20, $20, $21, $22, $23, $24, $25, $26, $27) ON CONFLICT (id) DO NOTHING");

constexpr Query kInsertContent("mailbox.insert_content",
                               "INSERT INTO message_contents (message_id, has_draft, text, html, raw) "
                               "VALUES ($1, $2, $3, $4, $5)");

constexpr Query kStoreRaw("mailbox.store_raw",
                          "INSERT INTO message_contents (message_id, raw) VALUES ($1, $2) "
                          "ON CONFLICT (message_id) DO UPDATE SET raw = excluded.raw");

constexpr Query kInsertAttachment(
    "mailbox.insert_attachment",
    "INSERT INTO draft_attachments (message_id, position, filename, content_type, content) "
    "VALUES ($1, $2, $3, $4, $5)");

constexpr Query kStoreDispatch(
    "mailbox.store_dispatch",
    "UPDATE messages SET method = $2, delivery_status = $3, sent_as = $4, rfc_message_id = $5, "
    "size_bytes = $6, charged_bytes = charged_bytes + $6 WHERE id = $1 AND "
    "direction = 'outbound' AND rfc_message_id = ''");

void insert_outbound(store::Tx& tx, const NewOutbound& message, const Draft& draft,
                     std::optional<ReviewStatus> review, std::optional<std::string_view> hold_reason,
                     std::optional<UtcTime> approval_expires_at, std::int64_t charged_bytes) {
  std::optional<std::string_view> review_name;
  std::optional<std::string_view> delivery_name;
  if (review) {
    review_name = name_of(*review);
  } else {
    delivery_name = name_of(DeliveryStatus::accepted);
  }
  const std::string to = to_json_list(draft.to);
  const std::string cc = to_json_list(draft.cc);
  const std::string bcc = to_json_list(draft.bcc);
  const std::string references = join_blanks(draft.references);
  const std::string_view delivered_to =
      draft.to.empty() ? std::string_view() : std::string_view(draft.to.front());
  tx.send(kInsertOutbound, {message.id.str(),
                            message.user.str(),
                            message.agent_email,
                            name_of(message.kind),
                            draft.subject,
                            message.conversation_id,
                            to,
                            cc,
                            bcc,
                            draft.reply_to,
                            delivered_to,
                            review_name,
                            hold_reason,
                            approval_expires_at,
                            message.flagged,
                            message.flag_reason,
                            draft.unsubscribe,
                            delivery_name,
                            charged_bytes,
                            message.now,
                            draft.in_reply_to,
                            references,
                            message.protection,
                            name_of(message.automatic)});
  join_conversation(tx, {message.agent_email, message.conversation_id, message.id, Direction::outbound, false,
                         message.now});
  account::meter_message(tx, message.user, message.id.str(), charged_bytes, message.now);
}

bool insert_inbound(store::Tx& tx, const NewInbound& message, std::string_view raw,
                    std::optional<ReviewStatus> review, std::optional<std::string_view> hold_reason,
                    std::optional<UtcTime> approval_expires_at) {
  std::optional<std::string_view> review_name;
  std::optional<UtcTime> resolved_at;
  if (review) {
    review_name = name_of(*review);
    if (*review != ReviewStatus::pending_review) resolved_at = message.now;
  }
  const std::string to = to_json_list(message.to);
  const std::string cc = to_json_list(message.cc);
  const std::string reply_to = to_json_list(message.reply_to_list);
  const std::string references = fmt::format("{}", fmt::join(message.references, " "));
  const auto size = static_cast<std::int64_t>(raw.size());
  CS_FAULT("mailbox.inbound");
  const std::int64_t inserted = tx.execute(kInsertInbound, {message.id.str(),
                                                            message.user.str(),
                                                            message.agent_email,
                                                            name_of(message.method),
                                                            message.subject,
                                                            message.conversation_id,
                                                            message.header_from,
                                                            message.envelope_from,
                                                            message.sender,
                                                            to,
                                                            cc,
                                                            reply_to,
                                                            review_name,
                                                            hold_reason,
                                                            approval_expires_at,
                                                            resolved_at,
                                                            message.flagged,
                                                            message.flag_reason,
                                                            message.rfc_message_id,
                                                            size,
                                                            message.now,
                                                            message.in_reply_to,
                                                            references,
                                                            message.verified_domain,
                                                            message.authentication,
                                                            message.protection,
                                                            name_of(message.automatic)});
  if (inserted == 0) return false;
  if (!review) {
    join_conversation(tx, {message.agent_email, message.conversation_id, message.id, Direction::inbound, true,
                           message.now});
  }
  tx.send(kInsertContent, {message.id.str(), false, "", "", Blob{raw}});
  if (message.metered) return true;
  account::meter_message(tx, message.user, message.meter_seed.empty() ? message.id.str() : message.meter_seed,
                         size, message.now);
  return true;
}

}  // namespace

void insert_held(store::Tx& tx, const NewOutbound& message, const Draft& draft, std::string_view hold_reason,
                 UtcTime approval_expires_at) {
  insert_outbound(tx, message, draft, ReviewStatus::pending_review, hold_reason, approval_expires_at,
                  draft.bytes());
  tx.send(kInsertContent, {message.id.str(), true, draft.text, draft.html, nullptr});
  for (std::size_t i = 0; i < draft.attachments.size(); ++i) {
    const DraftAttachment& attachment = draft.attachments[i];
    tx.send(kInsertAttachment, {message.id.str(), static_cast<std::int64_t>(i), attachment.filename,
                                attachment.content_type, Blob{attachment.content}});
  }
}

void insert_accepted(store::Tx& tx, const NewOutbound& message, const Draft& draft) {
  insert_outbound(tx, message, draft, std::nullopt, std::nullopt, std::nullopt, 0);
}

void store_dispatch(store::Tx& tx, const Message& message, const Dispatch& dispatch, std::string_view raw) {
  CS_ASSERT(!dispatch.rfc_message_id.empty());
  const auto size = static_cast<std::int64_t>(raw.size());
  const std::int64_t updated = tx.execute(
      kStoreDispatch, {message.id.str(), name_of(dispatch.method), name_of(dispatch.delivery_status),
                       dispatch.sent_as, dispatch.rfc_message_id, size});
  CS_ASSERT(updated == 1);
  tx.send(kStoreRaw, {message.id.str(), Blob{raw}});
  account::meter_bytes(tx, message.user, message.id.str(), size);
}

bool create_inbound_message(store::Tx& tx, const NewInbound& message, std::string_view raw) {
  return insert_inbound(tx, message, raw, std::nullopt, std::nullopt, std::nullopt);
}

bool create_held_inbound(store::Tx& tx, const NewInbound& message, std::string_view raw, ReviewStatus status,
                         std::string_view hold_reason, std::optional<UtcTime> approval_expires_at) {
  return insert_inbound(tx, message, raw, status, hold_reason, approval_expires_at);
}

}  // namespace countersign::mailbox
