#include "journal/event_log.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace countersign::journal {
namespace {

using store::Query;

#define CS_EVENT_COLUMNS                                                                              \
  "e.position, e.id, e.user_id, e.type, e.agent_email, e.conversation_id, e.message_id, e.envelope, " \
  "e.created_at_us, e.status"

// One statement for each index; the other filters only leave rows out. $2 and $3: from, before. $4 and $5:
// the position to go on after. $6: a type or nothing.
#define CS_LIST(name, condition)                                                                      \
  Query("journal.list_events_" name,                                                                  \
        "SELECT " CS_EVENT_COLUMNS                                                                    \
        " FROM events e WHERE e.user_id = $1 AND e.created_at_us >= $2 AND e.created_at_us < $3 AND " \
        "(e.created_at_us, e.id) < ($4, $5) AND ($6 = '' OR e.type = $6) AND " condition              \
        " ORDER BY e.created_at_us DESC, e.id DESC LIMIT $10")
constexpr std::string_view kAfterAllIds = "~";
#define CS_ALSO(number, column) "($" number " = '' OR " column " = $" number ")"

constexpr Query kListAll = CS_LIST("all", "$7 = '' AND $8 = '' AND $9 = ''");
constexpr Query kListOfMessage =
    CS_LIST("of_message",
            CS_ALSO("7", "e.agent_email") " AND " CS_ALSO("8", "e.conversation_id") " AND e.message_id = $9");
constexpr Query kListOfConversation =
    CS_LIST("of_conversation", CS_ALSO("7", "e.agent_email") " AND e.conversation_id = $8 AND $9 = ''");
constexpr Query kListOfAgent = CS_LIST("of_agent", "e.agent_email = $7 AND $8 = '' AND $9 = ''");

constexpr Query kFind("journal.find_event",
                      "SELECT " CS_EVENT_COLUMNS " FROM events e WHERE e.id = $1 AND e.user_id = $2");
constexpr Query kWaiting("journal.events_waiting", "SELECT 1 FROM events WHERE status = 'pending' LIMIT 1");
// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kTake(
    "journal.take_waiting_events",
    "SELECT " CS_EVENT_COLUMNS " FROM events e WHERE e.status = 'pending' ORDER BY e.position LIMIT $1",
    "SELECT " CS_EVENT_COLUMNS
    " FROM events e WHERE e.status = 'pending' ORDER BY e.position LIMIT $1 FOR UPDATE SKIP LOCKED");
// Differs in how a JSON list becomes rows.
constexpr Query kMark(
    "journal.mark_fanned_out",
    "UPDATE events SET status = $2 WHERE position IN (SELECT value FROM json_each($1))",
    "UPDATE events SET status = $2 WHERE position = ANY (ARRAY(SELECT CAST(e AS BIGINT) FROM "
    "jsonb_array_elements_text($1::jsonb) e))");
#define CS_FORGET                                                                                          \
  "DELETE FROM events WHERE position IN (SELECT position FROM events WHERE created_at_us < $1 AND status " \
  "<> 'pending' ORDER BY created_at_us LIMIT $2"
// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kForget("journal.forget_events", CS_FORGET ")", CS_FORGET " FOR UPDATE SKIP LOCKED)");
#undef CS_FORGET

Event event_from(const store::Row& row) {
  return {row.integer(0),    row.text(1),       UserId(row.text(2)), row.text(3), row.maybe_text(4),
          row.maybe_text(5), row.maybe_text(6), row.text(7),         row.time(8), row.text(9)};
}

std::vector<Event> events_from(const store::Rows& rows) {
  std::vector<Event> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) out.push_back(event_from(row));
  return out;
}

const Query& list_of(const EventFilter& filter) {
  if (!filter.message_id.empty()) return kListOfMessage;
  if (!filter.conversation_id.empty()) return kListOfConversation;
  if (!filter.agent_email.empty()) return kListOfAgent;
  return kListAll;
}

void mark(store::Tx& tx, const std::vector<std::int64_t>& positions, std::string_view status) {
  if (positions.empty()) return;
  const std::string list = boost::json::serialize(boost::json::array(positions.begin(), positions.end()));
  tx.execute(kMark, {list, status});
}

}  // namespace

std::vector<Event> list_events(store::ReadTx& tx, const UserId& user, const EventFilter& filter,
                               const std::optional<Position>& after, std::int64_t limit, UtcTime now) {
  const UtcTime oldest = now - kEventsListed;
  const UtcTime since = std::max(filter.since.value_or(oldest), oldest);
  const UtcTime at = after ? after->at : UtcTime::max();
  const std::string_view id = after ? std::string_view(after->id) : kAfterAllIds;
  const store::Rows rows = tx.query(
      list_of(filter), {user.str(), since, filter.until.value_or(UtcTime::max()), at, id, filter.type,
                        filter.agent_email, filter.conversation_id, filter.message_id, limit});
  return events_from(rows);
}

std::optional<Event> find_event(store::ReadTx& tx, const UserId& user, std::string_view id) {
  const store::Rows rows = tx.query(kFind, {id, user.str()});
  if (rows.empty()) return std::nullopt;
  return event_from(rows.front());
}

bool events_waiting(store::ReadTx& tx) { return !tx.query(kWaiting).empty(); }

std::vector<Event> take_waiting_events(store::Tx& tx, std::int64_t limit) {
  return events_from(tx.query(kTake, {limit}));
}

void mark_fanned_out(store::Tx& tx, const std::vector<std::int64_t>& matched,
                     const std::vector<std::int64_t>& unmatched) {
  mark(tx, matched, "processed");
  mark(tx, unmatched, "no_match");
}

std::int64_t forget_events(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kForget, {now - kEventsKnown, limit});
}

}  // namespace countersign::journal
