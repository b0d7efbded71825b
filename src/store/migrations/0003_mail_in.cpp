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
-- Written by a machine: 'bounce' (a report, or a null sender), 'auto' (RFC 3834), 'list' (RFC 2919, RFC 2369).
ALTER TABLE messages ADD COLUMN automatic TEXT NOT NULL DEFAULT '' CHECK (automatic IN ('', 'bounce', 'auto', 'list'));
CREATE INDEX messages_by_rfc_id ON messages (agent_email, rfc_message_id) WHERE rfc_message_id <> '';
CREATE INDEX messages_by_provider_id ON messages (agent_email, provider_message_id)
  WHERE provider_message_id <> '';

-- A message whose sender was told 250, until every recipient has it. due_at_us: when somebody may take it up;
-- while a worker has it, when its lease ends. epoch grows with every claim. attempts: claims that did not come
-- to an end. delays: how often it was put off because the DNS could not answer.
CREATE TABLE arrival_contents (
  id TEXT PRIMARY KEY,
  envelope TEXT NOT NULL,
  raw {blob} NOT NULL,
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  due_at_us BIGINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  delays BIGINT NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '',
  received_at_us BIGINT NOT NULL
);
CREATE INDEX arrival_contents_due ON arrival_contents (due_at_us, id);
-- One row per recipient. id is the message it becomes; without an agent it is a report to a return path.
CREATE TABLE arrivals (
  id TEXT PRIMARY KEY,
  content_id TEXT NOT NULL REFERENCES arrival_contents (id) ON DELETE CASCADE,
  recipient TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  agent_email TEXT REFERENCES agents (email) ON DELETE CASCADE,
  trace TEXT NOT NULL,
  charged_bytes BIGINT NOT NULL,
  CHECK ((user_id IS NULL) = (agent_email IS NULL))
);
CREATE INDEX arrivals_by_content ON arrivals (content_id, id);
CREATE INDEX arrivals_by_agent ON arrivals (agent_email) WHERE agent_email IS NOT NULL;
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
