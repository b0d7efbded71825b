// Schema 11: events in an order that never changes behind a reader, and who listens to an agent.
#include <string_view>

namespace countersign::store {

extern const std::string_view kListeners;

const std::string_view kListeners = R"sql(
-- xact: on PostgreSQL the transaction that wrote the event, on SQLite 0. Events are read in the order of
-- (xact, position), up to the oldest transaction that still runs (decision 0013).
ALTER TABLE events ADD COLUMN xact {xact};
CREATE INDEX events_in_order ON events (xact, position) WHERE xact <> 0;
CREATE INDEX events_of_agent_in_order ON events (agent_email, xact, position) WHERE agent_email IS NOT NULL;

-- The one connection that an agent's events are pushed to at present, on whichever node. A row outlives the
-- connection when its node dies; the next connection of the agent takes it over. epoch grows with each.
CREATE TABLE listeners (
  agent_email TEXT PRIMARY KEY REFERENCES agents (email) ON DELETE CASCADE,
  id TEXT NOT NULL UNIQUE,
  epoch BIGINT NOT NULL,
  node TEXT NOT NULL,
  key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  connected_at_us BIGINT NOT NULL
);
CREATE INDEX listeners_by_node ON listeners (node, agent_email);
CREATE INDEX listeners_by_key ON listeners (key_id);
)sql";

}  // namespace countersign::store
