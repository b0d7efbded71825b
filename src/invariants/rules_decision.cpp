// Decisions: what was never approved is nowhere but in its draft.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_APPROVED "('review_approved', 'review_expired_approved')"
#define CS_NOT_APPROVED                                                  \
  "m.review_status IS NOT NULL AND (m.review_status NOT IN " CS_APPROVED \
  " OR m.approved_revision IS DISTINCT FROM m.revision)"
#define CS_STANDING                                                                             \
  "'review ' || m.review_status || ', revision ' || CAST(m.revision AS TEXT) || ', approved ' " \
  "|| COALESCE(CAST(m.approved_revision AS TEXT), 'none')"

constexpr Rule kRules[] = {
    CS_RULE("submission-approved",
            "nothing is handed over but what was approved in exactly this revision, or was never held",
            "SELECT s.id AS subject, " CS_STANDING " AS detail FROM submissions s "
            "JOIN messages m ON m.id = s.message_id WHERE " CS_NOT_APPROVED),
    CS_RULE("recipient-approved", "no recipient is served before the message is approved",
            "SELECT r.message_id AS subject, r.address || ': ' || " CS_STANDING
            " AS detail FROM message_recipients r "
            "JOIN messages m ON m.id = r.message_id WHERE " CS_NOT_APPROVED),
    CS_RULE("copy-has-decision", "no local copy exists unless its message was sent to that mailbox",
            "SELECT i.id AS subject, 'copy of ' || m.id || ' in ' || i.agent_email AS detail FROM messages i "
            "JOIN messages m ON m.id = substr(i.rfc_message_id, 1, 36) AND m.direction = 'outbound' "
            "WHERE i.direction = 'inbound' AND i.method = 'loopback' AND NOT EXISTS "
            "(SELECT 1 FROM message_recipients r WHERE r.message_id = m.id AND r.address = i.agent_email "
            "AND r.route = 'local')"),
    CS_RULE("copy-once", "a mailbox holds one local copy of a message",
            "SELECT MIN(i.id) AS subject, CAST(COUNT(*) AS TEXT) || ' copies of ' || i.rfc_message_id || "
            "' in ' || i.agent_email AS detail FROM messages i WHERE i.direction = 'inbound' AND "
            "i.method = 'loopback' AND i.rfc_message_id <> '' GROUP BY i.agent_email, i.rfc_message_id "
            "HAVING COUNT(*) > 1"),
    CS_RULE("undecided-unsent", "a held or rejected message has no transport state and no composed bytes",
            "SELECT m.id AS subject, m.review_status || ', ' || COALESCE(m.delivery_status, 'no delivery') "
            "AS detail FROM messages m WHERE m.direction = 'outbound' AND m.review_status IN "
            "('pending_review', 'review_rejected', 'review_expired_rejected') AND "
            "(m.delivery_status IS NOT NULL OR m.rfc_message_id <> '' OR m.provider_message_id <> '')"),
    CS_RULE("approved-revision", "an approval names the revision that is stored, and only an approval does",
            "SELECT m.id AS subject, COALESCE(" CS_STANDING
            ", 'never held') AS detail FROM messages m WHERE CASE WHEN m.review_status IN " CS_APPROVED
            " THEN m.approved_revision IS DISTINCT FROM m.revision ELSE m.approved_revision IS NOT NULL END"),
    CS_RULE("decision-shape", "a hold has a deadline and a reason; a decision has its time",
            "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
            "m.review_status IS NOT NULL AND (m.hold_reason IS NULL OR "
            "(m.review_status = 'pending_review') <> (m.resolved_at_us IS NULL) OR "
            "(m.review_status = 'pending_review' AND m.approval_expires_at_us IS NULL))"),
    CS_RULE("hold-not-trashed", "what is held cannot be in the trash",
            "SELECT m.id AS subject, 'pending_review, deleted' AS detail FROM messages m "
            "WHERE m.review_status = 'pending_review' AND m.deleted_at_us IS NOT NULL"),
};

}  // namespace

std::span<const Rule> decision_rules() { return kRules; }

}  // namespace countersign::invariants
