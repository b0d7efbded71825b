// What providers tell later about a message that was handed over (contract §27): the state machine behind it.
//
// Edges read notifications and bounces and bring them here as values; nothing here knows a wire format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

enum class FeedbackKind : std::uint8_t {
  sent,              // the provider took the message: nothing yet about a recipient
  delivered,         // a recipient's server took it
  delayed,           // it is still trying
  bounced,           // a recipient's server refused it, or it could not be reached
  complained,        // a recipient called it spam
  rejected,          // the provider dropped the whole message after having taken it
  rendering_failed,  // the same, because a template of the provider's could not be filled
};
[[nodiscard]] std::string_view name_of(FeedbackKind kind);

enum class BounceType : std::uint8_t { permanent, transient, undetermined };
[[nodiscard]] std::string_view name_of(BounceType type);

struct FeedbackRecipient {
  std::string address;  // bare addr-spec, any case
  std::string detail;   // what the recipient's server said; valid UTF-8, ≤ 2 KiB
};

/// One notification. It is correlated by the first of `submission`, `message` and `provider_message_id` that
/// is given; an edge fills in what the notification proves to know (our own ids come back in tags, headers
/// and return paths).
struct Feedback {
  std::string source;    // short and stable: "ses", "dsn"
  std::string event_id;  // unique within the source: a repeat of it changes nothing
  FeedbackKind kind = FeedbackKind::sent;
  SubmissionId submission;          // may be empty
  MessageId message;                // may be empty
  std::string provider_message_id;  // may be empty
  /// Empty: all recipients (sent, rejected, rendering_failed). Others are ignored unless the message was sent
  /// to them.
  std::vector<FeedbackRecipient> recipients;
  BounceType bounce_type = BounceType::undetermined;
  std::string bounce_sub_type;  // the provider's own word, may be empty
  std::string detail;           // about the whole: the reason of a reject; may be empty
  UtcTime occurred_at;          // the provider's clock
};

enum class FeedbackOutcome : std::uint8_t {
  applied,   // it said something new
  repeated,  // this event was known already; nothing changed
  kept,      // it names a provider id nobody knows yet: applied when an acceptance brings that id
  ignored,   // it names no message of ours, or nothing it says is new
};
[[nodiscard]] std::string_view name_of(FeedbackOutcome outcome);

/// Applies one notification (all in tx): the attempt it proves the acceptance of is settled by evidence, the
/// recipients it names move up (never down, contract §9.4), lifecycle rows, events and suppressions are
/// written. Throws store::Unavailable.
FeedbackOutcome apply_feedback(store::Tx& tx, const Feedback& feedback, UtcTime now);

/// Applies feedback that still waits although its acceptance has come: it came through a way out that was not
/// expected to be told of. At most `limit`; how many. What has waited for two days waits no more.
std::int64_t settle_waiting_feedback(store::Tx& tx, UtcTime now, std::int64_t limit);

/// Forgets events that were received before `cutoff`, at most `limit`; how many.
std::int64_t forget_feedback(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

}  // namespace countersign::outbox
