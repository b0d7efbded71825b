// Labels: rows for filtering, and the sorted list on the message for showing.
#include <set>

#include "base/text.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

// Differs because SQLite has one writer and no row locks.
constexpr Query kCurrent("mailbox.labels",
                         "SELECT labels, created_at_us FROM messages WHERE id = $1 AND agent_email = $2 AND "
                         "deleted_at_us IS NULL AND "
                         "(direction = 'outbound' OR review_status IS NULL OR "
                         "review_status IN ('review_approved', 'review_expired_approved'))",
                         "SELECT labels, created_at_us FROM messages WHERE id = $1 AND agent_email = $2 AND "
                         "deleted_at_us IS NULL AND "
                         "(direction = 'outbound' OR review_status IS NULL OR "
                         "review_status IN ('review_approved', 'review_expired_approved')) FOR UPDATE");
constexpr Query kStore("mailbox.store_labels", "UPDATE messages SET labels = $2 WHERE id = $1");
constexpr Query kAdd("mailbox.add_label",
                     "INSERT INTO message_labels (message_id, label, agent_email, created_at_us) "
                     "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
constexpr Query kRemove("mailbox.remove_label",
                        "DELETE FROM message_labels WHERE message_id = $1 AND label = $2");

}  // namespace

Result<std::vector<std::string>, LabelRefusal> change_labels(store::Tx& tx, std::string_view agent_email,
                                                             const MessageId& id,
                                                             const std::vector<std::string>& add,
                                                             const std::vector<std::string>& remove) {
  const store::Rows rows = tx.query(kCurrent, {id.str(), agent_email});
  if (rows.empty()) return unexpected(LabelRefusal::not_found);
  const std::vector<std::string> before = from_json_list(rows.front().view(0));
  std::set<std::string> labels(before.begin(), before.end());
  labels.insert(add.begin(), add.end());
  for (const std::string& label : remove) labels.erase(label);
  if (labels.size() > kLabelsPerMessageMax) return unexpected(LabelRefusal::too_many);

  std::vector<std::string> after(labels.begin(), labels.end());
  if (after == before) return after;
  const UtcTime created_at = rows.front().time(1);
  for (const std::string& label : before) {
    if (!labels.contains(label)) tx.send(kRemove, {id.str(), label});
  }
  for (const std::string& label : after) tx.send(kAdd, {id.str(), label, agent_email, created_at});
  tx.send(kStore, {id.str(), to_json_list(after)});
  return after;
}

}  // namespace countersign::mailbox
