// Listings by keyset: the cost of a page does not depend on how far into the mailbox it lies.
#include <algorithm>
#include <map>
#include <mutex>

#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "mailbox/row.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

constexpr Query kListByDeadline("mailbox.list_pending_by_deadline",
                                "SELECT " CS_MESSAGE_COLUMNS
                                " FROM messages m JOIN agents a ON a.email = m.agent_email "
                                "WHERE m.user_id = $1 AND m.review_status = 'pending_review' AND "
                                "a.deleted_at_us IS NULL AND (m.approval_expires_at_us, m.id) > ($2, $3) "
                                "ORDER BY m.approval_expires_at_us, m.id LIMIT $4");
constexpr Query kListPending(
    "mailbox.list_pending",
    "SELECT " CS_MESSAGE_COLUMNS
    " FROM messages m JOIN agents a ON a.email = m.agent_email "
    "WHERE m.user_id = $1 AND m.review_status = 'pending_review' AND a.deleted_at_us IS NULL "
    "AND (m.created_at_us, m.id) < ($2, $3) ORDER BY m.created_at_us DESC, m.id DESC LIMIT $4");

// After every id of the form `msg_…`, for the first page of a descending list.
constexpr std::string_view kAfterAllIds = "~";

// The walk of a list that is sifted goes on in windows: a small one is enough where much is found.
constexpr std::int64_t kFirstWindow = 64;
constexpr std::int64_t kWindowGrowth = 8;

// A statement built from a filter. Texts live as long as the program, since drivers keep prepared statements
// by them. A condition is one letter of the name and never repeats, and some come together only, so callers
// can make fewer than two thousand; a driver keeps 4,000 per connection and PostgreSQL 63 bytes of a name.
struct BuiltQuery {
  std::string name;
  std::string sqlite;
  std::string postgres;
};

const BuiltQuery& interned(BuiltQuery query) {
  static std::mutex mutex;
  static std::map<std::string, BuiltQuery, std::less<>> all;
  const std::lock_guard lock(mutex);
  std::string key = query.name;
  return all.try_emplace(std::move(key), std::move(query)).first->second;
}

class Builder {
 public:
  // Adds a condition; `tag` names it within the statement's name.
  void where(std::string_view tag, std::string_view both) { where(tag, both, both); }
  void where(std::string_view tag, std::string_view sqlite, std::string_view postgres) {
    query_.name += tag;
    query_.sqlite += " AND ";
    query_.sqlite += sqlite;
    query_.postgres += " AND ";
    query_.postgres += postgres;
  }
  // Adds a parameter and returns its placeholder.
  std::string param(store::Param value) {
    params_.push_back(value);
    return "$" + std::to_string(params_.size());
  }
  void append(std::string_view text) {
    query_.sqlite += text;
    query_.postgres += text;
  }
  [[nodiscard]] store::Rows run(store::ReadTx& tx) const {
    const BuiltQuery& built = interned(query_);
    return tx.query(Query(built.name, built.sqlite, built.postgres), store::Params(params_));
  }

  BuiltQuery query_;
  std::vector<store::Param> params_;
};

// A condition that no index answers.
struct Sieve {
  std::string tag;
  std::string sqlite;
  std::string postgres;
};

void add_substring(Builder& builder, Sieve& sieve, std::string_view tag, std::string_view column,
                   const std::string& needle) {
  const std::string p = builder.param(needle);
  // Differs because the dialects name the search for a substring differently. Both match it literally.
  sieve.tag += tag;
  sieve.sqlite += fmt::format(" AND instr(utf8_lower({}), utf8_lower({})) > 0", column, p);
  sieve.postgres += fmt::format(" AND position(lower({}) in lower({})) > 0", p, column);
}

// The columns that a list is ordered by: the message's, or their copies in the index of a label.
struct Order {
  std::string_view at = "m.created_at_us";
  std::string_view id = "m.id";
};
constexpr Order kByLabel{"d.created_at_us", "d.message_id"};

bool needs_sieve(const ListFilter& filter) {
  return !filter.from.empty() || !filter.subject_contains.empty() || filter.labels.size() > 1;
}

// `labels`   those of the filter as a JSON list; must outlive the builder.
Sieve sieve_of(Builder& builder, const ListFilter& filter, const std::string& labels) {
  Sieve sieve;
  if (!filter.from.empty() || !filter.subject_contains.empty()) {  // every text holds the empty one
    add_substring(builder, sieve, "f", "m.sender", filter.from);
    add_substring(builder, sieve, "s", "m.subject", filter.subject_contains);
  }
  if (filter.labels.size() < 2) return sieve;
  const std::string p = builder.param(labels);
  // Differs in how a JSON list becomes rows. One parameter however many labels: their number must not be part
  // of the statement.
  sieve.tag += "b";
  sieve.sqlite += fmt::format(
      " AND NOT EXISTS (SELECT 1 FROM json_each({}) wanted WHERE NOT EXISTS (SELECT 1 FROM "
      "message_labels b WHERE b.message_id = m.id AND b.label = wanted.value))",
      p);
  sieve.postgres += fmt::format(
      " AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(CAST({} AS jsonb)) AS "
      "wanted (label) WHERE NOT EXISTS (SELECT 1 FROM message_labels b WHERE "
      "b.message_id = m.id AND b.label = wanted.label))",
      p);
  return sieve;
}

// What the indexes answer.
void add_view(Builder& builder, const ListFilter& filter) {
  // Constants, not parameters, so that the partial indexes apply.
  builder.where(filter.trashed ? "t" : "l",
                filter.trashed ? "m.deleted_at_us IS NOT NULL" : "m.deleted_at_us IS NULL");
  // Only inbound rows have a read state, and SQLite takes the first partial index that fits: the direction
  // beside it would lead it past the few unread ones.
  if (filter.direction == Direction::inbound && !filter.read_status) {
    builder.where("i", "m.direction = 'inbound'");
  }
  if (filter.direction == Direction::outbound) builder.where("o", "m.direction = 'outbound'");
  if (filter.read_status == "unread") builder.where("u", "m.read_status = 'unread'");
  if (filter.read_status == "read") builder.where("r", "m.read_status = 'read'");
  if (!filter.conversation_id.empty()) {
    builder.where("c", "m.conversation_id = " + builder.param(filter.conversation_id));
  }
}

void add_range(Builder& builder, const ListFilter& filter, const Order& row,
               const std::optional<journal::Position>& after) {
  if (filter.since || filter.until) {
    // The cursor bounds the range too: SQLite searches by one condition on the time, perhaps by this one.
    UtcTime first = filter.since.value_or(UtcTime::min());
    UtcTime end = filter.until.value_or(UtcTime::max());
    if (after && filter.ascending) first = std::max(first, after->at);
    if (after && !filter.ascending) end = std::min(end, after->at + Duration(1));
    const std::string since = builder.param(first);
    const std::string until = builder.param(end);
    builder.where("a", fmt::format("{0} >= {1} AND {0} < {2}", row.at, since, until));
  }
  if (after) {
    const std::string at = builder.param(after->at);
    const std::string id = builder.param(after->id);
    builder.where("k",
                  fmt::format("({}, {}) {} ({}, {})", row.at, row.id, filter.ascending ? ">" : "<", at, id));
  }
}

void add_order(Builder& builder, const ListFilter& filter, const Order& row, std::int64_t limit) {
  builder.query_.name += filter.ascending ? "+" : "-";
  const std::string_view way = filter.ascending ? "" : " DESC";
  builder.append(fmt::format(" ORDER BY {}{}, {}{}", row.at, way, row.id, way));
  builder.append(" LIMIT " + builder.param(limit));
}

// One list, as statements.
class Listing {
 public:
  // The references must outlive it.
  Listing(std::string_view agent_email, const ListFilter& filter)
      : agent_email_(agent_email), filter_(filter), labels_(to_json_list(filter.labels)) {}

  [[nodiscard]] std::vector<Message> messages(store::ReadTx& tx,
                                              const std::optional<journal::Position>& after,
                                              std::int64_t limit) const {
    Builder builder;
    builder.query_.name = "mailbox.list.";
    builder.append("SELECT " CS_MESSAGE_COLUMNS);
    const Order row = begin(builder);
    const Sieve sieve = sieve_of(builder, filter_, labels_);
    builder.query_.name += sieve.tag;
    builder.query_.sqlite += sieve.sqlite;
    builder.query_.postgres += sieve.postgres;
    add_range(builder, filter_, row, after);
    add_order(builder, filter_, row, limit);
    std::vector<Message> out;
    for (const store::Row found : builder.run(tx)) out.push_back(message_from(found));
    return out;
  }

  // The next `limit` rows of the indexes: where each is, and whether it passes the sieve.
  [[nodiscard]] store::Rows walk(store::ReadTx& tx, const std::optional<journal::Position>& after,
                                 std::int64_t limit) const {
    Builder builder;
    builder.query_.name = "mailbox.walk.";
    const Order row = filter_.labels.empty() ? Order{} : kByLabel;
    const Sieve sieve = sieve_of(builder, filter_, labels_);
    builder.query_.name += sieve.tag;
    builder.append(fmt::format("SELECT {}, {}, CASE WHEN TRUE", row.at, row.id));
    builder.query_.sqlite += sieve.sqlite;
    builder.query_.postgres += sieve.postgres;
    builder.append(" THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END");
    (void)begin(builder);
    add_range(builder, filter_, row, after);
    add_order(builder, filter_, row, limit);
    return builder.run(tx);
  }

 private:
  Order begin(Builder& builder) const {
    const std::string agent = builder.param(agent_email_);
    const bool labelled = !filter_.labels.empty();
    if (labelled) {
      // CROSS: SQLite begins with the label, however few rows its statistics say that another index would
      // give.
      builder.query_.name += "d";
      builder.append(
          " FROM message_labels d CROSS JOIN messages m WHERE m.id = d.message_id AND d.agent_email = " +
          agent + " AND d.label = " + builder.param(filter_.labels.front()) + " AND " CS_MESSAGE_VISIBLE);
    } else {
      builder.append(" FROM messages m WHERE m.agent_email = " + agent + " AND " CS_MESSAGE_VISIBLE);
    }
    add_view(builder, filter_);
    return labelled ? kByLabel : Order{};
  }

  std::string_view agent_email_;
  const ListFilter& filter_;
  std::string labels_;
};

journal::Position position_of(const store::Row& row) { return {row.time(0), row.text(1)}; }

}  // namespace

MessagePage list(store::ReadTx& tx, std::string_view agent_email, const ListFilter& filter,
                 const std::optional<journal::Position>& after, std::int64_t limit,
                 std::int64_t examined_max) {
  const Listing listing(agent_email, filter);
  if (!needs_sieve(filter)) return {listing.messages(tx, after, limit), {}};
  std::optional<journal::Position> reached = after;
  std::int64_t hits = 0;
  std::int64_t left = examined_max;
  std::int64_t window = kFirstWindow;
  bool more = true;
  while (more && left > 0 && hits < limit) {
    window = std::min(window, left);
    const store::Rows rows = listing.walk(tx, reached, window);
    for (const store::Row row : rows) {
      if (hits < limit && row.integer(2) == 1) ++hits;
    }
    more = std::ssize(rows) == window;
    if (!rows.empty()) reached = position_of(rows[rows.size() - 1]);
    left -= window;
    window *= kWindowGrowth;
  }
  MessagePage page;
  if (hits > 0) page.messages = listing.messages(tx, after, hits);
  if (more && hits < limit) page.reached = reached;
  return page;
}

std::vector<Message> list_pending(store::ReadTx& tx, const UserId& user,
                                  const std::optional<journal::Position>& after, std::int64_t limit) {
  const UtcTime at = after ? after->at : UtcTime::max();
  const std::string_view id = after ? std::string_view(after->id) : kAfterAllIds;
  std::vector<Message> out;
  for (const store::Row row : tx.query(kListPending, {user.str(), at, id, limit}))
    out.push_back(message_from(row));
  return out;
}

std::vector<Message> list_pending_by_deadline(store::ReadTx& tx, const UserId& user,
                                              const std::optional<journal::Position>& after,
                                              std::int64_t limit) {
  const UtcTime at = after ? after->at : UtcTime::min();
  const std::string_view id = after ? std::string_view(after->id) : std::string_view();
  std::vector<Message> out;
  const store::Rows rows = tx.query(kListByDeadline, {user.str(), at, id, limit});
  for (const store::Row row : rows) out.push_back(message_from(row));
  return out;
}

}  // namespace countersign::mailbox
