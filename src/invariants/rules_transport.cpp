// Transport: every attempt and every recipient stands where the other says it does.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_RECIPIENT "r.message_id AS subject, r.address || ' is ' || r.state AS detail"
#define CS_ATTEMPT \
  "s.id AS subject, 'attempt ' || CAST(s.attempt AS TEXT) || ' of ' || s.message_id || ' is ' || s.state"
// Somebody had decided about an earlier attempt at the message, or this one, that it be made again.
#define CS_SENT_AGAIN                                                                       \
  "EXISTS (SELECT 1 FROM submissions d WHERE d.message_id = s.message_id AND d.attempt <= " \
  "s.attempt AND d.resolution = 'send_again')"
#define CS_EXTERNAL(condition)                                                                     \
  "EXISTS (SELECT 1 FROM message_recipients r WHERE r.message_id = m.id AND r.route = 'external' " \
  "AND " condition ")"
// What the recipients amount to, written out again so that the rule does not trust the code it checks. Only
// when every external recipient has its copy is the message delivered.
#define CS_DERIVED \
  "CASE WHEN NOT " CS_EXTERNAL("1 = 1") " THEN 'sent' WHEN " CS_EXTERNAL("r.delivery = 'complained'")   \
  " THEN 'complained' WHEN " CS_EXTERNAL("r.delivery = 'bounced'") " THEN 'bounced' WHEN " CS_EXTERNAL( \
      "(r.delivery = 'failed' OR r.state IN ('refused', 'cancelled'))") " THEN 'failed' WHEN "          \
  CS_EXTERNAL("r.state = 'unknown'") " THEN 'unknown' WHEN "                                            \
  CS_EXTERNAL("r.state = 'accepted' AND r.delivery = 'delayed'") " THEN 'deferred' WHEN NOT "           \
  CS_EXTERNAL("r.state = 'accepted'") " THEN 'sending' WHEN "                                           \
  CS_EXTERNAL("(r.state <> 'accepted' OR r.delivery <> 'delivered')") " THEN 'sent' ELSE 'delivered' END"

constexpr Rule kRules[] = {
    CS_RULE(
        "acceptance-counted",
        "every accepted attempt served a recipient that no other attempt served, unless it was decided to "
        "send "
        "again",
        "SELECT " CS_ATTEMPT " AS detail FROM submissions s WHERE s.state = 'accepted' AND NOT EXISTS "
        "(SELECT 1 FROM message_recipients r WHERE r.message_id = s.message_id AND r.submission_id = s.id "
        "AND r.state = 'accepted') AND NOT " CS_SENT_AGAIN),
    CS_RULE("recipient-accepted", "an external recipient is accepted by an accepted attempt of its message",
            "SELECT " CS_RECIPIENT
            " FROM message_recipients r WHERE r.route = 'external' AND r.state = 'accepted' AND NOT EXISTS "
            "(SELECT 1 FROM submissions s WHERE s.id = r.submission_id AND s.message_id = r.message_id AND "
            "s.state = 'accepted')"),
    CS_RULE("recipient-pursued", "a queued recipient has an open attempt",
            "SELECT " CS_RECIPIENT
            " FROM message_recipients r WHERE r.state = 'queued' AND (r.route <> 'external' OR NOT EXISTS "
            "(SELECT 1 FROM submissions s WHERE s.message_id = r.message_id AND "
            "s.state IN ('queued', 'claimed', 'handover', 'unknown')))"),
    CS_RULE("attempt-needed", "an open attempt has a recipient to serve",
            "SELECT " CS_ATTEMPT
            " AS detail FROM submissions s WHERE s.state IN ('queued', 'claimed', 'handover') AND NOT EXISTS "
            "(SELECT 1 FROM message_recipients r WHERE r.message_id = s.message_id AND "
            "r.route = 'external' AND r.state = 'queued') AND NOT " CS_SENT_AGAIN),
    CS_RULE(
        "unknown-both-ways", "an unknown outcome stands at the attempt and at its recipients alike",
        "SELECT " CS_ATTEMPT
        " AS detail FROM submissions s WHERE s.state = 'unknown' AND NOT EXISTS (SELECT 1 FROM "
        "message_recipients r WHERE r.message_id = s.message_id AND r.state = 'unknown') "
        "UNION ALL SELECT " CS_RECIPIENT
        " FROM message_recipients r WHERE r.state = 'unknown' AND NOT EXISTS (SELECT 1 FROM submissions s "
        "WHERE s.message_id = r.message_id AND s.state = 'unknown')"),
    CS_RULE("attempt-open-once", "a message has one open attempt at a time",
            "SELECT s.message_id AS subject, CAST(COUNT(*) AS TEXT) || ' open attempts' AS detail FROM "
            "submissions s WHERE s.state IN ('queued', 'claimed', 'handover', 'unknown') "
            "GROUP BY s.message_id HAVING COUNT(*) > 1"),
    CS_RULE("attempt-follows", "a later attempt follows one that left recipients for it",
            "SELECT " CS_ATTEMPT
            " AS detail FROM submissions s WHERE s.attempt < 1 OR (s.attempt > 1 AND NOT EXISTS (SELECT 1 "
            "FROM submissions p WHERE p.message_id = s.message_id AND p.attempt = s.attempt - 1 AND "
            "p.state IN ('deferred', 'accepted', 'superseded')))"),
    CS_RULE("lease-held", "an attempt has a lease and an epoch exactly while a worker has it",
            "SELECT " CS_ATTEMPT
            " AS detail FROM submissions s WHERE (s.state IN ('claimed', 'handover')) <> "
            "(s.lease_until_us IS NOT NULL) OR (s.state IN ('claimed', 'handover') AND (s.epoch < 1 OR "
            "s.worker = '')) OR (s.state = 'handover' AND s.fenced_at_us IS NULL)"),
    CS_RULE_SINCE(Since::leases, "lease-ends", "no lease has been over for long without a rescue",
                  "SELECT " CS_ATTEMPT
                  " || ', held by ' || s.worker AS detail FROM submissions s WHERE s.lease_until_us < $2"),
    CS_RULE("attempt-settled", "a finished attempt says when and by whom it was finished",
            "SELECT " CS_ATTEMPT
            " AS detail FROM submissions s WHERE s.state IN ('accepted', 'refused', 'deferred', 'cancelled', "
            "'superseded') AND (s.settled_at_us IS NULL OR s.settled_by = '')"),
    CS_RULE("acceptance-fenced", "nothing was accepted that had not passed the fence",
            "SELECT " CS_ATTEMPT " AS detail FROM submissions s WHERE s.state IN ('accepted', 'unknown', "
            "'superseded') AND s.fenced_at_us IS "
            "NULL"),
    CS_RULE(
        "delivery-derived", "the delivery status follows from the recipients",
        "SELECT m.id AS subject, 'delivery ' || m.delivery_status || ', recipients ' || " CS_DERIVED
        " AS detail FROM messages m WHERE m.direction = 'outbound' AND m.delivery_status IS NOT NULL AND "
        "CASE m.delivery_status WHEN 'accepted' THEN 'sending' ELSE m.delivery_status END <> " CS_DERIVED),
    CS_RULE("decision-recorded", "an attempt that was decided about says what was decided and by whom",
            "SELECT " CS_ATTEMPT
            " AS detail FROM submissions s WHERE (s.state = 'superseded' AND s.resolution NOT IN "
            "('send_again', 'give_up')) OR (s.resolution <> '' AND (s.resolved_by = '' OR s.unknown_at_us IS "
            "NULL OR s.state NOT IN ('superseded', 'accepted')))"),
    CS_RULE_SINCE(Since::leases, "policy-carried-out", "no agent's policy to resend has waited for long",
                  "SELECT " CS_ATTEMPT " AS detail FROM submissions s WHERE s.resend_at_us < $2"),
    CS_RULE_SINCE(
        Since::leases, "feedback-applied", "no event of a provider waits for an acceptance that has come",
        "SELECT f.source || ' ' || f.event_id AS subject, f.kind || ' for ' || f.provider_message_id AS "
        "detail FROM feedback f WHERE f.waiting = 1 AND f.received_at_us < $2 AND EXISTS (SELECT 1 FROM "
        "submissions s WHERE s.provider_message_id = f.provider_message_id AND s.settled_at_us < $2)"),
    CS_RULE("delivery-after-acceptance", "a recipient is delivered to only after its acceptance",
            "SELECT " CS_RECIPIENT
            " FROM message_recipients r WHERE r.delivery <> '' AND r.state <> 'accepted'"),
    CS_RULE("accepted-never-lost",
            "every message that was taken for sending has recipients and bytes to send",
            "SELECT m.id AS subject, 'delivery ' || COALESCE(m.delivery_status, 'none') AS detail FROM "
            "messages m WHERE m.direction = 'outbound' AND (m.review_status IS NULL OR m.review_status IN "
            "('review_approved', 'review_expired_approved')) AND (m.delivery_status IS NULL OR NOT EXISTS "
            "(SELECT 1 FROM message_recipients r WHERE r.message_id = m.id))"),
};

}  // namespace

std::span<const Rule> transport_rules() { return kRules; }

}  // namespace countersign::invariants
