// Schema 5: the keys that outgoing mail is signed with.
#include <string_view>

namespace countersign::store {

extern const std::string_view kDomainKeys;

const std::string_view kDomainKeys = R"sql(
-- private_key is sealed under the deployment's secret (decision 0008). user_id is NULL for domains of the
-- deployment itself. A retired key signs nothing more; its row stays, because its DNS record should for a while.
CREATE TABLE domain_keys (
  domain TEXT NOT NULL,
  selector TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
  private_key {blob} NOT NULL,
  dns_record TEXT NOT NULL,
  created_at_us BIGINT NOT NULL,
  retired_at_us BIGINT,
  PRIMARY KEY (domain, selector)
);
CREATE INDEX domain_keys_by_user ON domain_keys (user_id) WHERE user_id IS NOT NULL;
)sql";

}  // namespace countersign::store
