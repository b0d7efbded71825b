// The work that is measured: N held drafts to one outside recipient each, then their approval.
#pragma once

#include <string>

#include "approve/approve.hpp"
#include "base/id.hpp"
#include "provider/loopback/send_step.hpp"
#include "store/database.hpp"

namespace countersign::bench {

inline constexpr const char* kDomain = "agents.localhost";

class Scenario {
 public:
  /// Messages are numbered from 0; their ids are `msg_`, the number in 12 hexadecimal digits (as if made a
  /// millisecond apart) and again in 20 decimal ones.
  [[nodiscard]] static MessageId message_id(std::int64_t number);

  /// An account, an agent that holds everything, and `messages` held drafts of about 1 KB.
  void prepare(store::Database& database, std::int64_t messages);

  /// The body of one approval. A bug when it is refused.
  int approve(store::Tx& tx, std::int64_t number);

 private:
  UserId user_{"00000000000000000000000000000001"};
  provider::loopback::SendStep send_{{kDomain, kDomain}};
  UtcTime now_ = from_us(1'795'441'500'000'000);
};

}  // namespace countersign::bench
