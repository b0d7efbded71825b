// Content, labels, answers and counters: what belongs together is kept together.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_CONVERSATION_MEMBERS                                                           \
  "FROM messages WHERE conversation_id <> '' AND deleted_at_us IS NULL AND (direction = " \
  "'outbound' OR review_status IS NULL OR review_status IN ('review_approved', "          \
  "'review_expired_approved')) "
#define CS_CONVERSATIONS                                                                           \
  "(SELECT agent_email, conversation_id, COUNT(*) AS messages, SUM(CASE direction WHEN 'inbound' " \
  "THEN 1 ELSE 0 END) AS inbound, SUM(CASE read_status WHEN 'unread' THEN 1 ELSE 0 END) AS "       \
  "unread, MIN(created_at_us) AS first_at_us, MAX(created_at_us) AS last_at_us, MAX(CASE newest "  \
  "WHEN 1 THEN id END) AS last_message_id FROM (SELECT agent_email, conversation_id, direction, "  \
  "read_status, created_at_us, id, ROW_NUMBER() OVER (PARTITION BY agent_email, conversation_id "  \
  "ORDER BY created_at_us DESC, id DESC) AS newest " CS_CONVERSATION_MEMBERS                       \
  ") AS members GROUP BY agent_email, conversation_id)"

constexpr Rule kRules[] = {
    CS_RULE(
        "conversations-agree", "a conversation says of its messages what they come to",
        "SELECT c.agent_email || ' ' || c.id AS subject, 'kept ' || CAST(c.messages AS TEXT) || ', are ' "
        "|| CAST(COALESCE(a.messages, 0) AS TEXT) AS detail FROM conversations c LEFT JOIN " CS_CONVERSATIONS
        " a ON a.agent_email = c.agent_email AND a.conversation_id = c.id WHERE "
        "a.messages IS NULL OR a.messages <> c.messages OR a.inbound <> c.inbound OR "
        "a.unread <> c.unread OR a.first_at_us <> c.first_at_us OR a.last_at_us <> c.last_at_us OR "
        "a.last_message_id <> c.last_message_id UNION ALL SELECT a.agent_email || ' ' || "
        "a.conversation_id, 'not kept' FROM " CS_CONVERSATIONS " a WHERE NOT EXISTS (SELECT 1 FROM "
        "conversations c WHERE c.agent_email = a.agent_email AND c.id = a.conversation_id)"),
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
        "(replace(m.labels, '\"' || b.label || '\"', '') = m.labels OR b.agent_email <> m.agent_email OR "
        "b.created_at_us <> m.created_at_us))",
        "SELECT m.id AS subject, 'shown ' || m.labels AS detail FROM messages m WHERE "
        "jsonb_array_length(CAST(m.labels AS jsonb)) <> (SELECT COUNT(*) FROM message_labels b WHERE "
        "b.message_id = m.id) OR EXISTS (SELECT 1 FROM message_labels b WHERE b.message_id = m.id AND "
        "(replace(m.labels, '\"' || b.label || '\"', '') = m.labels OR b.agent_email <> m.agent_email OR "
        "b.created_at_us <> m.created_at_us))"),
    // A message that was purged since is known from its events. Answers that show a secret are sealed, and
    // name no message. Differs in how a JSON member is read.
    CS_RULE_DIFFERS(
        "answer-true", "a remembered answer names a message that was stored with it",
        "SELECT k.key AS subject, 'answer names ' || k.message_id AS detail FROM (SELECT key, "
        "CASE WHEN body LIKE '{%' THEN json_extract(body, '$.message_id') END AS message_id FROM "
        "idempotency_keys) k WHERE k.message_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages m WHERE "
        "m.id = k.message_id) AND NOT EXISTS (SELECT 1 "
        "FROM events e WHERE e.message_id IS NOT NULL AND e.message_id = k.message_id)",
        "SELECT k.key AS subject, 'answer names ' || k.message_id AS detail FROM (SELECT key, "
        "CASE WHEN body LIKE '{%' THEN CAST(body AS jsonb) ->> 'message_id' END AS message_id FROM "
        "idempotency_keys) k WHERE k.message_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages m WHERE "
        "m.id = k.message_id) AND NOT EXISTS (SELECT "
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

#undef CS_CONVERSATIONS
#undef CS_CONVERSATION_MEMBERS

}  // namespace

std::span<const Rule> content_rules() { return kRules; }

}  // namespace countersign::invariants
