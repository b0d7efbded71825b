// Schema 7: labels by agent and time.
#include <string_view>

namespace countersign::store {

extern const std::string_view kLabels;

const std::string_view kLabels = R"sql(
-- With what a list is ordered by, so that the messages of one label are a range of one index. Both repeat the
-- message's own, which never change. agent_email refers to nothing: the message goes with its agent.
CREATE TABLE message_labels_2 (
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  agent_email TEXT NOT NULL,
  created_at_us BIGINT NOT NULL,
  PRIMARY KEY (message_id, label)
);
INSERT INTO message_labels_2 (message_id, label, agent_email, created_at_us)
  SELECT b.message_id, b.label, m.agent_email, m.created_at_us
  FROM message_labels b JOIN messages m ON m.id = b.message_id;
DROP TABLE message_labels;
ALTER TABLE message_labels_2 RENAME TO message_labels;
CREATE INDEX message_labels_by_time ON message_labels (agent_email, label, created_at_us, message_id);
)sql";

}  // namespace countersign::store
