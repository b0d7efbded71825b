// Agents that are removed: their time in the trash is over, or their owner does not want it. A mailbox may be
// large, so that it goes piece by piece; between the pieces everything that is left agrees with itself.
#include <map>
#include <vector>

#include "account/agent.hpp"
#include "account/usage.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

// Open attempts are few beside the mailbox, and have an index of their own. Several agents, so that one that
// has to wait holds up no other; locked where rows can be: somebody may restore it.
#define CS_OLD_AGENT                                                                                         \
  "SELECT a.email, a.user_id FROM agents a WHERE a.deleted_at_us < $1 AND NOT EXISTS (SELECT 1 FROM "        \
  "submissions s JOIN messages m ON m.id = s.message_id WHERE s.state IN ('queued', 'claimed', 'handover', " \
  "'unknown') AND m.agent_email = a.email) ORDER BY a.deleted_at_us, a.email LIMIT 1"
constexpr Query kOldAgent("mailbox.old_agent", CS_OLD_AGENT, CS_OLD_AGENT " FOR UPDATE OF a SKIP LOCKED");
#undef CS_OLD_AGENT

// Differs because SQLite has one writer and no row locks. Keeps new messages out, whose foreign key wants to
// share the row, and whoever would restore the agent.
constexpr Query kLockAgent("mailbox.lock_agent",
                           "SELECT deleted_at_us FROM agents WHERE email = $1 AND user_id = $2",
                           "SELECT deleted_at_us FROM agents WHERE email = $1 AND user_id = $2 FOR UPDATE");
// Through the index of open attempts, which knows all four states; CROSS, because SQLite would look for an
// attempt of every message of the mailbox instead. Differs also in the lock, which waits for a claim under
// way and sees what that made of the attempt.
#define CS_OPEN "s.state IN ('queued', 'claimed', 'handover', 'unknown') AND s.state <> 'unknown'"
constexpr Query kOpenAttempts("mailbox.open_attempts_of_agent",
                              "SELECT s.state FROM submissions s CROSS JOIN messages m WHERE m.id = "
                              "s.message_id AND m.agent_email = $1 AND " CS_OPEN,
                              "SELECT s.state FROM submissions s JOIN messages m ON m.id = s.message_id "
                              "WHERE m.agent_email = $1 AND " CS_OPEN " FOR UPDATE OF s");

// One conversation after the other, so that a step changes few of them. Differs in the lock.
#define CS_NEXT \
  "SELECT id FROM messages WHERE agent_email = $1 ORDER BY conversation_id, created_at_us, id LIMIT $2"
constexpr Query kNext("mailbox.next_messages_of_agent", CS_NEXT, CS_NEXT " FOR UPDATE");
#undef CS_NEXT
// Differ in how a JSON list becomes rows, and in the lock.
constexpr Query kOpenAttemptsOf("mailbox.open_attempts_of_messages",
                                "SELECT s.state FROM submissions s WHERE s.message_id IN (SELECT value FROM "
                                "json_each($1)) AND " CS_OPEN,
                                "SELECT s.state FROM submissions s WHERE s.message_id = ANY (ARRAY(SELECT "
                                "jsonb_array_elements_text($1::jsonb))) AND " CS_OPEN " FOR UPDATE");
#undef CS_OPEN
// Whether it is a member of its conversation is said as in CS_MESSAGE_VISIBLE, without the alias, which
// RETURNING does not know on SQLite.
#define CS_PURGED                                                                                      \
  " RETURNING id, charged_bytes, conversation_id, CASE WHEN deleted_at_us IS NULL AND (direction = "   \
  "'outbound' OR review_status IS NULL OR review_status IN ('review_approved', "                       \
  "'review_expired_approved')) THEN 1 ELSE 0 END, CASE WHEN direction = 'inbound' THEN 1 ELSE 0 END, " \
  "CASE WHEN read_status = 'unread' THEN 1 ELSE 0 END"
constexpr Query kPurgeMessages(
    "mailbox.purge_messages_of_agent",
    "DELETE FROM messages WHERE id IN (SELECT value FROM json_each($1))" CS_PURGED,
    "DELETE FROM messages WHERE id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))" CS_PURGED);
#undef CS_PURGED
constexpr Query kWaiting("mailbox.arrivals_of_old_agent",
                         "SELECT id, charged_bytes FROM arrivals WHERE agent_email = $1");
constexpr Query kForgetAgent("mailbox.forget_agent",
                             "DELETE FROM agents WHERE email = $1 AND deleted_at_us < $2");

bool handing_over(const store::Rows& attempts) {
  for (const store::Row row : attempts) {
    if (row.view(0) != "queued") return true;
  }
  return false;
}

// In the trash, and locked.
class TrashedAgent {
 public:
  TrashedAgent(store::Tx& tx, std::string email, UserId user)
      : tx_(tx), email_(std::move(email)), user_(std::move(user)) {}

  // Nothing while one of them is handed over.
  std::optional<std::int64_t> purge_messages(std::int64_t limit) {
    std::vector<std::string> ids;
    const store::Rows next = tx_.query(kNext, {email_, limit});
    for (const store::Row row : next) ids.push_back(row.text(0));
    if (ids.empty()) return 0;
    const std::string list = to_json_list(ids);
    if (handing_over(tx_.query(kOpenAttemptsOf, {list}))) return std::nullopt;
    const store::Rows rows = tx_.query(kPurgeMessages, {list});
    std::map<std::string, Leaving> left;
    for (const store::Row row : rows) {
      account::meter_bytes(tx_, user_, row.view(0), -row.integer(1));
      if (!row.flag(3)) continue;  // trashed or hidden: no member
      Leaving& members = left[row.text(2)];
      members.messages += 1;
      members.inbound += row.integer(4);
      members.unread += row.integer(5);
    }
    for (const auto& [conversation, members] : left) leave_conversation(tx_, email_, conversation, members);
    return static_cast<std::int64_t>(rows.size());
  }

  // With what is in the spool for it, which goes when the agent does.
  std::int64_t forget(UtcTime cutoff) {
    const store::Rows waiting = tx_.query(kWaiting, {email_});
    if (tx_.execute(kForgetAgent, {email_, cutoff}) != 1) return 0;
    for (const store::Row row : waiting) account::meter_bytes(tx_, user_, row.view(0), -row.integer(1));
    return 1;
  }

 private:
  store::Tx& tx_;
  std::string email_;
  UserId user_;
};

}  // namespace

std::int64_t purge_trashed_agents(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  const store::Rows found = tx.query(kOldAgent, {cutoff});
  if (found.empty()) return 0;
  TrashedAgent agent(tx, found.front().text(0), UserId(found.front().text(1)));
  const std::optional<std::int64_t> purged = agent.purge_messages(limit);
  if (!purged || *purged > 0) return purged.value_or(0);
  return agent.forget(cutoff);
}

// What was claimed before the trash is committed may be on its way, also of an approval that saw the agent
// live and is committed in between: each step looks at what it takes. Whatever is claimed behind the trash is
// cancelled by who claims it.
Result<AgentPurge, AgentPurgeRefusal> purge_agent(store::Tx& tx, const UserId& user, std::string_view email,
                                                  UtcTime now, bool begun, std::int64_t limit) {
  const store::Rows found = tx.query(kLockAgent, {email, user.str()});
  if (found.empty()) return unexpected(AgentPurgeRefusal::not_found);
  const bool live = found.front().is_null(0);
  if ((live || !begun) && handing_over(tx.query(kOpenAttempts, {email}))) {
    return unexpected(AgentPurgeRefusal::send_in_progress);
  }
  if (live) {
    const bool trashed = account::trash_agent(tx, user, email, now);
    CS_ASSERT(trashed);  // it is locked
    return AgentPurge{};
  }
  TrashedAgent agent(tx, std::string(email), user);
  const std::optional<std::int64_t> purged = agent.purge_messages(limit);
  if (!purged) return unexpected(AgentPurgeRefusal::send_in_progress);
  const bool last = *purged < limit && agent.forget(UtcTime::max()) == 1;
  return AgentPurge{*purged, last};
}

}  // namespace countersign::mailbox
