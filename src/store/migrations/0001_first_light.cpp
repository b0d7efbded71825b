// Schema 1: accounts, agents, messages, holds, submissions, journal, idempotency.
//
// Times are microseconds since 1970 UTC, flags 0/1, lists JSON arrays in text. CHECK constraints repeat the
// state machines of docs/flows.md, so that a guard forgotten in the code is refused by the database.
#include <string_view>

namespace countersign::store {

extern const std::string_view kFirstLight;

const std::string_view kFirstLight = R"sql(
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL DEFAULT '',
  class TEXT NOT NULL DEFAULT 'standard' CHECK (class IN ('standard', 'internal', 'system')),
  plan_code TEXT NOT NULL DEFAULT 'default',
  agents_max BIGINT,
  domains_max BIGINT,
  messages_month_max BIGINT,
  storage_bytes_max BIGINT,
  created_at_us BIGINT NOT NULL
);

CREATE TABLE domains (
  name TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  verification_token TEXT NOT NULL,
  verified_at_us BIGINT,
  sending_status TEXT NOT NULL DEFAULT 'none' CHECK (sending_status IN ('none', 'pending', 'verified', 'failed')),
  created_at_us BIGINT NOT NULL
);
CREATE INDEX domains_by_user ON domains (user_id, created_at_us, name);

CREATE TABLE agents (
  email TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  domain TEXT NOT NULL,
  registered_domain TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  inbound_policy TEXT NOT NULL DEFAULT 'open' CHECK (inbound_policy IN ('open', 'allowlist', 'domain')),
  inbound_action TEXT NOT NULL DEFAULT 'flag' CHECK (inbound_action IN ('flag', 'review', 'block')),
  inbound_allowlist TEXT NOT NULL DEFAULT '[]',
  inbound_sensitivity TEXT NOT NULL DEFAULT 'off' CHECK (inbound_sensitivity IN ('off', 'low', 'medium', 'high')),
  outbound_policy TEXT NOT NULL DEFAULT 'open' CHECK (outbound_policy IN ('open', 'allowlist', 'domain')),
  outbound_action TEXT NOT NULL DEFAULT 'flag' CHECK (outbound_action IN ('flag', 'review', 'block')),
  outbound_allowlist TEXT NOT NULL DEFAULT '[]',
  outbound_sensitivity TEXT NOT NULL DEFAULT 'off' CHECK (outbound_sensitivity IN ('off', 'low', 'medium', 'high')),
  hold_ttl_seconds BIGINT NOT NULL DEFAULT 604800 CHECK (hold_ttl_seconds >= 0),
  hold_on_expiry TEXT NOT NULL DEFAULT 'reject' CHECK (hold_on_expiry IN ('approve', 'reject')),
  hold_suppress_notifications BIGINT NOT NULL DEFAULT 0 CHECK (hold_suppress_notifications IN (0, 1)),
  created_at_us BIGINT NOT NULL,
  deleted_at_us BIGINT
);
CREATE INDEX agents_by_user ON agents (user_id, created_at_us, email);
CREATE INDEX agents_by_domain ON agents (registered_domain);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scope TEXT NOT NULL CHECK (scope IN ('account', 'agent')),
  agent_email TEXT REFERENCES agents (email) ON DELETE CASCADE,
  name TEXT NOT NULL DEFAULT '',
  key_hash TEXT NOT NULL UNIQUE,
  key_prefix TEXT NOT NULL,
  created_at_us BIGINT NOT NULL,
  expires_at_us BIGINT,
  last_used_at_us BIGINT,
  revoked_at_us BIGINT,
  CHECK ((scope = 'agent') = (agent_email IS NOT NULL))
);
CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at_us, id);

-- Counters in shards, so that concurrent senders of one account do not queue behind one row.
CREATE TABLE usage_counters (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  month TEXT NOT NULL,
  shard BIGINT NOT NULL,
  messages BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, month, shard)
);
CREATE TABLE storage_counters (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  shard BIGINT NOT NULL,
  bytes BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, shard)
);

CREATE TABLE account_suppressions (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('bounce', 'complaint', 'manual')),
  reason TEXT NOT NULL DEFAULT '',
  message_id TEXT,
  created_at_us BIGINT NOT NULL,
  PRIMARY KEY (user_id, address)
);
CREATE TABLE agent_suppressions (
  agent_email TEXT NOT NULL REFERENCES agents (email) ON DELETE CASCADE,
  address TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('manual', 'unsubscribe')),
  reason TEXT NOT NULL DEFAULT '',
  created_at_us BIGINT NOT NULL,
  PRIMARY KEY (agent_email, address)
);

CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  agent_email TEXT NOT NULL REFERENCES agents (email) ON DELETE CASCADE,
  direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  kind TEXT NOT NULL CHECK (kind IN ('received', 'send', 'reply', 'forward', 'test')),
  method TEXT NOT NULL CHECK (method IN ('smtp', 'loopback')),
  subject TEXT NOT NULL,
  conversation_id TEXT NOT NULL DEFAULT '',
  header_from TEXT,
  envelope_from TEXT,
  verified_domain TEXT,
  authentication TEXT,
  sender TEXT NOT NULL,
  to_list TEXT NOT NULL DEFAULT '[]',
  cc_list TEXT NOT NULL DEFAULT '[]',
  bcc_list TEXT NOT NULL DEFAULT '[]',
  reply_to_list TEXT NOT NULL DEFAULT '[]',
  reply_to TEXT NOT NULL DEFAULT '',
  delivered_to TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '[]',
  read_status TEXT NOT NULL CHECK (read_status IN ('', 'unread', 'read')),
  -- draft and decision
  review_status TEXT CHECK (review_status IN ('pending_review', 'review_approved', 'review_rejected',
                                              'review_expired_approved', 'review_expired_rejected')),
  revision BIGINT NOT NULL DEFAULT 1,
  hold_reason TEXT,
  approval_expires_at_us BIGINT,
  resolved_at_us BIGINT,
  resolved_by TEXT,
  approved_revision BIGINT,
  rejection_reason TEXT NOT NULL DEFAULT '',
  edited BIGINT NOT NULL DEFAULT 0 CHECK (edited IN (0, 1)),
  flagged BIGINT NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1)),
  flag_reason TEXT NOT NULL DEFAULT '',
  unsubscribe BIGINT NOT NULL DEFAULT 0 CHECK (unsubscribe IN (0, 1)),
  -- transport
  delivery_status TEXT CHECK (delivery_status IN ('accepted', 'sending', 'sent', 'delivered', 'deferred', 'bounced',
                                                  'complained', 'failed', 'unknown')),
  delivery_detail TEXT NOT NULL DEFAULT '',
  sent_as TEXT NOT NULL DEFAULT '',
  provider_message_id TEXT NOT NULL DEFAULT '',
  rfc_message_id TEXT NOT NULL DEFAULT '',
  size_bytes BIGINT NOT NULL DEFAULT 0,
  charged_bytes BIGINT NOT NULL DEFAULT 0,
  created_at_us BIGINT NOT NULL,
  deleted_at_us BIGINT,
  CHECK ((review_status = 'pending_review') = (resolved_at_us IS NULL) OR review_status IS NULL),
  CHECK (review_status IS DISTINCT FROM 'pending_review' OR delivery_status IS NULL),
  CHECK (review_status IS DISTINCT FROM 'pending_review' OR approval_expires_at_us IS NOT NULL),
  CHECK (review_status NOT IN ('review_rejected', 'review_expired_rejected') OR delivery_status IS NULL)
);
CREATE INDEX messages_by_agent ON messages (agent_email, created_at_us, id);
CREATE INDEX messages_unread ON messages (agent_email, created_at_us, id)
  WHERE read_status = 'unread' AND deleted_at_us IS NULL;
CREATE INDEX messages_inbound ON messages (agent_email, created_at_us, id) WHERE direction = 'inbound';
CREATE INDEX messages_by_conversation ON messages (agent_email, conversation_id, created_at_us, id);
CREATE INDEX messages_pending ON messages (user_id, created_at_us, id) WHERE review_status = 'pending_review';
CREATE INDEX messages_expiring ON messages (approval_expires_at_us) WHERE review_status = 'pending_review';
CREATE INDEX messages_trashed ON messages (deleted_at_us) WHERE deleted_at_us IS NOT NULL;

-- What a list never reads: the draft as its author and its reviewer see it, and the composed or received bytes.
CREATE TABLE message_contents (
  message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  has_draft BIGINT NOT NULL DEFAULT 0 CHECK (has_draft IN (0, 1)),
  text TEXT NOT NULL DEFAULT '',
  html TEXT NOT NULL DEFAULT '',
  raw {blob}
);
CREATE TABLE draft_attachments (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  filename TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content {blob} NOT NULL,
  PRIMARY KEY (message_id, position)
);
CREATE TABLE message_labels (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  PRIMARY KEY (message_id, label)
);

-- The envelope of an outbound message, one row per recipient, each with a state of its own.
CREATE TABLE message_recipients (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('to', 'cc', 'bcc')),
  route TEXT NOT NULL CHECK (route IN ('local', 'external')),
  state TEXT NOT NULL CHECK (state IN ('queued', 'accepted', 'refused', 'cancelled', 'unknown')),
  submission_id TEXT,
  detail TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (message_id, address),
  CHECK (state <> 'accepted' OR route = 'local' OR submission_id IS NOT NULL)
);

-- One row per attempt to hand a message over (docs/flows.md, "outbox"). epoch grows with every claim.
CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'handover', 'accepted', 'refused', 'deferred', 'unknown',
                                       'cancelled')),
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_until_us BIGINT,
  first_due_at_us BIGINT NOT NULL,
  due_at_us BIGINT NOT NULL,
  claimed_at_us BIGINT,
  fenced_at_us BIGINT,
  settled_at_us BIGINT,
  settled_by TEXT NOT NULL DEFAULT '' CHECK (settled_by IN ('', 'reply', 'rescuer', 'evidence', 'person', 'policy',
                                                            'cancellation')),
  provider TEXT NOT NULL DEFAULT '',
  provider_message_id TEXT NOT NULL DEFAULT '',
  reply_phase TEXT NOT NULL DEFAULT '',
  reply_code BIGINT NOT NULL DEFAULT 0,
  reply_text TEXT NOT NULL DEFAULT '',
  created_at_us BIGINT NOT NULL,
  UNIQUE (message_id, attempt),
  CHECK ((state IN ('claimed', 'handover')) = (lease_until_us IS NOT NULL)),
  CHECK (state <> 'handover' OR fenced_at_us IS NOT NULL),
  CHECK (state NOT IN ('accepted', 'refused', 'deferred', 'cancelled') OR settled_at_us IS NOT NULL)
);
CREATE INDEX submissions_due ON submissions (user_id, due_at_us) WHERE state = 'queued';
CREATE INDEX submissions_leased ON submissions (lease_until_us) WHERE lease_until_us IS NOT NULL;
CREATE UNIQUE INDEX submissions_open ON submissions (message_id)
  WHERE state IN ('queued', 'claimed', 'handover', 'unknown');

CREATE TABLE lifecycle (
  id TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  reason_code TEXT NOT NULL,
  recipient TEXT,
  evidence TEXT NOT NULL DEFAULT '{}',
  correlation TEXT NOT NULL DEFAULT '{}',
  occurred_at_us BIGINT NOT NULL
);
CREATE INDEX lifecycle_by_message ON lifecycle (message_id, occurred_at_us, id);

CREATE TABLE events (
  position {position},
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  agent_email TEXT,
  conversation_id TEXT,
  message_id TEXT,
  envelope TEXT NOT NULL,
  created_at_us BIGINT NOT NULL
);
CREATE INDEX events_by_user ON events (user_id, created_at_us, id);
CREATE INDEX events_by_message ON events (message_id) WHERE message_id IS NOT NULL;

-- The answer of a keyed request, written in the transaction that did what it answers (contract §7).
CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL,
  completed_at_us BIGINT NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (completed_at_us);
)sql";

}  // namespace countersign::store
