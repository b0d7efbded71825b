// Local copies. A copy may have been removed by its owner since; then its event still tells of it.
#include <map>

#include "base/id.hpp"
#include "base/text.hpp"
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

using store::Query;

constexpr std::int64_t kPage = 500;

constexpr Query kLocalRecipients(
    "invariants.local_recipients",
    "SELECT r.message_id, r.address FROM message_recipients r JOIN messages m ON m.id = r.message_id "
    "WHERE r.route = 'local' AND (r.message_id, r.address) > ($1, $2) AND "
    "COALESCE(m.resolved_at_us, m.created_at_us) >= $3 ORDER BY r.message_id, r.address LIMIT $4");

// Differs in how a JSON list becomes rows.
#define CS_COPIES(list)                                                                  \
  "SELECT id, agent_email FROM messages WHERE direction = 'inbound' AND id IN (" list    \
  ") UNION SELECT message_id, agent_email FROM events WHERE type IN ('email.received', " \
  "'email.review_requested', 'email.blocked') AND message_id IS NOT NULL AND message_id IN (" list ")"
constexpr Query kCopies("invariants.local_copies", CS_COPIES("SELECT value FROM json_each($1)"),
                        CS_COPIES("SELECT jsonb_array_elements_text(CAST($1 AS jsonb))"));

struct Expected {
  std::string message;
  std::string address;
  std::string copy;
};

std::vector<Expected> next_page(store::ReadTx& tx, const Expected& after, UtcTime since) {
  std::vector<Expected> page;
  for (const store::Row row : tx.query(kLocalRecipients, {after.message, after.address, since, kPage})) {
    const std::string copy = derived_id_near(row.view(0), "msg_", {"local copy", row.view(0), row.view(1)});
    page.push_back({row.text(0), row.text(1), copy});
  }
  return page;
}

std::map<std::string, std::string> owners_of(store::ReadTx& tx, const std::vector<Expected>& page) {
  std::vector<std::string> ids;
  ids.reserve(page.size());
  for (const Expected& expected : page) ids.push_back(expected.copy);
  const std::string list = to_json_list(ids);
  std::map<std::string, std::string> owners;
  for (const store::Row row : tx.query(kCopies, {list})) owners.emplace(row.text(0), row.text(1));
  return owners;
}

}  // namespace

Finding check_local_copies(store::ReadTx& tx, const CheckOptions& options) {
  Finding finding{"local-copy-exists", "every recipient that lives here has its copy, or had it", 0, {}};
  Expected last;
  for (;;) {
    const std::vector<Expected> page = next_page(tx, last, options.now - options.events_kept);
    if (page.empty()) return finding;
    const auto owners = owners_of(tx, page);
    for (const Expected& expected : page) {
      const auto owner = owners.find(expected.copy);
      if (owner != owners.end() && owner->second == expected.address) continue;
      ++finding.count;
      if (finding.count > options.samples_max) continue;
      finding.samples.push_back({std::string(finding.rule), expected.message,
                                 "no copy " + expected.copy + " for " + expected.address});
    }
    last = page.back();
  }
}

}  // namespace countersign::invariants
