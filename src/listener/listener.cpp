#include "listener/listener.hpp"

namespace countersign::listener {
namespace {

using store::Query;

// Epochs begin with the time: the row goes with its listener, and they must not go back.
constexpr Query kClaim(
    "listener.claim",
    "INSERT INTO listeners (agent_email, id, epoch, node, key_id, connected_at_us) SELECT a.email, $2, $5, "
    "$3, "
    "k.id, $5 FROM agents a, api_keys k WHERE a.email = $1 AND a.deleted_at_us IS NULL AND k.id = $4 AND "
    "k.revoked_at_us IS NULL ON CONFLICT (agent_email) DO UPDATE SET id = excluded.id, epoch = 1 + CASE WHEN "
    "excluded.epoch > listeners.epoch THEN excluded.epoch ELSE listeners.epoch END, node = excluded.node, "
    "key_id = excluded.key_id, connected_at_us = excluded.connected_at_us RETURNING epoch");
constexpr Query kRelease("listener.release", "DELETE FROM listeners WHERE id = $1");
constexpr Query kReleaseNode("listener.release_node", "DELETE FROM listeners WHERE node = $1");
constexpr Query kCheckNode(
    "listener.check_node",
    "SELECT l.agent_email, l.id, CASE WHEN k.revoked_at_us IS NULL AND (k.expires_at_us IS NULL OR "
    "k.expires_at_us > $4) AND a.deleted_at_us IS NULL THEN 1 ELSE 0 END FROM listeners l JOIN api_keys k ON "
    "k.id = l.key_id JOIN agents a ON a.email = l.agent_email WHERE l.node = $1 AND l.agent_email > $2 "
    "ORDER BY l.agent_email LIMIT $3");
constexpr Query kMissing(
    "listener.why_missing",
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM listeners WHERE agent_email = $1) THEN 1 ELSE 0 END, CASE WHEN "
    "EXISTS (SELECT 1 FROM agents a, api_keys k WHERE a.email = $1 AND a.deleted_at_us IS NULL AND k.id = $2 "
    "AND k.revoked_at_us IS NULL AND (k.expires_at_us IS NULL OR k.expires_at_us > $3)) THEN 1 ELSE 0 END");
// What was released out of a hold was announced by its approval. What is held was not announced; that is said
// here in the words of the index messages_unread, without which a connection would read the whole mailbox.
constexpr Query kUnread(
    "listener.unread",
    "SELECT e.xact, e.position, e.id, e.type, e.envelope, e.created_at_us FROM messages m JOIN events e ON "
    "e.message_id = m.id AND e.type = CASE WHEN m.review_status IS NULL THEN 'email.received' ELSE "
    "'email.review_approved' END WHERE m.agent_email = $1 AND m.read_status = 'unread' AND m.deleted_at_us "
    "IS NULL AND (m.direction = 'outbound' OR m.review_status IS NULL OR m.review_status IN "
    "('review_approved', "
    "'review_expired_approved')) ORDER BY m.created_at_us, m.id LIMIT $2");

}  // namespace

std::optional<Claimed> claim(store::Tx& tx, const Listener& listener, UtcTime now) {
  const store::Rows rows =
      tx.query(kClaim, {listener.agent_email, listener.id.str(), listener.node, listener.key.str(), now});
  if (rows.empty()) return std::nullopt;
  const std::int64_t epoch = rows.front().integer(0);
  return Claimed{epoch, epoch != to_us(now)};
}

void release(store::Tx& tx, const ListenerId& id) { tx.send(kRelease, {id.str()}); }

void release_node(store::Tx& tx, std::string_view node) { tx.send(kReleaseNode, {node}); }

std::vector<Check> check_node(store::ReadTx& tx, std::string_view node, std::string_view after_agent,
                              std::int64_t limit, UtcTime now) {
  const store::Rows rows = tx.query(kCheckNode, {node, after_agent, limit, now});
  std::vector<Check> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) {
    const Standing standing = row.integer(2) == 1 ? Standing::listening : Standing::forbidden;
    out.push_back({row.text(0), ListenerId(row.text(1)), standing});
  }
  return out;
}

Missing why_missing(store::ReadTx& tx, std::string_view agent_email, const ApiKeyId& key, UtcTime now) {
  const store::Rows rows = tx.query(kMissing, {agent_email, key.str(), now});
  if (rows.front().integer(1) == 0) return Missing::forbidden;
  return rows.front().integer(0) == 1 ? Missing::replaced : Missing::given_up;
}

std::vector<journal::Told> unread(store::ReadTx& tx, std::string_view agent_email) {
  return journal::told_from(tx.query(kUnread, {agent_email, kUnreadTold}));
}

}  // namespace countersign::listener
