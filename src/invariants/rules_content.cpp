// Content, labels, answers and counters: what belongs together is kept together.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

constexpr Rule kRules[] = {
    CS_RULE(
        "bytes-kept", "a message on its way or arrived has its exact bytes and its Message-ID",
        "SELECT m.id AS subject, m.direction || ', ' || CAST(m.size_bytes AS TEXT) || ' bytes expected' AS "
        "detail FROM messages m LEFT JOIN message_contents c ON c.message_id = m.id WHERE "
        "(m.direction = 'inbound' OR m.delivery_status IS NOT NULL) AND (c.raw IS NULL OR "
        "length(c.raw) <> m.size_bytes OR (m.direction = 'outbound' AND m.rfc_message_id = ''))"),
    CS_RULE("draft-kept", "a draft that was held is kept, whatever was decided",
            "SELECT m.id AS subject, 'review ' || m.review_status AS detail FROM messages m WHERE "
            "m.direction = 'outbound' AND m.review_status IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
            "message_contents c WHERE c.message_id = m.id AND c.has_draft = 1)"),
    // Differs in the name of the function that counts the items of a JSON list.
    CS_RULE_DIFFERS(
        "labels-agree", "the labels a message shows are those it is found by",
        "SELECT m.id AS subject, 'shown ' || m.labels AS detail FROM messages m WHERE "
        "json_array_length(m.labels) <> (SELECT COUNT(*) FROM message_labels b WHERE b.message_id = m.id) OR "
        "EXISTS (SELECT 1 FROM message_labels b WHERE b.message_id = m.id AND "
        "replace(m.labels, '\"' || b.label || '\"', '') = m.labels)",
        "SELECT m.id AS subject, 'shown ' || m.labels AS detail FROM messages m WHERE "
        "jsonb_array_length(CAST(m.labels AS jsonb)) <> (SELECT COUNT(*) FROM message_labels b WHERE "
        "b.message_id = m.id) OR EXISTS (SELECT 1 FROM message_labels b WHERE b.message_id = m.id AND "
        "replace(m.labels, '\"' || b.label || '\"', '') = m.labels)"),
    // A message that was purged since is known from its events. Differs in how a JSON member is read.
    CS_RULE_DIFFERS(
        "answer-true", "a remembered answer names a message that was stored with it",
        "SELECT k.key AS subject, 'answer names ' || k.message_id AS detail FROM (SELECT key, "
        "json_extract(body, '$.message_id') AS message_id FROM idempotency_keys) k WHERE k.message_id IS NOT "
        "NULL AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = k.message_id) AND NOT EXISTS (SELECT 1 "
        "FROM events e WHERE e.message_id IS NOT NULL AND e.message_id = k.message_id)",
        "SELECT k.key AS subject, 'answer names ' || k.message_id AS detail FROM (SELECT key, "
        "CAST(body AS jsonb) ->> 'message_id' AS message_id FROM idempotency_keys) k WHERE k.message_id IS "
        "NOT NULL AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = k.message_id) AND NOT EXISTS (SELECT "
        "1 FROM events e WHERE e.message_id IS NOT NULL AND e.message_id = k.message_id)"),
    CS_RULE(
        "storage-metered", "an account is charged for exactly what it stores",
        "SELECT u.id AS subject, 'counted ' || CAST(u.counted AS TEXT) || ', stored ' || "
        "CAST(u.stored AS TEXT) AS detail FROM (SELECT id, (SELECT COALESCE(SUM(c.bytes), 0) FROM "
        "storage_counters c WHERE c.user_id = users.id) AS counted, (SELECT COALESCE(SUM(m.charged_bytes), "
        "0) FROM messages m WHERE m.user_id = users.id) + (SELECT COALESCE(SUM(a.charged_bytes), 0) FROM "
        "arrivals a WHERE a.user_id = users.id) AS stored FROM users) u WHERE u.counted <> u.stored"),
    CS_RULE("messages-metered", "every stored message was counted",
            "SELECT u.id AS subject, 'counted ' || CAST(u.counted AS TEXT) || ', stored ' || "
            "CAST(u.stored AS TEXT) AS detail FROM (SELECT id, (SELECT COALESCE(SUM(c.messages), 0) FROM "
            "usage_counters c WHERE c.user_id = users.id) AS counted, (SELECT COUNT(*) FROM messages m WHERE "
            "m.user_id = users.id) AS stored FROM users) u WHERE u.counted < u.stored"),
};

}  // namespace

std::span<const Rule> content_rules() { return kRules; }

}  // namespace countersign::invariants
