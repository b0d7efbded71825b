// Schema 2: what becomes of hand-overs whose answer was lost, what providers tell later, relays that are
// away.
//
// submissions is built anew, because SQLite cannot change a CHECK constraint; nothing refers to it.
#include <string_view>

namespace countersign::store {

extern const std::string_view kDeliveredOnce;

const std::string_view kDeliveredOnce = R"sql(
ALTER TABLE agents ADD COLUMN on_unknown TEXT NOT NULL DEFAULT 'hold' CHECK (on_unknown IN ('hold', 'resend'));
ALTER TABLE agents ADD COLUMN unknown_grace_seconds BIGINT NOT NULL DEFAULT 3600
  CHECK (unknown_grace_seconds >= 0);

-- One row per attempt to hand a message over (docs/flows.md, "A submission"). epoch grows with every claim.
-- fenced_at_us: the hand-over that may have been taken; none once it is certain that it was not.
-- repeated_at_us: an earlier hand-over went unanswered and is repeated, since the provider recognises it.
-- first_fenced_at_us: since when the provider may know the message's key.
-- superseded: the answer never came, and somebody decided what to do about it (resolution, resolved_by).
CREATE TABLE submissions_2 (
  id TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'handover', 'accepted', 'refused', 'deferred', 'unknown',
                                       'superseded', 'cancelled')),
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_until_us BIGINT,
  first_due_at_us BIGINT NOT NULL,
  due_at_us BIGINT NOT NULL,
  claimed_at_us BIGINT,
  first_fenced_at_us BIGINT,
  fenced_at_us BIGINT,
  repeated_at_us BIGINT,
  unknown_at_us BIGINT,
  -- When the agent's policy sends it again; none: a person decides.
  resend_at_us BIGINT,
  settled_at_us BIGINT,
  settled_by TEXT NOT NULL DEFAULT '' CHECK (settled_by IN ('', 'reply', 'rescuer', 'evidence', 'person', 'policy',
                                                            'cancellation')),
  resolution TEXT NOT NULL DEFAULT '' CHECK (resolution IN ('', 'sent', 'send_again', 'give_up')),
  resolved_by TEXT NOT NULL DEFAULT '',
  resolution_note TEXT NOT NULL DEFAULT '',
  provider TEXT NOT NULL DEFAULT '',
  provider_message_id TEXT NOT NULL DEFAULT '',
  reply_phase TEXT NOT NULL DEFAULT '',
  reply_code BIGINT NOT NULL DEFAULT 0,
  reply_text TEXT NOT NULL DEFAULT '',
  created_at_us BIGINT NOT NULL,
  UNIQUE (message_id, attempt),
  CHECK ((state IN ('claimed', 'handover')) = (lease_until_us IS NOT NULL)),
  CHECK (state NOT IN ('handover', 'accepted', 'unknown', 'superseded') OR fenced_at_us IS NOT NULL),
  CHECK (fenced_at_us IS NULL OR first_fenced_at_us IS NOT NULL),
  CHECK (repeated_at_us IS NULL OR fenced_at_us IS NOT NULL),
  CHECK (state NOT IN ('unknown', 'superseded') OR unknown_at_us IS NOT NULL),
  CHECK (state = 'unknown' OR resend_at_us IS NULL),
  CHECK (state NOT IN ('accepted', 'refused', 'deferred', 'cancelled', 'superseded') OR settled_at_us IS NOT NULL),
  CHECK (state <> 'superseded' OR resolution IN ('send_again', 'give_up')),
  CHECK ((resolution = '') = (resolved_by = ''))
);
INSERT INTO submissions_2 (id, message_id, user_id, attempt, state, epoch, worker, lease_until_us,
    first_due_at_us, due_at_us, claimed_at_us, first_fenced_at_us, fenced_at_us, unknown_at_us, settled_at_us,
    settled_by, provider, provider_message_id, reply_phase, reply_code, reply_text, created_at_us)
  SELECT id, message_id, user_id, attempt, state, epoch, worker, lease_until_us,
    first_due_at_us, due_at_us, claimed_at_us, fenced_at_us, fenced_at_us,
    CASE state WHEN 'unknown' THEN fenced_at_us END, settled_at_us,
    settled_by, provider, provider_message_id, reply_phase, reply_code, reply_text, created_at_us
  FROM submissions;
INSERT INTO lifecycle (id, message_id, direction, reason_code, evidence, correlation, occurred_at_us)
  SELECT 'mlt_5' || substr(id, 5, 31), message_id, 'outbound', 'submission.temporary_failure',
    '{"failure_reason":"the answer to the hand-over was lost"}', '{"job_id":"' || id || '"}', fenced_at_us
  FROM submissions WHERE state = 'unknown';
DROP TABLE submissions;
ALTER TABLE submissions_2 RENAME TO submissions;
CREATE INDEX submissions_due ON submissions (user_id, due_at_us) WHERE state = 'queued';
CREATE INDEX submissions_leased ON submissions (lease_until_us) WHERE lease_until_us IS NOT NULL;
CREATE UNIQUE INDEX submissions_open ON submissions (message_id)
  WHERE state IN ('queued', 'claimed', 'handover', 'unknown');
CREATE INDEX submissions_unknown ON submissions (user_id, unknown_at_us, id) WHERE state = 'unknown';
CREATE INDEX submissions_resend ON submissions (resend_at_us) WHERE resend_at_us IS NOT NULL;
CREATE INDEX submissions_by_provider_id ON submissions (provider_message_id) WHERE provider_message_id <> '';

-- The attempts in which the outcome for this recipient was lost, whatever was decided since; blanks between.
ALTER TABLE message_recipients ADD COLUMN unknown_in TEXT NOT NULL DEFAULT '';
UPDATE message_recipients SET unknown_in = COALESCE(submission_id, '') WHERE state = 'unknown';
-- What became of a recipient after the provider had taken the message for it (contract 27).
ALTER TABLE message_recipients ADD COLUMN delivery TEXT NOT NULL DEFAULT ''
  CHECK (delivery IN ('', 'delayed', 'delivered', 'failed', 'bounced', 'complained'));
ALTER TABLE message_recipients ADD COLUMN delivery_detail TEXT NOT NULL DEFAULT '';
ALTER TABLE message_recipients ADD COLUMN delivery_at_us BIGINT;

-- Events of providers, so that each is applied once. waiting: it came before the acceptance it belongs to.
CREATE TABLE feedback (
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  provider_message_id TEXT NOT NULL DEFAULT '',
  content TEXT NOT NULL DEFAULT '',
  waiting BIGINT NOT NULL DEFAULT 0 CHECK (waiting IN (0, 1)),
  received_at_us BIGINT NOT NULL,
  PRIMARY KEY (source, event_id),
  CHECK (waiting = 0 OR (provider_message_id <> '' AND content <> ''))
);
CREATE INDEX feedback_waiting ON feedback (provider_message_id) WHERE waiting = 1;
CREATE INDEX feedback_by_age ON feedback (received_at_us);

-- A way out that all nodes share. open: it was found unusable; one hand-over at a time asks again.
CREATE TABLE relays (
  provider TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  failures BIGINT NOT NULL DEFAULT 0,
  opened_at_us BIGINT NOT NULL,
  probe_at_us BIGINT NOT NULL,
  phase TEXT NOT NULL DEFAULT '',
  code BIGINT NOT NULL DEFAULT 0,
  text TEXT NOT NULL DEFAULT ''
);
)sql";

}  // namespace countersign::store
