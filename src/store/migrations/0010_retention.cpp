// Schema 10: what is removed when its time is over is found without looking through what stays, and permits
// of rate limits that several nodes share.
#include <string_view>

namespace countersign::store {

extern const std::string_view kRetention;

const std::string_view kRetention = R"sql(
CREATE INDEX agents_trashed ON agents (deleted_at_us) WHERE deleted_at_us IS NOT NULL;
CREATE INDEX webhooks_disabled ON webhooks (id) WHERE enabled = 0;

-- What the nodes have taken of a limit, in slots of its window: slots[slot % count] belongs to the slot of that
-- number when it is one of the newest `count` (decision 0014).
CREATE TABLE rate_permits (
  limiter TEXT NOT NULL,
  subject TEXT NOT NULL,
  slot BIGINT NOT NULL,
  taken TEXT NOT NULL,
  expires_at_us BIGINT NOT NULL,
  PRIMARY KEY (limiter, subject)
);
CREATE INDEX rate_permits_by_age ON rate_permits (expires_at_us);
)sql";

}  // namespace countersign::store
