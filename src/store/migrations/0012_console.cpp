// Schema 12: people. Passwords, sessions of browsers, and what it takes to take an approval back.
#include <string_view>

namespace countersign::store {

extern const std::string_view kConsole;

const std::string_view kConsole = R"sql(
-- hash: argon2id in its standard text form, which names its parameters and its salt.
CREATE TABLE passwords (
  user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  set_at_us BIGINT NOT NULL
);

-- A browser that signed in. Only the hash of what it holds is kept. It ends at expires_at_us, or when it was not
-- used for idle_us.
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at_us BIGINT NOT NULL,
  used_at_us BIGINT NOT NULL,
  idle_us BIGINT NOT NULL CHECK (idle_us > 0),
  expires_at_us BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at_us);

-- At most one row: whoever becomes the first person holds it meanwhile, so that nobody else does.
CREATE TABLE setups (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  used_at_us BIGINT NOT NULL
);

-- Attempts to sign in, by whom they concern and from where, counted from began_at_us on.
CREATE TABLE sign_in_attempts (
  subject TEXT PRIMARY KEY,
  attempts BIGINT NOT NULL CHECK (attempts > 0),
  began_at_us BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (began_at_us);

-- How often an approval of it was taken back; tells the observations of its decisions apart.
ALTER TABLE messages ADD COLUMN decisions_undone BIGINT NOT NULL DEFAULT 0 CHECK (decisions_undone >= 0);

-- The review queue, the one that ends first first.
CREATE INDEX messages_pending_by_end ON messages (user_id, approval_expires_at_us, id)
  WHERE review_status = 'pending_review';

-- The draft as its author wrote it, while a reviewer's edit of it can still be taken back. attachments: 1 when
-- the edit replaced them; then kept_attachments holds the author's.
CREATE TABLE kept_drafts (
  message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  revision BIGINT NOT NULL,
  subject TEXT NOT NULL,
  to_list TEXT NOT NULL,
  cc_list TEXT NOT NULL,
  bcc_list TEXT NOT NULL,
  text TEXT NOT NULL,
  html TEXT NOT NULL,
  edited BIGINT NOT NULL CHECK (edited IN (0, 1)),
  attachments BIGINT NOT NULL CHECK (attachments IN (0, 1)),
  bytes BIGINT NOT NULL,
  kept_at_us BIGINT NOT NULL
);
CREATE INDEX kept_drafts_by_age ON kept_drafts (kept_at_us);
CREATE TABLE kept_attachments (
  message_id TEXT NOT NULL REFERENCES kept_drafts (message_id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  filename TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content {blob} NOT NULL,
  PRIMARY KEY (message_id, position)
);
)sql";

}  // namespace countersign::store
