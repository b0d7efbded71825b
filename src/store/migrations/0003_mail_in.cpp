// Schema 3: mail from outside, from its arrival to the mailbox; what replies refer to.
#include <string_view>

namespace countersign::store {

extern const std::string_view kMailIn;

const std::string_view kMailIn = R"sql(
-- Message-IDs without angle brackets, the list separated by blanks. Of outbound mail: what its header will
-- say; of inbound mail: what it says.
ALTER TABLE messages ADD COLUMN in_reply_to TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN reference_list TEXT NOT NULL DEFAULT '';
-- What gate and screening found (contract ProtectionFindingView, a JSON array); none: nothing.
ALTER TABLE messages ADD COLUMN protection TEXT;
CREATE INDEX messages_by_rfc_id ON messages (agent_email, rfc_message_id) WHERE rfc_message_id <> '';

-- The exact bytes of a message that was taken, until every recipient has it in the mailbox.
CREATE TABLE arrival_contents (
  id TEXT PRIMARY KEY,
  envelope TEXT NOT NULL,
  raw {blob} NOT NULL,
  received_at_us BIGINT NOT NULL
);
-- One row per recipient of a message whose sender was told 250. id is the message it becomes.
CREATE TABLE arrivals (
  id TEXT PRIMARY KEY,
  content_id TEXT NOT NULL REFERENCES arrival_contents (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  agent_email TEXT NOT NULL REFERENCES agents (email) ON DELETE CASCADE,
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_until_us BIGINT,
  due_at_us BIGINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '',
  received_at_us BIGINT NOT NULL
);
CREATE INDEX arrivals_due ON arrivals (due_at_us, id);
CREATE INDEX arrivals_by_content ON arrivals (content_id);
CREATE INDEX arrivals_by_agent ON arrivals (agent_email);
-- What a recipient has taken, so that a sender who never heard the 250 does not deliver it twice.
CREATE TABLE received_digests (
  agent_email TEXT NOT NULL REFERENCES agents (email) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  message_id TEXT NOT NULL,
  received_at_us BIGINT NOT NULL,
  PRIMARY KEY (agent_email, digest)
);
CREATE INDEX received_digests_by_age ON received_digests (received_at_us);
)sql";

}  // namespace countersign::store
