// Taking attempts out of the queue, turn by turn over the accounts, and giving them back.
#include <algorithm>

#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/attempt.hpp"
#include "outbox/outbox.hpp"
#include "outbox/retry.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// Accounts with due attempts, in id order after $1: index probes, however many attempts an account has.
constexpr Query kAccounts("outbox.accounts",
                          "WITH RECURSIVE waiting (user_id) AS ("
                          "SELECT min(user_id) FROM submissions WHERE state = 'queued' AND user_id > $1 "
                          "UNION ALL SELECT (SELECT min(s.user_id) FROM submissions s WHERE s.state = "
                          "'queued' AND s.user_id > w.user_id) "
                          "FROM waiting w WHERE w.user_id IS NOT NULL) "
                          "SELECT w.user_id FROM waiting w WHERE w.user_id IS NOT NULL AND EXISTS "
                          "(SELECT 1 FROM submissions d WHERE d.state = 'queued' AND d.user_id = w.user_id "
                          "AND d.due_at_us <= $3) LIMIT $2");

// Differs because SQLite has one writer and no row locks to skip. An array, because PostgreSQL may run a
// subquery of IN again for every row it compares, and each run skips what the one before has locked.
constexpr Query kClaim(
    "outbox.claim",
    "UPDATE submissions SET state = 'claimed', epoch = epoch + 1, worker = $1, claimed_at_us = $2, "
    "lease_until_us = $3 WHERE state = 'queued' AND id IN (SELECT id FROM submissions WHERE "
    "state = 'queued' AND user_id = $4 AND due_at_us <= $2 ORDER BY due_at_us LIMIT $5) "
    "RETURNING id, message_id, user_id, epoch, attempt, due_at_us",
    "UPDATE submissions SET state = 'claimed', epoch = epoch + 1, worker = $1, claimed_at_us = $2, "
    "lease_until_us = $3 WHERE state = 'queued' AND id = ANY (ARRAY(SELECT id FROM submissions WHERE "
    "state = 'queued' AND user_id = $4 AND due_at_us <= $2 ORDER BY due_at_us LIMIT $5 "
    "FOR UPDATE SKIP LOCKED)) RETURNING id, message_id, user_id, epoch, attempt, due_at_us");

// Differs in how a JSON list becomes rows, here and below.
constexpr Query kTrashed("outbox.trashed",
                         "SELECT m.id FROM messages m JOIN agents a ON a.email = m.agent_email WHERE "
                         "(m.deleted_at_us IS NOT NULL OR a.deleted_at_us IS NOT NULL) AND m.id IN (SELECT "
                         "value FROM json_each($1))",
                         "SELECT m.id FROM messages m JOIN agents a ON a.email = m.agent_email WHERE "
                         "(m.deleted_at_us IS NOT NULL OR a.deleted_at_us IS NOT NULL) AND "
                         "m.id IN (SELECT value FROM jsonb_array_elements_text($1::jsonb))");

#define CS_SUPPRESSED                                                                                      \
  "SELECT r.message_id, r.address FROM message_recipients r JOIN messages m ON m.id = r.message_id WHERE " \
  "r.state = 'queued' AND (EXISTS (SELECT 1 FROM account_suppressions s WHERE s.user_id = m.user_id AND "  \
  "s.address = r.address) OR EXISTS (SELECT 1 FROM agent_suppressions s WHERE "                            \
  "s.agent_email = m.agent_email AND s.address = r.address)) AND r.message_id IN "
constexpr Query kSuppressed("outbox.suppressed",
                            CS_SUPPRESSED "(SELECT value FROM json_each($1)) ORDER BY 1, 2",
                            CS_SUPPRESSED
                            "(SELECT value FROM jsonb_array_elements_text($1::jsonb)) ORDER BY 1, 2");

constexpr Query kCancel(
    "outbox.cancel",
    "UPDATE submissions SET state = 'cancelled', lease_until_us = NULL, settled_at_us = $3, "
    "settled_by = 'cancellation', reply_text = $4 WHERE id = $1 AND epoch = $2 AND state = 'claimed'");

constexpr Query kRelease(
    "outbox.release",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL, due_at_us = $4, reply_text = $5 "
    "WHERE id = $1 AND epoch = $2 AND worker = $3 AND state IN ('claimed', 'handover', 'unknown') "
    "RETURNING first_due_at_us");
constexpr Query kRequeueRecipients(
    "outbox.requeue_recipients",
    "UPDATE message_recipients SET state = 'queued' WHERE message_id = $1 AND state = 'unknown'");
constexpr Query kGiveUp(
    "outbox.give_up",
    "UPDATE submissions SET state = 'cancelled', settled_at_us = $2, settled_by = 'cancellation' "
    "WHERE id = $1 AND state = 'queued'");

constexpr Query kRenew(
    "outbox.renew",
    "UPDATE submissions SET lease_until_us = $4 WHERE id = $1 AND epoch = $2 AND worker = $3 AND "
    "state IN ('claimed', 'handover')");
constexpr Query kFence(
    "outbox.fence",
    "UPDATE submissions SET state = 'handover', provider = $4, fenced_at_us = $5, lease_until_us = $6 "
    "WHERE id = $1 AND epoch = $2 AND worker = $3 AND state = 'claimed'");

constexpr Query kWork(
    "outbox.work",
    "SELECT m.sent_as, a.registered_domain, c.raw FROM submissions s "
    "JOIN messages m ON m.id = s.message_id JOIN agents a ON a.email = m.agent_email "
    "JOIN message_contents c ON c.message_id = m.id "
    "WHERE s.id = $1 AND s.epoch = $2 AND s.worker = $3 AND s.state = 'claimed' AND c.raw IS NOT NULL");
constexpr Query kQueuedRecipients("outbox.queued_recipients",
                                  "SELECT address FROM message_recipients WHERE message_id = $1 AND "
                                  "route = 'external' AND state = 'queued' ORDER BY address");

constexpr Query kInProgress(
    "outbox.in_progress",
    "SELECT 1 FROM submissions WHERE message_id = $1 AND state IN ('claimed', 'handover')");

constexpr std::int64_t kAccountsPerClaimMax = 64;

std::vector<std::string> accounts_from(store::Tx& tx, const UserId& last, UtcTime now) {
  std::vector<std::string> accounts;
  for (const store::Row row : tx.query(kAccounts, {last.str(), kAccountsPerClaimMax, now}))
    accounts.push_back(row.text(0));
  const auto room = kAccountsPerClaimMax - static_cast<std::int64_t>(accounts.size());
  if (!last.empty() && room > 0) {  // around the end, up to and including the one served last
    for (const store::Row row : tx.query(kAccounts, {"", room, now})) {
      if (row.view(0) > last.str()) break;
      accounts.push_back(row.text(0));
    }
  }
  return accounts;
}

std::vector<std::string> messages_of(const std::vector<Claim>& claims) {
  std::vector<std::string> ids;
  ids.reserve(claims.size());
  for (const Claim& claim : claims) ids.push_back(claim.message.str());
  return ids;
}

void cancel(store::Tx& tx, std::vector<Claim>& claims, const MessageId& message, const Failure& failure,
            UtcTime now) {
  const auto found =
      std::ranges::find_if(claims, [&](const Claim& claim) { return claim.message == message; });
  if (found == claims.end()) return;
  tx.execute(kCancel, {found->id.str(), found->epoch, now, failure.detail});
  fail_message(tx, message, failure, now);
  claims.erase(found);
}

void cancel_trashed(store::Tx& tx, std::vector<Claim>& claims, const std::string& messages, UtcTime now) {
  for (const store::Row row : tx.query(kTrashed, {messages})) {
    const Failure failure{journal::Reason::submission_cancelled, "cancelled",
                          "cancelled: the message or its agent was moved to the trash", ""};
    cancel(tx, claims, MessageId(row.text(0)), failure, now);
  }
}

// A recipient suppressed since the message was accepted fails the message (contract §10).
void cancel_suppressed(store::Tx& tx, std::vector<Claim>& claims, const std::string& messages, UtcTime now) {
  std::map<MessageId, std::vector<std::string>> suppressed;
  for (const store::Row row : tx.query(kSuppressed, {messages})) {
    suppressed[MessageId(row.text(0))].push_back(row.text(1));
  }
  for (const auto& [message, addresses] : suppressed) {
    const auto row = mailbox::find_for_worker(tx, message);
    if (!row) continue;
    for (const std::string& address : addresses) {
      const journal::Transition blocked{
          journal::Reason::suppression_recipient_blocked, now, address, {}, {}, ""};
      journal::record(tx, row->journal_subject(), blocked);
    }
    const Failure failure{journal::Reason::submission_cancelled, "cancelled",
                          fmt::format("recipient_suppressed: {}", fmt::join(addresses, ", ")), ""};
    cancel(tx, claims, message, failure, now + Duration(1));
  }
}

}  // namespace

std::vector<Claim> claim(store::Tx& tx, const ClaimCommand& command) {
  const std::vector<std::string> accounts = accounts_from(tx, command.last_user, command.now);
  std::vector<std::pair<std::int64_t, Claim>> taken;
  std::int64_t room = command.limit;
  for (std::size_t i = 0; i < accounts.size() && room > 0; ++i) {
    const auto left = static_cast<std::int64_t>(accounts.size() - i);
    const std::int64_t share = (room + left - 1) / left;
    const store::Rows rows =
        tx.query(kClaim, {command.worker, command.now, command.lease_until, accounts[i], share});
    for (const store::Row row : rows) {
      taken.emplace_back(row.integer(5), Claim{SubmissionId(row.text(0)), MessageId(row.text(1)),
                                               UserId(row.text(2)), row.integer(3), row.integer(4)});
    }
    room -= static_cast<std::int64_t>(rows.size());
  }
  std::ranges::sort(taken, {}, [](const auto& entry) { return std::tie(entry.first, entry.second.id); });
  std::vector<Claim> claims;
  claims.reserve(taken.size());
  for (auto& [due, claim] : taken) claims.push_back(std::move(claim));
  if (claims.empty()) return claims;

  const std::string messages = to_json_list(messages_of(claims));
  cancel_trashed(tx, claims, messages, command.now);
  cancel_suppressed(tx, claims, messages, command.now);
  if (!claims.empty()) mailbox::mark_sending(tx, messages_of(claims));
  return claims;
}

std::optional<Work> load_work(store::ReadTx& tx, const Claim& claim, std::string_view worker,
                              std::string_view from_domain) {
  const store::Rows rows = tx.query(kWork, {claim.id.str(), claim.epoch, worker});
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  Work work;
  work.claim = claim;
  // Envelope senders by contract §10.
  work.envelope_from = row.view(0) == "relay" ? fmt::format("agent@{}", from_domain)
                                              : fmt::format("bounces@bounce.{}", row.view(1));
  work.raw = row.text(2);
  for (const store::Row recipient : tx.query(kQueuedRecipients, {claim.message.str()})) {
    work.recipients.push_back(recipient.text(0));
  }
  return work;
}

bool renew(store::Tx& tx, const Claim& claim, std::string_view worker, UtcTime lease_until) {
  return tx.execute(kRenew, {claim.id.str(), claim.epoch, worker, lease_until}) == 1;
}

bool fence(store::Tx& tx, const Claim& claim, std::string_view worker, std::string_view provider, UtcTime now,
           UtcTime lease_until) {
  return tx.execute(kFence, {claim.id.str(), claim.epoch, worker, provider, now, lease_until}) == 1;
}

bool release(store::Tx& tx, const Claim& claim, std::string_view worker, UtcTime due_at, UtcTime now,
             std::string_view detail) {
  const store::Rows rows = tx.query(kRelease, {claim.id.str(), claim.epoch, worker, due_at, detail});
  if (rows.empty()) return false;
  // The rescuer may have called it unknown while the definite answer was on its way.
  tx.send(kRequeueRecipients, {claim.message.str()});
  mailbox::resume_sending(tx, claim.message);
  if (now - rows.front().time(0) >= kOutageHorizon) {
    tx.execute(kGiveUp, {claim.id.str(), now});
    const Failure failure{
        journal::Reason::submission_local_retries_exhausted, "refused",
        fmt::format("the provider could not be reached for {} hours: {}", kOutageHorizon.count(), detail),
        ""};
    fail_message(tx, claim.message, failure, now);
  }
  return true;
}

bool in_progress(store::ReadTx& tx, const MessageId& message) {
  return !tx.query(kInProgress, {message.str()}).empty();
}

}  // namespace countersign::outbox
