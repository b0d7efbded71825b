// Schema 4: conversations as rows, and what keeps the lists of a mailbox fast.
#include <string_view>

namespace countersign::store {

extern const std::string_view kMailbox;

const std::string_view kMailbox = R"sql(
-- What the live, visible messages of an agent with one conversation id come to, kept in the transactions that
-- change them. last_message_id: the newest by (created_at_us, id).
CREATE TABLE conversations (
  agent_email TEXT NOT NULL REFERENCES agents (email) ON DELETE CASCADE,
  id TEXT NOT NULL,
  messages BIGINT NOT NULL CHECK (messages > 0),
  inbound BIGINT NOT NULL CHECK (inbound BETWEEN 0 AND messages),
  unread BIGINT NOT NULL CHECK (unread BETWEEN 0 AND inbound),
  first_at_us BIGINT NOT NULL,
  last_at_us BIGINT NOT NULL,
  last_message_id TEXT NOT NULL,
  PRIMARY KEY (agent_email, id),
  CHECK (first_at_us <= last_at_us)
);
INSERT INTO conversations (agent_email, id, messages, inbound, unread, first_at_us, last_at_us, last_message_id)
  SELECT agent_email, conversation_id, COUNT(*), SUM(CASE direction WHEN 'inbound' THEN 1 ELSE 0 END),
    SUM(CASE read_status WHEN 'unread' THEN 1 ELSE 0 END), MIN(created_at_us), MAX(created_at_us),
    MAX(CASE WHEN newest = 1 THEN id END)
  FROM (SELECT messages.*, ROW_NUMBER() OVER (PARTITION BY agent_email, conversation_id
      ORDER BY created_at_us DESC, id DESC) AS newest
    FROM messages WHERE conversation_id <> '' AND deleted_at_us IS NULL AND (direction = 'outbound' OR
      review_status IS NULL OR review_status IN ('review_approved', 'review_expired_approved'))) AS members
  GROUP BY agent_email, conversation_id;
CREATE INDEX conversations_by_time ON conversations (agent_email, last_at_us, id);

-- One index per view of a mailbox, so that no page passes over rows which that view does not show.
DROP INDEX messages_by_agent;
DROP INDEX messages_unread;
DROP INDEX messages_inbound;
CREATE INDEX messages_live ON messages (agent_email, created_at_us, id) WHERE deleted_at_us IS NULL AND
  (direction = 'outbound' OR review_status IS NULL OR
   review_status IN ('review_approved', 'review_expired_approved'));
CREATE INDEX messages_inbound ON messages (agent_email, created_at_us, id) WHERE direction = 'inbound' AND
  deleted_at_us IS NULL AND (direction = 'outbound' OR review_status IS NULL OR
   review_status IN ('review_approved', 'review_expired_approved'));
CREATE INDEX messages_outbound ON messages (agent_email, created_at_us, id) WHERE direction = 'outbound' AND
  deleted_at_us IS NULL;
CREATE INDEX messages_unread ON messages (agent_email, created_at_us, id) WHERE read_status = 'unread' AND
  deleted_at_us IS NULL AND (direction = 'outbound' OR review_status IS NULL OR
   review_status IN ('review_approved', 'review_expired_approved'));
CREATE INDEX messages_read ON messages (agent_email, created_at_us, id) WHERE read_status = 'read' AND
  deleted_at_us IS NULL AND (direction = 'outbound' OR review_status IS NULL OR
   review_status IN ('review_approved', 'review_expired_approved'));
CREATE INDEX messages_in_trash ON messages (agent_email, created_at_us, id) WHERE deleted_at_us IS NOT NULL;

CREATE INDEX account_suppressions_by_time ON account_suppressions (user_id, created_at_us, address);
CREATE INDEX agent_suppressions_by_time ON agent_suppressions (agent_email, created_at_us, address);
)sql";

}  // namespace countersign::store
