// Hand-overs whose outcome nobody knows: seeing them, and deciding about them (delivery.md §3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "journal/journal.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

/// One attempt at one message, as people see it.
struct HandOverView {
  SubmissionId id;
  MessageId message;
  UserId user;
  std::string agent_email;
  std::string subject;
  std::int64_t attempt = 1;
  std::string state;  // as stored: "queued" … "cancelled"
  std::string provider;
  std::string provider_message_id;
  std::string reply_phase;
  std::int64_t reply_code = 0;
  std::string reply_text;
  std::vector<std::string> recipients;  // bare addresses this attempt is, or was last, responsible for
  UtcTime created_at;
  UtcTime due_at;
  std::optional<UtcTime> handed_over_at;  // the fence: from here on it may have been taken
  std::optional<UtcTime> unknown_at;
  std::optional<UtcTime> resend_at;  // when the agent's policy sends it again
  std::optional<UtcTime> settled_at;
  std::string settled_by;  // "reply", "rescuer", "evidence", "person", "policy", "cancellation", ""
  std::string resolution;  // "sent", "send_again", "give_up", ""
  std::string resolved_by;
  std::string resolution_note;
};

/// Unknown hand-overs of an account, or of all accounts for an operator; newest first, strictly after
/// `after`.
[[nodiscard]] std::vector<HandOverView> list_unknown(store::ReadTx& tx, const std::optional<UserId>& user,
                                                     const std::optional<journal::Position>& after,
                                                     std::int64_t limit);
/// Every attempt at a message of the account, oldest first.
[[nodiscard]] std::vector<HandOverView> list_hand_overs(store::ReadTx& tx, const UserId& user,
                                                        const MessageId& message);
/// One of the account's, or of anybody's for an operator.
[[nodiscard]] std::optional<HandOverView> find_hand_over(store::ReadTx& tx, const std::optional<UserId>& user,
                                                         const SubmissionId& id);

enum class Resolution : std::uint8_t {
  sent,        // it went out: the provider has it
  send_again,  // hand it over once more, at the risk of a second copy
  give_up,     // leave it: it may or may not have arrived
};
[[nodiscard]] std::string_view name_of(Resolution resolution);
[[nodiscard]] std::optional<Resolution> resolution_of(std::string_view name);

struct ResolveCommand {
  std::optional<UserId> user;  // whose it must be; none for an operator
  SubmissionId id;
  Resolution resolution = Resolution::sent;
  std::string by;    // who decides, for the record: "person: ann@example.com"
  std::string note;  // why, ≤ kResolutionNoteBytesMax
};
inline constexpr std::size_t kResolutionNoteBytesMax = 2000;

enum class ResolveRefusal : std::uint8_t {
  not_found,
  not_unknown,  // it has an outcome already, or somebody has decided
};
/// Decides about an unknown hand-over; exactly one of any number of competitors does, evidence included.
/// Effects (all in tx): the attempt is accepted or superseded; recipients and the message's status follow;
/// send_again queues the next attempt, due now; lifecycle and email.sent or email.failed.
/// Refuses        not_found, not_unknown.
/// Throws         store::Unavailable. Sends nothing itself.
[[nodiscard]] Result<HandOverView, ResolveRefusal> resolve(store::Tx& tx, const ResolveCommand& command,
                                                           UtcTime now);

/// Carries out the policy of agents that resend: unknown hand-overs whose grace for evidence is over, oldest
/// first, at most `limit`; how many were queued again.
std::int64_t resend_by_policy(store::Tx& tx, UtcTime now, std::int64_t limit);

/// What happens when the answer to a hand-over of this agent is lost.
struct UnknownPolicy {
  bool resend = false;  // false: a person decides
  std::int64_t grace_seconds = 3600;
};
/// Of a live agent of the account; nothing when there is none.
[[nodiscard]] std::optional<UnknownPolicy> find_unknown_policy(store::ReadTx& tx, const UserId& user,
                                                               std::string_view agent_email);
/// Also for what is unknown now, counted from when it became so. False when there is no such live agent.
[[nodiscard]] bool set_unknown_policy(store::Tx& tx, const UserId& user, std::string_view agent_email,
                                      const UnknownPolicy& policy);

}  // namespace countersign::outbox
