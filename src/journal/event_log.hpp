// The event log: events as they are listed, and as whoever passes them on finds them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/journal.hpp"

namespace countersign::journal {

/// How long events are listed and can be redelivered (contract §24).
inline constexpr std::chrono::days kEventsListed{30};
/// How long an event is known to have existed; meanwhile it answers `gone`.
inline constexpr std::chrono::days kEventsKnown{37};

/// The bytes that every channel sends: `{type,id,schema_version,created_at,data}`.
[[nodiscard]] std::string event_envelope(std::string_view id, std::string_view type,
                                         const boost::json::object& data, UtcTime at);

struct Event {
  std::int64_t position = 0;  // ascending in the order in which events were written, not committed
  std::string id;
  UserId user;
  std::string type;
  std::optional<std::string> agent_email;
  std::optional<std::string> conversation_id;
  std::optional<std::string> message_id;
  std::string envelope;  // stored bytes
  UtcTime created_at;
  std::string status;  // "pending", "processed", "no_match"
};

/// Exact matches; an empty text does not filter.
struct EventFilter {
  std::string type;
  std::string agent_email;
  std::string conversation_id;
  std::string message_id;
  std::optional<UtcTime> since;  // inclusive
  std::optional<UtcTime> until;  // exclusive
};

/// Up to `limit` events of an account younger than kEventsListed, newest first by (created_at, id), after
/// `after` when given.
[[nodiscard]] std::vector<Event> list_events(store::ReadTx& tx, const UserId& user, const EventFilter& filter,
                                             const std::optional<Position>& after, std::int64_t limit,
                                             UtcTime now);
/// One event of the account, however old.
[[nodiscard]] std::optional<Event> find_event(store::ReadTx& tx, const UserId& user, std::string_view id);

/// Whether any event waits to be fanned out.
[[nodiscard]] bool events_waiting(store::ReadTx& tx);
/// Up to `limit` events nobody has fanned out, oldest first, locked for this transaction; those that another
/// transaction has locked are left to it.
[[nodiscard]] std::vector<Event> take_waiting_events(store::Tx& tx, std::int64_t limit);
/// Ends the waiting of events that take_waiting_events gave to this transaction.
void mark_fanned_out(store::Tx& tx, const std::vector<std::int64_t>& matched,
                     const std::vector<std::int64_t>& unmatched);

/// Removes up to `limit` events older than kEventsKnown, but for those that wait to be fanned out. Returns
/// how many.
std::int64_t forget_events(store::Tx& tx, UtcTime now, std::int64_t limit);

}  // namespace countersign::journal
