#include "flows/snapshot.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <set>

namespace countersign::test {
namespace {

struct Table {
  std::string name;
  std::vector<std::string> columns;
};

const std::vector<Table>& tables() {
  static const std::vector<Table> all{
      {"messages",
       {"id",
        "agent_email",
        "direction",
        "kind",
        "method",
        "subject",
        "conversation_id",
        "to_list",
        "cc_list",
        "bcc_list",
        "delivered_to",
        "labels",
        "read_status",
        "review_status",
        "revision",
        "approval_expires_at_us",
        "resolved_at_us",
        "resolved_by",
        "approved_revision",
        "rejection_reason",
        "edited",
        "delivery_status",
        "delivery_detail",
        "sent_as",
        "provider_message_id",
        "rfc_message_id",
        "size_bytes",
        "charged_bytes",
        "created_at_us",
        "deleted_at_us"}},
      {"message_contents", {"message_id", "has_draft", "text", "html", "length(raw)"}},
      {"draft_attachments", {"message_id", "position", "filename", "content_type", "length(content)"}},
      {"message_labels", {"message_id", "label", "agent_email", "created_at_us"}},
      {"message_recipients", {"message_id", "address", "kind", "route", "state", "submission_id", "detail"}},
      {"submissions", {"id", "message_id", "attempt", "state", "epoch", "worker", "due_at_us", "reply_text"}},
      {"lifecycle", {"id", "message_id", "reason_code", "recipient", "evidence", "occurred_at_us"}},
      {"events", {"id", "type", "message_id", "envelope"}},
      {"usage_counters", {"user_id", "month", "shard", "messages"}},
      {"storage_counters", {"user_id", "shard", "bytes"}},
      {"idempotency_keys", {"user_id", "key", "status", "body"}}};
  return all;
}

// Statements live as long as the program, because drivers keep them by name.
const std::deque<std::pair<std::string, store::Query>>& queries() {
  static std::deque<std::string> texts;
  static const auto all = [] {
    std::deque<std::pair<std::string, store::Query>> out;
    for (const Table& table : tables()) {
      std::string row;
      for (const std::string& column : table.columns) {
        if (!row.empty()) row += " || ' | ' || ";
        row += fmt::format("'{}=' || COALESCE(CAST({} AS TEXT), 'NULL')", column, column);
      }
      const std::string& name = texts.emplace_back("snapshot." + table.name);
      const std::string& text = texts.emplace_back(fmt::format(
          "SELECT line FROM (SELECT {} AS line FROM {}) AS lines ORDER BY line", row, table.name));
      out.emplace_back(table.name, store::Query(name, text));
    }
    return out;
  }();
  return all;
}

}  // namespace

Snapshot snapshot_of(store::Database& database) {
  return database.read([](store::ReadTx& tx) {
    Snapshot snapshot;
    for (const auto& [table, query] : queries()) {
      std::vector<std::string>& lines = snapshot[table];
      for (const store::Row row : tx.query(query)) lines.push_back(row.text(0));
    }
    return snapshot;
  });
}

std::vector<std::string> differences(const Snapshot& before, const Snapshot& after) {
  const auto rows_of = [](const Snapshot& snapshot) {
    std::multiset<std::string> rows;
    for (const auto& [table, lines] : snapshot) {
      for (const std::string& line : lines) rows.insert(table + ": " + line);
    }
    return rows;
  };
  const std::multiset<std::string> old_rows = rows_of(before);
  const std::multiset<std::string> new_rows = rows_of(after);
  std::vector<std::string> gone;
  std::ranges::set_difference(old_rows, new_rows, std::back_inserter(gone));
  std::vector<std::string> added;
  std::ranges::set_difference(new_rows, old_rows, std::back_inserter(added));
  std::vector<std::string> out;
  for (const std::string& row : gone) out.push_back("- " + row);
  for (const std::string& row : added) out.push_back("+ " + row);
  return out;
}

}  // namespace countersign::test
