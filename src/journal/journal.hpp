// The journal: what happened to a message (lifecycle) and what the world is told of it (events).
//
// Both are written in the caller's transaction, so that nothing happened unseen and nothing seen did not
// happen (delivery.md §1.5). Nobody is notified from here; channels read these rows later.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "journal/reason.hpp"
#include "store/tx.hpp"

namespace countersign::journal {

enum class Direction : std::uint8_t { inbound, outbound };
[[nodiscard]] std::string_view name_of(Direction direction);

/// The message that rows are about.
struct Subject {
  UserId user;
  std::string agent_email;
  MessageId message;
  std::string conversation_id;  // may be empty
  Direction direction = Direction::outbound;
};

/// One observation. `occasion` tells repeated observations of one kind apart (attempt number, recipient,
/// provider event id); the same (message, reason, recipient, occasion) is written once however often the body
/// runs.
struct Transition {
  Reason reason;
  UtcTime at;
  std::optional<std::string> recipient;
  boost::json::object evidence;     // keys: contract §25; strings ≤ 2 KiB
  boost::json::object correlation;  // keys: contract §25
  std::string occasion;
};

/// Appends to the lifecycle (all in tx). Repeating an observation changes nothing.
void record(store::Tx& tx, const Subject& subject, const Transition& transition);

struct LifecycleRow {
  std::string id;
  MessageId message;
  Direction direction;
  Reason reason;
  std::optional<std::string> recipient;
  std::string evidence;     // JSON object
  std::string correlation;  // JSON object
  UtcTime occurred_at;
};

/// A position in a listing: strictly after this (time, id).
struct Position {
  UtcTime at;
  std::string id;
};

/// Up to `limit` rows of one message, ascending by (occurred_at, id), after `after` when given.
[[nodiscard]] std::vector<LifecycleRow> list_lifecycle(store::ReadTx& tx, const MessageId& message,
                                                       const std::optional<Position>& after,
                                                       std::int64_t limit);

enum class EventType : std::uint8_t {
  email_received,
  email_sent,
  email_failed,
  email_unknown,  // our own: handed over, and the answer was lost (delivery.md §3)
  email_delivered,
  email_bounced,
  email_complained,
  email_flagged,
  email_blocked,
  email_review_requested,
  email_review_approved,
  email_review_rejected,
  domain_suppression_added,
  agent_suppression_added,
};
[[nodiscard]] std::string_view name_of(EventType type);

/// A list of strings in the data of an event.
[[nodiscard]] boost::json::array json_list(const std::vector<std::string>& items);

/// Appends an event about a message: envelope `{type,id,schema_version,created_at,data}` as stored bytes, the
/// same on every channel (contract §24). The id derives from (message, type, occasion): a repeat changes
/// nothing.
void emit(store::Tx& tx, const Subject& subject, EventType type, const boost::json::object& data, UtcTime at,
          std::string_view occasion = {});

/// As emit, for an outbound refusal that left no message: the row names the agent only (contract §24,
/// email.blocked).
void emit_without_message(store::Tx& tx, const Subject& subject, EventType type,
                          const boost::json::object& data, UtcTime at);

/// Appends an event about an agent. `occasion` tells events of one type and instant apart.
void emit_for_agent(store::Tx& tx, const UserId& user, std::string_view agent_email, EventType type,
                    const boost::json::object& data, UtcTime at, std::string_view occasion);

/// Appends an event about an account. `occasion` tells events of one type and instant apart.
void emit_for_account(store::Tx& tx, const UserId& user, EventType type, const boost::json::object& data,
                      UtcTime at, std::string_view occasion);

}  // namespace countersign::journal
