// Machines that answer each other without end: how often an agent replies to one address. The other ways to
// break a loop stand at the door (inbound/letter: hops, Delivered-To) and at the reply (a bounce is never
// answered).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "hold/gate.hpp"
#include "store/tx.hpp"

namespace countersign::hold {

/// What kind of mail a draft answers.
enum class Answering : std::uint8_t {
  nothing,
  letter,
  automatic,  // a machine wrote it: an automatic answer (RFC 3834), a mailing list
};

struct LoopLimits {
  std::chrono::seconds window{600};
  std::int64_t replies_max = 30;           // of one agent to one address within the window
  std::int64_t automatic_replies_max = 3;  // of these, to mail that machines wrote
};

/// Refused: beyond the limit, and a reply to that address already waits for a person.
struct AnswersTooOften {
  std::string address;
  std::int64_t retry_after_seconds;  // ≥ 1, until the window has moved on
};

/// What a reply trips. One beyond a limit is a Trip of type `send`: a person looks at it. While a reply to
/// that address already waits for a person, for whatever reason, more of them are refused.
struct LoopVerdict {
  std::optional<Trip> trip;
  std::optional<AnswersTooOften> refused;
};
/// Looks at the agent's replies to `address` (mailbox text, the first in To) up to `now`. Until the end of
/// the transaction no other one judges replies of this pair.
[[nodiscard]] LoopVerdict judge_loop(store::Tx& tx, std::string_view agent_email, std::string_view address,
                                     Answering answering, const LoopLimits& limits, UtcTime now);

}  // namespace countersign::hold
