// What Amazon SES tells: event publishing ("eventType") and the older notifications ("notificationType"), as
// values for the outbox. Pure.
//
// Source: Amazon SES developer guide, "Event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS
// notification contents for Amazon SES".
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "outbox/feedback.hpp"

namespace countersign::provider::feedback {

/// A notification that says nothing about a message's way: opens, clicks, subscriptions, SES's own test
/// message, a complaint that was taken back ("not-spam"), mail to a reviewer.
struct NothingToDo {
  std::string kind;  // for a log and a counter, one of ours: "other_event", "test_message", …
};

using SesEvent = std::variant<outbox::Feedback, NothingToDo>;

/// Reads the Message of an SNS notification. `event_id` becomes the feedback's (SNS's MessageId); `published`
/// is its time where the event has none. Texts are made presentable and cut to 2 KiB; recipients beyond 100
/// are left out; addresses become bare and lower-case. Ids of ours are taken from the tags, from the header
/// X-E2A-Message-ID, and SES's own id from mail.messageId; ids of a wrong shape count as absent.
/// Refuses, with what is wrong for a log, a document that is no event.
[[nodiscard]] Result<SesEvent, std::string> read_ses_event(std::string_view message,
                                                           std::string_view event_id, UtcTime published);

}  // namespace countersign::provider::feedback
