// Schema 9: telling reviewers of holds by mail, and what accounts and agents want to be told.
#include <string_view>

namespace countersign::store {

extern const std::string_view kReviewerMail;

const std::string_view kReviewerMail = R"sql(
-- What an account wants; its agents may say otherwise. NULL: the deployment's.
-- review_on_unseen: what the clock may approve although no mail about it has left.
ALTER TABLE users ADD COLUMN review_mute BIGINT NOT NULL DEFAULT 0 CHECK (review_mute IN (0, 1));
ALTER TABLE users ADD COLUMN review_digest_seconds BIGINT CHECK (review_digest_seconds BETWEEN 0 AND 86400);
ALTER TABLE users ADD COLUMN review_recipients TEXT;
ALTER TABLE users ADD COLUMN review_on_unseen TEXT CHECK (review_on_unseen IN ('reject', 'approve'));
ALTER TABLE agents ADD COLUMN review_digest_seconds BIGINT CHECK (review_digest_seconds BETWEEN 0 AND 86400);
ALTER TABLE agents ADD COLUMN review_recipients TEXT;
ALTER TABLE agents ADD COLUMN review_on_unseen TEXT CHECK (review_on_unseen IN ('reject', 'approve'));

-- One mail to reviewers, about one hold or several. epoch grows with every claim. The key makes its links.
CREATE TABLE review_mails (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  recipients TEXT NOT NULL,
  link_key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'sent', 'failed', 'cancelled')),
  epoch BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_until_us BIGINT,
  attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  first_due_at_us BIGINT NOT NULL,
  due_at_us BIGINT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  created_at_us BIGINT NOT NULL,
  settled_at_us BIGINT,
  CHECK ((state = 'claimed') = (lease_until_us IS NOT NULL)),
  CHECK ((state IN ('sent', 'failed', 'cancelled')) = (settled_at_us IS NOT NULL)),
  CHECK (state <> 'sent' OR attempts > 0)
);
CREATE INDEX review_mails_due ON review_mails (due_at_us) WHERE state = 'queued';
CREATE INDEX review_mails_leased ON review_mails (lease_until_us) WHERE state = 'claimed';
CREATE INDEX review_mails_settled ON review_mails (settled_at_us) WHERE settled_at_us IS NOT NULL;
CREATE INDEX review_mails_by_user ON review_mails (user_id, created_at_us);

-- Each hand-over of such a mail that was begun. outcome: '' while nobody knows.
CREATE TABLE review_mail_attempts (
  mail_id TEXT NOT NULL REFERENCES review_mails (id) ON DELETE CASCADE,
  epoch BIGINT NOT NULL,
  provider TEXT NOT NULL,
  begun_at_us BIGINT NOT NULL,
  ended_at_us BIGINT,
  outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'accepted', 'refused', 'deferred', 'unknown', 'not_taken')),
  code BIGINT NOT NULL DEFAULT 0,
  detail TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (mail_id, epoch),
  CHECK ((outcome = '') = (ended_at_us IS NULL))
);

-- One row per hold, written with it. waiting: not in a mail yet; mailed: see the mail; muted: nobody wants one;
-- cancelled: it was decided first. urgent_at_us: half of the hold's time is over; no digest waits longer.
-- approved_unseen: the clock approved it without a mail having left, because a policy says so.
CREATE TABLE review_notifications (
  message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  agent_email TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'mailed', 'muted', 'cancelled')),
  mail_id TEXT REFERENCES review_mails (id) ON DELETE CASCADE,
  due_at_us BIGINT NOT NULL,
  urgent_at_us BIGINT NOT NULL,
  created_at_us BIGINT NOT NULL,
  approved_unseen BIGINT NOT NULL DEFAULT 0 CHECK (approved_unseen IN (0, 1)),
  CHECK ((state = 'mailed') = (mail_id IS NOT NULL))
);
CREATE INDEX review_notifications_due ON review_notifications (due_at_us) WHERE state = 'waiting';
CREATE INDEX review_notifications_by_mail ON review_notifications (mail_id) WHERE mail_id IS NOT NULL;

-- Reviewers hear of what waits already.
INSERT INTO review_notifications (message_id, user_id, agent_email, state, due_at_us, urgent_at_us, created_at_us)
  SELECT m.id, m.user_id, m.agent_email,
    CASE WHEN a.hold_suppress_notifications = 1 THEN 'muted' ELSE 'waiting' END,
    m.created_at_us, m.created_at_us + (m.approval_expires_at_us - m.created_at_us) / 2, m.created_at_us
  FROM messages m JOIN agents a ON a.email = m.agent_email WHERE m.review_status = 'pending_review';
)sql";

}  // namespace countersign::store
