// Events: what happened was announced, and what was announced happened. Events are kept for a while only, so
// the rules look at states younger than that.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_ANNOUNCED(message, types) \
  "EXISTS (SELECT 1 FROM events e WHERE e.message_id = " message " AND e.type IN (" types "))"

#define CS_HOLD_ANNOUNCED CS_ANNOUNCED("m.id", "'email.review_requested'")
#define CS_APPROVAL_ANNOUNCED CS_ANNOUNCED("m.id", "'email.review_approved'")
#define CS_REJECTION_ANNOUNCED CS_ANNOUNCED("m.id", "'email.review_rejected'")
#define CS_BLOCK_ANNOUNCED CS_ANNOUNCED("m.id", "'email.blocked'")
#define CS_HAND_OVER_ANNOUNCED CS_ANNOUNCED("s.message_id", "'email.sent'")
#define CS_SENT_HERE_ANNOUNCED CS_ANNOUNCED("m.id", "'email.sent'")
#define CS_FAILURE_ANNOUNCED CS_ANNOUNCED("m.id", "'email.failed'")
#define CS_ARRIVAL_ANNOUNCED CS_ANNOUNCED("m.id", "'email.received'")

#define CS_TOLD_OF \
  "EXISTS (SELECT 1 FROM message_recipients r WHERE r.message_id = m.id AND r.delivery <> '') "

// The approval that e tells of was taken back, and the hold announced once more.
#define CS_TAKEN_BACK                                                                             \
  "(m.decisions_undone > 0 AND EXISTS (SELECT 1 FROM events h WHERE h.message_id = e.message_id " \
  "AND h.type = 'email.review_requested' AND h.position > e.position))"

constexpr Rule kRules[] = {
    CS_RULE_SINCE(Since::events, "event-review-requested", "every hold was announced",
                  "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
                  "m.review_status IS NOT NULL AND m.created_at_us >= $2 AND (m.direction = 'outbound' OR "
                  "m.review_status = 'pending_review' OR m.resolved_by IS NOT NULL) AND "
                  "NOT " CS_HOLD_ANNOUNCED),
    CS_RULE_SINCE(Since::events, "event-decision", "every decision was announced",
                  "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
                  "m.resolved_at_us >= $2 AND NOT CASE WHEN m.review_status IN ('review_approved', "
                  "'review_expired_approved') THEN " CS_APPROVAL_ANNOUNCED
                  " WHEN m.resolved_by IS NULL THEN " CS_BLOCK_ANNOUNCED " ELSE " CS_REJECTION_ANNOUNCED
                  " END"),
    CS_RULE_SINCE(Since::events, "event-sent", "every hand-over that was accepted was announced",
                  "SELECT s.message_id AS subject, 'attempt ' || s.id AS detail FROM submissions s WHERE "
                  "s.state = 'accepted' AND s.settled_at_us >= $2 AND NOT " CS_HAND_OVER_ANNOUNCED
                  " UNION ALL SELECT m.id AS subject, 'loopback' AS detail FROM messages m WHERE "
                  "m.direction = 'outbound' AND m.method = 'loopback' AND "
                  "COALESCE(m.resolved_at_us, m.created_at_us) >= $2 AND NOT " CS_SENT_HERE_ANNOUNCED),
    CS_RULE_SINCE(Since::events, "event-failed", "every failure was announced",
                  "SELECT m.id AS subject, m.delivery_detail AS detail FROM messages m WHERE "
                  "m.delivery_status = 'failed' AND EXISTS (SELECT 1 FROM submissions s WHERE "
                  "s.message_id = m.id AND s.settled_at_us >= $2) AND NOT " CS_FAILURE_ANNOUNCED),
    // An observation without that code was made up when the schema came to know about unknown hand-overs.
    CS_RULE_SINCE(
        Since::events, "event-unknown", "every hand-over whose answer was lost was announced",
        "SELECT s.message_id AS subject, 'attempt ' || s.id AS detail FROM submissions s WHERE "
        "s.unknown_at_us >= $2 AND NOT " CS_ANNOUNCED(
            "s.message_id",
            "'email.unknown'") " AND EXISTS (SELECT 1 FROM lifecycle l WHERE l.message_id = s.message_id AND "
                               "replace(l.evidence, 'outcome_unknown', '') <> l.evidence)"),
    CS_RULE_SINCE(Since::events, "event-received", "every message that arrived was announced",
                  "SELECT m.id AS subject, 'in ' || m.agent_email AS detail FROM messages m WHERE "
                  "m.direction = 'inbound' AND m.review_status IS NULL AND m.created_at_us >= $2 AND "
                  "NOT " CS_ARRIVAL_ANNOUNCED),
    CS_RULE(
        "event-true", "nothing was announced that does not stand",
        "SELECT e.id AS subject, e.type || ' of ' || m.id || ', ' || COALESCE(m.review_status, "
        "'never held') || ', ' || COALESCE(m.delivery_status, 'no delivery') AS detail FROM "
        "events e JOIN "
        "messages m ON m.id = e.message_id WHERE NOT CASE e.type "
        "WHEN 'email.sent' THEN COALESCE(m.delivery_status, 'accepted') NOT IN ('accepted', "
        "'sending') "
        "WHEN 'email.failed' THEN COALESCE(m.delivery_status, '') IN ('failed', 'bounced', "
        "'complained') OR COALESCE(m.review_status, '') IN ('review_rejected', 'review_expired_rejected') "
        "OR EXISTS (SELECT 1 FROM submissions s WHERE s.message_id = m.id AND "
        "(s.resolution = 'give_up' OR s.settled_by = 'evidence' OR (s.state = 'accepted' AND "
        "s.resolution = 'send_again'))) "
        "WHEN 'email.unknown' THEN EXISTS (SELECT 1 FROM submissions s WHERE s.message_id = m.id AND "
        "s.unknown_at_us IS NOT NULL) "
        "WHEN 'email.delivered' THEN " CS_TOLD_OF "WHEN 'email.bounced' THEN " CS_TOLD_OF
        "WHEN 'email.complained' THEN " CS_TOLD_OF
        "WHEN 'email.review_requested' THEN m.review_status IS NOT NULL "
        "WHEN 'email.review_approved' THEN COALESCE(m.review_status, '') IN ('review_approved', "
        "'review_expired_approved') OR " CS_TAKEN_BACK
        " WHEN 'email.review_rejected' THEN COALESCE(m.review_status, '') IN ('review_rejected', "
        "'review_expired_rejected') "
        "WHEN 'email.received' THEN m.direction = 'inbound' AND m.review_status IS NULL "
        "ELSE 1 = 1 END"),
    CS_RULE("event-envelope", "an event's stored bytes name its id and type",
            "SELECT e.id AS subject, e.type AS detail FROM events e WHERE "
            "replace(e.envelope, '\"type\":\"' || e.type || '\"', '') = e.envelope OR "
            "replace(e.envelope, '\"id\":\"' || e.id || '\"', '') = e.envelope"),
};

}  // namespace

std::span<const Rule> event_rules() { return kRules; }

}  // namespace countersign::invariants
