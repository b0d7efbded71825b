// The journal: every state is accompanied by the observation that led to it, and every observation is true.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

// True when message m, or the message of attempt s, has such an observation.
#define CS_OBSERVED(message, reasons) \
  "EXISTS (SELECT 1 FROM lifecycle l WHERE l.message_id = " message " AND l.reason_code IN (" reasons "))"
#define CS_OBSERVED_OF_ATTEMPT(reason)                                       \
  "EXISTS (SELECT 1 FROM lifecycle l WHERE l.message_id = s.message_id AND " \
  "l.reason_code = " reason " AND replace(l.correlation, s.id, '') <> l.correlation)"

#define CS_DECISION                                                                            \
  "CASE m.review_status WHEN 'review_approved' THEN 'review.approved' WHEN 'review_rejected' " \
  "THEN 'review.rejected' WHEN 'review_expired_approved' THEN 'review.expired_approved' "      \
  "WHEN 'review_expired_rejected' THEN 'review.expired_rejected' END"

// The decision that l tells of was taken back: the hold was there again later.
#define CS_UNDONE                                                                                \
  "(m.decisions_undone > 0 AND l.reason_code = 'review.approved' AND EXISTS (SELECT 1 FROM "     \
  "lifecycle h WHERE h.message_id = l.message_id AND h.reason_code = 'review.hold_created' AND " \
  "h.occurred_at_us >= l.occurred_at_us))"
#define CS_OUTBOUND_OBSERVED CS_OBSERVED("m.id", "'acceptance.outbound_api'")
#define CS_LOOPBACK_OBSERVED CS_OBSERVED("m.id", "'acceptance.local_loopback'")
#define CS_SMTP_OBSERVED CS_OBSERVED("m.id", "'acceptance.inbound_smtp'")
#define CS_HOLD_OBSERVED CS_OBSERVED("m.id", "'review.hold_created'")
#define CS_DECISION_OBSERVED CS_OBSERVED("m.id", CS_DECISION)
#define CS_SENT_HERE_OBSERVED CS_OBSERVED("m.id", "'submission.local_loopback_accepted'")
#define CS_QUEUE_OBSERVED CS_OBSERVED("s.message_id", "'queue.outbound_submission'")
#define CS_ACCEPTANCE_OBSERVED CS_OBSERVED_OF_ATTEMPT("'submission.upstream_accepted'")
#define CS_REFUSAL_OBSERVED CS_OBSERVED_OF_ATTEMPT("'submission.provider_rejected'")
#define CS_DEFERRAL_OBSERVED CS_OBSERVED_OF_ATTEMPT("'submission.temporary_failure'")
#define CS_ANY_ACCEPTANCE_OBSERVED CS_OBSERVED("s.message_id", "'submission.upstream_accepted'")
#define CS_END_OBSERVED \
  CS_OBSERVED("s.message_id", "'submission.cancelled', 'submission.local_retries_exhausted'")

constexpr Rule kRules[] = {
    CS_RULE("journal-acceptance", "every message has the observation of its acceptance",
            "SELECT m.id AS subject, m.direction || ' over ' || m.method AS detail FROM messages m WHERE NOT "
            "CASE WHEN m.direction = 'outbound' THEN " CS_OUTBOUND_OBSERVED
            " WHEN m.method = 'loopback' THEN " CS_LOOPBACK_OBSERVED " ELSE " CS_SMTP_OBSERVED " END"),
    // Inbound mail that was blocked at once stands as rejected without ever having been held.
    CS_RULE("journal-hold", "every hold has its observation",
            "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
            "m.review_status IS NOT NULL AND (m.direction = 'outbound' OR m.review_status = 'pending_review' "
            "OR m.resolved_by IS NOT NULL) AND NOT " CS_HOLD_OBSERVED),
    CS_RULE("journal-decision", "every decision has its observation",
            "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
            "m.review_status IS NOT NULL AND m.review_status <> 'pending_review' AND "
            "NOT " CS_DECISION_OBSERVED),
    CS_RULE(
        "journal-decision-true", "no observation tells of a decision that neither stands nor was taken back",
        "SELECT m.id AS subject, l.reason_code || ', but ' || COALESCE(m.review_status, 'never held') AS "
        "detail FROM lifecycle l JOIN messages m ON m.id = l.message_id WHERE l.reason_code IN "
        "('review.approved', 'review.rejected', 'review.expired_approved', 'review.expired_rejected') AND "
        "l.reason_code IS DISTINCT FROM " CS_DECISION " AND NOT " CS_UNDONE),
    CS_RULE("journal-queued", "every queued message has its observation",
            "SELECT s.id AS subject, 'first attempt of ' || s.message_id AS detail FROM submissions s WHERE "
            "s.attempt = 1 AND NOT " CS_QUEUE_OBSERVED),
    CS_RULE("journal-attempt", "every finished attempt has its observation",
            "SELECT s.id AS subject, 'attempt of ' || s.message_id || ' is ' || s.state AS detail FROM "
            "submissions s WHERE s.state IN ('accepted', 'refused', 'deferred', 'cancelled') AND NOT "
            "CASE s.state WHEN 'accepted' THEN " CS_ACCEPTANCE_OBSERVED
            " WHEN 'refused' THEN " CS_REFUSAL_OBSERVED " WHEN 'deferred' THEN " CS_DEFERRAL_OBSERVED
            " ELSE " CS_END_OBSERVED " OR (s.settled_by = 'evidence' AND " CS_ANY_ACCEPTANCE_OBSERVED
            ") END"),
    CS_RULE("journal-unknown", "every hand-over whose answer was lost has its observation",
            "SELECT s.id AS subject, 'attempt of ' || s.message_id || ' is ' || s.state AS detail FROM "
            "submissions s WHERE s.unknown_at_us IS NOT NULL AND NOT " CS_DEFERRAL_OBSERVED),
    CS_RULE("journal-given-up", "every hand-over that was given up has its observation",
            "SELECT s.id AS subject, 'attempt of ' || s.message_id AS detail FROM submissions s WHERE "
            "s.state = 'superseded' AND s.resolution = 'give_up' AND s.settled_by <> 'evidence' AND "
            "NOT " CS_OBSERVED_OF_ATTEMPT("'submission.cancelled'")),
    CS_RULE(
        "journal-acceptance-true", "no observation tells of an acceptance that does not stand",
        "SELECT l.message_id AS subject, l.reason_code AS detail FROM lifecycle l WHERE "
        "l.reason_code = 'submission.upstream_accepted' AND NOT EXISTS (SELECT 1 FROM submissions s WHERE "
        "s.message_id = l.message_id AND s.state = 'accepted')"),
    CS_RULE("journal-loopback", "mail that stayed here has both observations",
            "SELECT m.id AS subject, 'loopback, ' || m.delivery_status AS detail FROM messages m WHERE "
            "m.direction = 'outbound' AND m.method = 'loopback' AND NOT " CS_SENT_HERE_OBSERVED),
};

}  // namespace

std::span<const Rule> journal_rules() { return kRules; }

}  // namespace countersign::invariants
