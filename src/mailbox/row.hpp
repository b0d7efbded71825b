// How a `messages` row becomes a Message. Internal to the mailbox.
#pragma once

#include <string_view>

#include "mailbox/message.hpp"
#include "store/rows.hpp"

namespace countersign::mailbox {

/// The columns message_from reads, in its order. The table's alias is `m`.
#define CS_MESSAGE_COLUMNS                                                                                \
  "m.id, m.user_id, m.agent_email, m.direction, m.kind, m.method, m.subject, m.conversation_id, "         \
  "m.header_from, m.envelope_from, m.verified_domain, m.authentication, m.sender, m.to_list, m.cc_list, " \
  "m.bcc_list, m.reply_to_list, m.reply_to, m.delivered_to, m.labels, m.read_status, m.review_status, "   \
  "m.revision, m.hold_reason, m.approval_expires_at_us, m.resolved_at_us, m.rejection_reason, m.edited, " \
  "m.flagged, m.flag_reason, m.unsubscribe, m.delivery_status, m.delivery_detail, m.sent_as, "            \
  "m.provider_message_id, m.rfc_message_id, m.size_bytes, m.created_at_us, m.deleted_at_us, "             \
  "m.automatic, m.protection, m.in_reply_to, m.reference_list, m.decisions_undone"

/// Inbound that is held or was refused in review is invisible outside the review queue (contract §9.5).
#define CS_MESSAGE_VISIBLE                                   \
  "(m.direction = 'outbound' OR m.review_status IS NULL OR " \
  "m.review_status IN ('review_approved', 'review_expired_approved'))"

[[nodiscard]] Message message_from(const store::Row& row);

}  // namespace countersign::mailbox
