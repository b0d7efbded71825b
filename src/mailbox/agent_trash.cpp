// Agents whose time in the trash is over. A mailbox may be large, so that it goes piece by piece; between the
// pieces everything that is left agrees with itself.
#include "account/usage.hpp"
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

// As many conversations as have `limit` messages together, and one at least.
constexpr Query kConversations("mailbox.conversations_of_old_agent",
                               "SELECT id, messages FROM conversations WHERE agent_email = $1 ORDER BY id "
                               "LIMIT $2");
constexpr Query kPurgeConversation("mailbox.purge_conversation",
                                   "DELETE FROM messages WHERE agent_email = $1 AND conversation_id = $2 "
                                   "RETURNING id, charged_bytes");
constexpr Query kForgetConversation("mailbox.forget_conversation",
                                    "DELETE FROM conversations WHERE agent_email = $1 AND id = $2");
// What is in no conversation: trashed, held, or without one.
constexpr Query kPurgeMessages(
    "mailbox.purge_messages_of_old_agent",
    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE "
    "agent_email = $1 ORDER BY conversation_id, created_at_us, id LIMIT $2) RETURNING id, "
    "charged_bytes");
constexpr Query kWaiting("mailbox.arrivals_of_old_agent",
                         "SELECT id, charged_bytes FROM arrivals WHERE agent_email = $1");
constexpr Query kForgetAgent("mailbox.forget_agent",
                             "DELETE FROM agents WHERE email = $1 AND deleted_at_us < $2");

class OldAgent {
 public:
  OldAgent(store::Tx& tx, std::string email, UserId user)
      : tx_(tx), email_(std::move(email)), user_(std::move(user)) {}

  std::int64_t purge_conversations(std::int64_t limit) {
    std::int64_t purged = 0;
    const store::Rows conversations = tx_.query(kConversations, {email_, limit});
    for (const store::Row row : conversations) {
      if (purged > 0 && purged + row.integer(1) > limit) break;
      purged += give_back(tx_.query(kPurgeConversation, {email_, row.view(0)}));
      tx_.execute(kForgetConversation, {email_, row.view(0)});
    }
    return purged;
  }

  std::int64_t purge_messages(std::int64_t limit) {
    return give_back(tx_.query(kPurgeMessages, {email_, limit}));
  }

  // With what is in the spool for it, which goes when the agent does.
  std::int64_t forget(UtcTime cutoff) {
    const store::Rows waiting = tx_.query(kWaiting, {email_});
    if (tx_.execute(kForgetAgent, {email_, cutoff}) != 1) return 0;
    give_back(waiting);
    return 1;
  }

 private:
  std::int64_t give_back(const store::Rows& rows) {
    for (const store::Row row : rows) account::meter_bytes(tx_, user_, row.view(0), -row.integer(1));
    return static_cast<std::int64_t>(rows.size());
  }

  store::Tx& tx_;
  std::string email_;
  UserId user_;
};

}  // namespace

std::int64_t purge_trashed_agents(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  const store::Rows found = tx.query(kOldAgent, {cutoff});
  if (found.empty()) return 0;
  OldAgent agent(tx, found.front().text(0), UserId(found.front().text(1)));
  if (const std::int64_t purged = agent.purge_conversations(limit); purged > 0) return purged;
  if (const std::int64_t purged = agent.purge_messages(limit); purged > 0) return purged;
  return agent.forget(cutoff);
}

}  // namespace countersign::mailbox
