// Mail to reviewers: every hold has its notification, none is stuck, and nothing was approved by the clock
// unseen.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

// While attempts are made, what waits is the provider's affair, not a worker that is stuck.
#define CS_NOBODY_TRIES " AND NOT EXISTS (SELECT 1 FROM review_mail_attempts a WHERE a.ended_at_us >= $2)"

#define CS_REVIEW_MAIL "r.id AS subject, r.state || ' with ' || r.attempts || ' attempts' AS detail"

constexpr Rule kRules[] = {
    CS_RULE(
        "review-notification", "every message that is held has its notification",
        "SELECT m.id AS subject, m.agent_email AS detail FROM messages m WHERE m.review_status = "
        "'pending_review' AND NOT EXISTS (SELECT 1 FROM review_notifications n WHERE n.message_id = m.id)"),
    CS_RULE_SINCE(Since::leases, "review-notification-moves",
                  "no notification has waited for long to be mailed",
                  "SELECT n.message_id AS subject, n.agent_email AS detail FROM review_notifications n JOIN "
                  "agents a ON a.email = n.agent_email WHERE n.state = 'waiting' AND n.due_at_us < $2 AND "
                  "a.deleted_at_us IS NULL" CS_NOBODY_TRIES),
    CS_RULE_SINCE(Since::leases, "review-mail-moves", "no mail to a reviewer has been due for long",
                  "SELECT " CS_REVIEW_MAIL
                  " FROM review_mails r WHERE r.state = 'queued' AND r.due_at_us < $2" CS_NOBODY_TRIES),
    CS_RULE_SINCE(Since::leases, "review-mail-lease-ends",
                  "no lease on a mail to a reviewer has been over for long",
                  "SELECT " CS_REVIEW_MAIL " FROM review_mails r WHERE r.lease_until_us < $2"),
    CS_RULE(
        "review-mail-true", "what is told as mailed was accepted",
        "SELECT " CS_REVIEW_MAIL
        " FROM review_mails r WHERE (r.state = 'sent') <> EXISTS (SELECT 1 FROM review_mail_attempts a WHERE "
        "a.mail_id = r.id AND a.outcome = 'accepted')"),
    // Of one that is settled, or not due yet, what it told of may have been removed since.
    CS_RULE_SINCE(Since::leases, "review-mail-tells", "every mail to a reviewer that is due tells of a hold",
                  "SELECT " CS_REVIEW_MAIL
                  " FROM review_mails r WHERE r.settled_at_us IS NULL AND r.due_at_us < $2 AND NOT EXISTS "
                  "(SELECT 1 FROM review_notifications n WHERE n.mail_id = r.id)"),
    CS_RULE(
        "review-seen", "the clock approved nothing of which no mail had left, unless a policy allowed it",
        "SELECT m.id AS subject, n.state AS detail FROM messages m JOIN review_notifications n ON "
        "n.message_id = m.id WHERE m.review_status = 'review_expired_approved' AND n.approved_unseen = 0 AND "
        "NOT EXISTS (SELECT 1 FROM review_mails r WHERE r.id = n.mail_id AND r.state = 'sent')"),
};

}  // namespace

std::span<const Rule> review_mail_rules() { return kRules; }

}  // namespace countersign::invariants
