// The journal: every state is accompanied by the observation that led to it, and every observation is true.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_OBSERVED(message, reasons) \
  "EXISTS (SELECT 1 FROM lifecycle l WHERE l.message_id = " message " AND l.reason_code IN (" reasons "))"
#define CS_OBSERVED_OF_ATTEMPT(reasons)                                                                \
  "EXISTS (SELECT 1 FROM lifecycle l WHERE l.message_id = s.message_id AND l.reason_code IN (" reasons \
  ") AND replace(l.correlation, s.id, '') <> l.correlation)"
#define CS_DECISION_OF(status)                                                            \
  "CASE " status                                                                          \
  " WHEN 'review_approved' THEN 'review.approved' WHEN 'review_rejected' THEN "           \
  "'review.rejected' WHEN 'review_expired_approved' THEN 'review.expired_approved' WHEN " \
  "'review_expired_rejected' THEN 'review.expired_rejected' END"

constexpr Rule kRules[] =
    {
        CS_RULE("journal-acceptance", "every message has the observation of its acceptance",
                "SELECT m.id AS subject, m.direction || ' over ' || m.method AS detail FROM messages m WHERE "
                "NOT "
                "CASE WHEN m.direction = 'outbound' THEN " CS_OBSERVED("m.id", "'acceptance.outbound_api'") " WHEN m.method = 'loopback' THEN " CS_OBSERVED(
                    "m.id",
                    "'acceptance.local_loopback'") " ELSE " CS_OBSERVED("m.id",
                                                                        "'acceptance.inbound_smtp'") " END"),
        // Inbound mail that was blocked at once stands as rejected without ever having been held.
        CS_RULE(
            "journal-hold", "every hold has its observation",
            "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
            "m.review_status IS NOT NULL AND (m.direction = 'outbound' OR m.review_status = 'pending_review' "
            "OR m.resolved_by IS NOT NULL) AND NOT " CS_OBSERVED("m.id", "'review.hold_created'")),
        CS_RULE("journal-decision", "every decision has its observation",
                "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
                "m.review_status IS NOT NULL AND m.review_status <> 'pending_review' AND NOT " CS_OBSERVED(
                    "m.id", CS_DECISION_OF("m.review_status"))),
        CS_RULE(
            "journal-decision-true", "no observation tells of a decision that does not stand",
            "SELECT m.id AS subject, l.reason_code || ', but ' || COALESCE(m.review_status, 'never held') AS "
            "detail FROM lifecycle l JOIN messages m ON m.id = l.message_id WHERE l.reason_code IN "
            "('review.approved', 'review.rejected', 'review.expired_approved', 'review.expired_rejected') "
            "AND "
            "l.reason_code IS DISTINCT FROM " CS_DECISION_OF("m.review_status")),
        CS_RULE(
            "journal-queued", "every queued message has its observation",
            "SELECT s.id AS subject, 'first attempt of ' || s.message_id AS detail FROM submissions s WHERE "
            "s.attempt = 1 AND NOT " CS_OBSERVED("s.message_id", "'queue.outbound_submission'")),
        CS_RULE("journal-attempt", "every finished attempt has its observation",
                "SELECT s.id AS subject, 'attempt of ' || s.message_id || ' is ' || s.state AS detail FROM "
                "submissions s WHERE s.state IN ('accepted', 'refused', 'deferred', 'cancelled') AND NOT "
                "CASE s.state WHEN 'accepted' THEN " CS_OBSERVED_OF_ATTEMPT("'submission.upstream_accepted'") " WHEN 'refused' THEN " CS_OBSERVED_OF_ATTEMPT("'submission.provider_rejected'") " WHEN 'deferred' THEN " CS_OBSERVED_OF_ATTEMPT(
                    "'submission.temporary_failure'") " ELSE " CS_OBSERVED("s.message_id",
                                                                           "'submission.cancelled', "
                                                                           "'submission.local_retries_"
                                                                           "exhausted'") " END"),
        CS_RULE("journal-acceptance-true", "no observation tells of an acceptance that does not stand",
                "SELECT l.message_id AS subject, l.reason_code AS detail FROM lifecycle l WHERE "
                "l.reason_code = 'submission.upstream_accepted' AND NOT EXISTS (SELECT 1 FROM submissions s "
                "WHERE "
                "s.message_id = l.message_id AND s.state = 'accepted')"),
        CS_RULE("journal-loopback", "mail that stayed here has both observations",
                "SELECT m.id AS subject, 'loopback, ' || m.delivery_status AS detail FROM messages m WHERE "
                "m.direction = 'outbound' AND m.method = 'loopback' AND NOT " CS_OBSERVED(
                    "m.id", "'submission.local_loopback_accepted'")),
};

}  // namespace

std::span<const Rule> journal_rules() { return kRules; }

}  // namespace countersign::invariants
