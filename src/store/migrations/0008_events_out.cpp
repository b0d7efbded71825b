// Schema 6: webhooks, what they are to be told, and what became of telling them.
#include <string_view>

namespace countersign::store {

extern const std::string_view kEventsOut;

const std::string_view kEventsOut = R"sql(
-- pending: it is not decided yet which webhooks hear of it. What happened before there were webhooks matched none.
ALTER TABLE events ADD COLUMN status TEXT NOT NULL DEFAULT 'no_match'
  CHECK (status IN ('pending', 'processed', 'no_match'));
CREATE INDEX events_pending ON events (position) WHERE status = 'pending';
CREATE INDEX events_by_agent ON events (agent_email, created_at_us, id) WHERE agent_email IS NOT NULL;
CREATE INDEX events_by_conversation ON events (conversation_id, created_at_us, id)
  WHERE conversation_id IS NOT NULL;
CREATE INDEX events_by_age ON events (created_at_us);

-- Secrets are sealed under the deployment's secret (decision 0008). enabled_at_us: failures before that do not
-- disable it again.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  url TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  events TEXT NOT NULL,
  agent_emails TEXT NOT NULL DEFAULT '[]',
  conversation_ids TEXT NOT NULL DEFAULT '[]',
  labels TEXT NOT NULL DEFAULT '[]',
  enabled BIGINT NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  enabled_at_us BIGINT NOT NULL,
  auto_disabled_at_us BIGINT,
  secret {blob} NOT NULL,
  previous_secret {blob},
  previous_secret_until_us BIGINT,
  created_at_us BIGINT NOT NULL,
  CHECK ((previous_secret IS NULL) = (previous_secret_until_us IS NULL)),
  CHECK (auto_disabled_at_us IS NULL OR enabled = 0)
);
CREATE INDEX webhooks_by_user ON webhooks (user_id, created_at_us, id);

-- Who delivers to a webhook at present: one node at a time, so that an endpoint is not overrun and hears of one
-- message in order. epoch grows with every claim.
CREATE TABLE webhook_lanes (
  webhook_id TEXT PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_until_us BIGINT,
  last_delivered_at_us BIGINT,
  CHECK ((worker = '') = (lease_until_us IS NULL))
);

-- One event for one webhook. cause 'event': it matched when it happened; these rows are the snapshot that a
-- redelivery is held against. body: of a test only; everything else sends the stored bytes of the event.
-- position: of the event; what became due at one time goes out in that order.
CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  message_id TEXT,
  cause TEXT NOT NULL CHECK (cause IN ('event', 'redelivery', 'test')),
  body TEXT,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
  attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  due_at_us BIGINT NOT NULL,
  position BIGINT NOT NULL DEFAULT 0,
  last_attempt_at_us BIGINT,
  last_status_code BIGINT,
  last_error TEXT NOT NULL DEFAULT '',
  created_at_us BIGINT NOT NULL,
  settled_at_us BIGINT,
  CHECK ((cause = 'test') = (body IS NOT NULL)),
  CHECK ((status = 'pending') = (settled_at_us IS NULL)),
  CHECK ((attempts = 0) = (last_attempt_at_us IS NULL)),
  CHECK (status <> 'delivered' OR attempts > 0)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at_us, position)
  WHERE status = 'pending';
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook_id, settled_at_us)
  WHERE status = 'failed';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, created_at_us, id);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at_us);

-- Each request that was made, and what came of it.
CREATE TABLE webhook_attempts (
  delivery_id TEXT NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
  attempt BIGINT NOT NULL,
  started_at_us BIGINT NOT NULL,
  took_us BIGINT NOT NULL,
  status_code BIGINT NOT NULL,
  address TEXT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (delivery_id, attempt)
);
)sql";

}  // namespace countersign::store
