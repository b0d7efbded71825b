// Schema 6: how often an agent replies to one address.
#include <string_view>

namespace countersign::store {

extern const std::string_view kReplyPairs;

const std::string_view kReplyPairs = R"sql(
CREATE INDEX messages_replies_by_pair ON messages (agent_email, delivered_to, created_at_us)
  WHERE direction = 'outbound' AND kind = 'reply';
)sql";

}  // namespace countersign::store
