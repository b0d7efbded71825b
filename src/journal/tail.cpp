#include "journal/tail.hpp"

namespace countersign::journal {
namespace {

using store::Query;

// Differs because SQLite has one writer, whose transactions commit in the order of their positions. Elsewhere
// the frontier is the oldest transaction that runs, of this role and in this database: no other can write
// events, and a long one must not silence everybody. A transaction that has ended between the snapshot and
// the look at the activity has ended before whoever reads next begins.
constexpr Query kFrontier(
    "journal.frontier",
    "SELECT 0, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) + 1, 0",
    "SELECT LEAST(f.end_at, r.oldest), CAST(0 AS BIGINT), CASE WHEN r.oldest IS NULL THEN 0 ELSE 1 END FROM "
    "(SELECT s.snapshot, CAST(CAST(pg_snapshot_xmax(s.snapshot) AS TEXT) AS BIGINT) AS end_at FROM (SELECT "
    "pg_current_snapshot() AS snapshot) s) f CROSS JOIN LATERAL (SELECT min(CAST(CAST(x.xid AS TEXT) AS "
    "BIGINT)) AS oldest FROM pg_snapshot_xip(f.snapshot) AS x (xid) JOIN pg_stat_activity a ON "
    "CAST(CAST(a.backend_xid AS TEXT) AS BIGINT) = CAST(CAST(x.xid AS TEXT) AS BIGINT) % 4294967296 WHERE "
    "a.datname = current_database() AND a.usename = session_user) r");

// Differs because xact is 0 on SQLite and its index empty.
constexpr Query kNews("journal.news",
                      "SELECT e.xact, e.position, e.agent_email FROM events e WHERE e.position >= $2 AND "
                      "e.position < $4 AND $1 <= 0 AND $3 >= 0 AND e.agent_email IS NOT NULL ORDER BY "
                      "e.position LIMIT $5",
                      "SELECT e.xact, e.position, e.agent_email FROM events e WHERE e.xact <> 0 AND (e.xact, "
                      "e.position) >= ($1, $2) AND (e.xact, e.position) < ($3, $4) AND e.agent_email IS NOT "
                      "NULL ORDER BY e.xact, e.position LIMIT $5");

// IS TRUE keeps both from sorting all that the account ever had.
#define CS_HEADLINES "SELECT e.xact, e.position, e.type, e.message_id, e.agent_email FROM events e WHERE "
constexpr Query kHeadlines("journal.headlines",
                           CS_HEADLINES
                           "e.position >= $2 AND e.position < $4 AND $1 <= 0 AND $3 >= 0 AND "
                           "(e.user_id = $6) IS TRUE ORDER BY e.position LIMIT $5",
                           CS_HEADLINES
                           "e.xact <> 0 AND (e.xact, e.position) >= ($1, $2) AND (e.xact, "
                           "e.position) < ($3, $4) AND (e.user_id = $6) IS TRUE ORDER BY e.xact, "
                           "e.position LIMIT $5");

#define CS_OF_AGENT(name, condition)                                                                       \
  Query("journal.events_of_agent_" name,                                                                   \
        "SELECT e.xact, e.position, e.id, e.type, e.envelope, e.created_at_us FROM events e WHERE "        \
        "e.agent_email = $1 AND (e.xact, e.position) >= ($2, $3) AND (e.xact, e.position) < ($4, $5) AND " \
        "e.user_id = $6" condition " ORDER BY e.xact, e.position LIMIT $7")
constexpr Query kAllOfAgent = CS_OF_AGENT("all", "");
constexpr Query kMailOfAgent =
    CS_OF_AGENT("mail_in", " AND e.type IN ('email.received', 'email.review_approved')");

constexpr Query kPlace(
    "journal.place_of",
    "SELECT xact, position FROM events WHERE id = $1 AND agent_email = $2 AND user_id = $3");

constexpr Query kNewest("journal.newest_xact", "",
                        "SELECT max(xact), CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS "
                        "BIGINT) FROM events WHERE xact <> 0");
constexpr Query kMove("journal.move_events", "", "UPDATE events SET xact = xact - $1 - 1 WHERE xact <= $1");

Place place_from(const store::Row& row) { return {row.integer(0), row.integer(1)}; }

}  // namespace

Frontier frontier(store::ReadTx& tx) {
  const store::Rows rows = tx.query(kFrontier);
  return {place_from(rows.front()), rows.front().integer(2) == 1};
}

std::vector<News> news(store::ReadTx& tx, const Place& from, const Place& until, std::int64_t limit) {
  const store::Rows rows = tx.query(kNews, {from.xact, from.position, until.xact, until.position, limit});
  std::vector<News> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) out.push_back({place_from(row), row.text(2)});
  return out;
}

std::vector<Headline> headlines(store::ReadTx& tx, const UserId& user, const Place& from, const Place& until,
                                std::int64_t limit) {
  const store::Rows rows =
      tx.query(kHeadlines, {from.xact, from.position, until.xact, until.position, limit, user.str()});
  std::vector<Headline> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) {
    out.push_back({place_from(row), row.text(2), row.maybe_text(3), row.maybe_text(4)});
  }
  return out;
}

std::vector<Told> told_from(const store::Rows& rows) {
  std::vector<Told> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) {
    out.push_back({place_from(row), row.text(2), row.text(3), row.text(4), row.time(5)});
  }
  return out;
}

std::vector<Told> events_of_agent(store::ReadTx& tx, const UserId& user, std::string_view agent_email,
                                  Choice choice, const Place& from, const Place& until, std::int64_t limit) {
  const Query& query = choice == Choice::all ? kAllOfAgent : kMailOfAgent;
  return told_from(tx.query(
      query, {agent_email, from.xact, from.position, until.xact, until.position, user.str(), limit}));
}

std::optional<Place> place_of(store::ReadTx& tx, const UserId& user, std::string_view agent_email,
                              std::string_view event_id) {
  const store::Rows rows = tx.query(kPlace, {event_id, agent_email, user.str()});
  if (rows.empty()) return std::nullopt;
  return place_from(rows.front());
}

bool adopt(store::Tx& tx) {
  if (tx.dialect() == store::Dialect::sqlite) return false;
  const store::Rows rows = tx.query(kNewest);
  const std::optional<std::int64_t> newest = rows.front().maybe_integer(0);
  if (!newest || *newest < rows.front().integer(1)) return false;
  tx.execute(kMove, {*newest});
  return true;
}

}  // namespace countersign::journal
