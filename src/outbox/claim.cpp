// Taking attempts out of the queue, turn by turn over the accounts, and giving them back.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"
#include "outbox/relay.hpp"
#include "outbox/retry.hpp"
#include "outbox/settlement.hpp"
#include "outbox/unknown.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

// Accounts with due attempts, in id order after $1: index probes, however many attempts an account has. A
// subquery with a LIMIT, because PostgreSQL turns EXISTS into a join that reads all that is due.
constexpr Query kAccounts("outbox.accounts",
                          "WITH RECURSIVE waiting (user_id) AS ("
                          "SELECT min(user_id) FROM submissions WHERE state = 'queued' AND user_id > $1 "
                          "UNION ALL SELECT (SELECT min(s.user_id) FROM submissions s WHERE s.state = "
                          "'queued' AND s.user_id > w.user_id) "
                          "FROM waiting w WHERE w.user_id IS NOT NULL) "
                          "SELECT w.user_id FROM waiting w WHERE w.user_id IS NOT NULL AND "
                          "(SELECT 1 FROM submissions d WHERE d.state = 'queued' AND d.user_id = w.user_id "
                          "AND d.due_at_us <= $3 LIMIT 1) IS NOT NULL LIMIT $2");

// The last three: an earlier hand-over of it may have been taken, by whom, since when.
#define CS_CLAIMED                                       \
  "id, message_id, user_id, epoch, attempt, due_at_us, " \
  "CASE WHEN repeated_at_us IS NULL THEN 0 ELSE 1 END, provider, COALESCE(first_fenced_at_us, 0)"

// Differs because SQLite has one writer and no row locks to skip. An array, because PostgreSQL may run a
// subquery of IN again for every row it compares, and each run skips what the one before has locked. IS TRUE
// keeps it from reading the whole queue through submissions_due in order to find the rows of the array.
constexpr Query kClaim(
    "outbox.claim",
    "UPDATE submissions SET state = 'claimed', epoch = epoch + 1, worker = $1, claimed_at_us = $2, "
    "lease_until_us = $3 WHERE state = 'queued' AND id IN (SELECT id FROM submissions WHERE "
    "state = 'queued' AND user_id = $4 AND due_at_us <= $2 ORDER BY due_at_us LIMIT $5) "
    "RETURNING " CS_CLAIMED,
    "UPDATE submissions SET state = 'claimed', epoch = epoch + 1, worker = $1, claimed_at_us = $2, "
    "lease_until_us = $3 WHERE (state = 'queued') IS TRUE AND id = ANY (ARRAY(SELECT id FROM submissions "
    "WHERE "
    "state = 'queued' AND user_id = $4 AND due_at_us <= $2 ORDER BY due_at_us LIMIT $5 "
    "FOR UPDATE SKIP LOCKED)) RETURNING " CS_CLAIMED);

// Differs in how a JSON list becomes rows, here and below. An array, because the rows of a list are taken for
// a hundred by PostgreSQL's planner, which then reads whole tables.
constexpr Query kTrashed("outbox.trashed",
                         "SELECT m.id FROM messages m JOIN agents a ON a.email = m.agent_email WHERE "
                         "(m.deleted_at_us IS NOT NULL OR a.deleted_at_us IS NOT NULL) AND m.id IN (SELECT "
                         "value FROM json_each($1))",
                         "SELECT m.id FROM messages m JOIN agents a ON a.email = m.agent_email WHERE "
                         "(m.deleted_at_us IS NOT NULL OR a.deleted_at_us IS NOT NULL) AND "
                         "m.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))");

#define CS_SUPPRESSED                                                                                      \
  "SELECT r.message_id, r.address FROM message_recipients r JOIN messages m ON m.id = r.message_id WHERE " \
  "r.state = 'queued' AND (EXISTS (SELECT 1 FROM account_suppressions s WHERE s.user_id = m.user_id AND "  \
  "s.address = r.address) OR EXISTS (SELECT 1 FROM agent_suppressions s WHERE "                            \
  "s.agent_email = m.agent_email AND s.address = r.address)) AND r.message_id "
constexpr Query kSuppressed("outbox.suppressed",
                            CS_SUPPRESSED "IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
                            CS_FOR_EACH(CS_SUPPRESSED "= l.id"));

constexpr Query kCancel(
    "outbox.cancel",
    "UPDATE submissions SET state = 'cancelled', lease_until_us = NULL, settled_at_us = $3, "
    "settled_by = 'cancellation', reply_text = $4 WHERE id = $1 AND epoch = $2 AND state = 'claimed' AND "
    "repeated_at_us IS NULL");

// What is given back was definitely not taken, so no hand-over stands behind it, unless it was a repetition.
constexpr Query kRelease(
    "outbox.release",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL, due_at_us = $4, reply_text = $5, "
    "fenced_at_us = CASE WHEN repeated_at_us IS NULL THEN NULL ELSE fenced_at_us END, resend_at_us = NULL "
    "WHERE id = $1 AND epoch = $2 AND worker = $3 AND state IN ('claimed', 'handover', 'unknown')");
constexpr Query kRepeat(
    "outbox.repeat",
    "UPDATE submissions SET state = 'queued', lease_until_us = NULL, due_at_us = $4, reply_text = $5, "
    "repeated_at_us = $7, resend_at_us = NULL WHERE id = $1 AND epoch = $2 AND worker = $3 AND state IN "
    "('handover', 'unknown') "
    "AND "
    "first_fenced_at_us > $6");
constexpr Query kGiveUp(
    "outbox.give_up",
    "UPDATE submissions SET state = 'cancelled', settled_at_us = $2, settled_by = 'cancellation' "
    "WHERE id = $1 AND state = 'queued' AND repeated_at_us IS NULL AND first_due_at_us <= $3");
// One way out is away: what has waited for it too long, whoever would have asked next.
constexpr Query kOverdue(
    "outbox.overdue",
    "SELECT s.id, s.message_id, s.user_id, s.attempt FROM "
    "submissions s WHERE s.state = 'queued' AND s.repeated_at_us IS NULL AND s.first_due_at_us <= $1 AND "
    "s.due_at_us <= $2 ORDER BY s.first_due_at_us, s.id LIMIT $3");

// $1 lists id and epoch of each.
#define CS_RENEW "UPDATE submissions SET lease_until_us = $3 FROM "
#define CS_RENEWED                                                                                \
  " WHERE submissions.id = c.id AND submissions.epoch = c.epoch AND submissions.worker = $2 AND " \
  "submissions.state IN ('claimed', 'handover') RETURNING submissions.message_id"
constexpr Query kRenew(
    "outbox.renew",
    CS_RENEW "(SELECT value ->> 'id' AS id, value ->> 'epoch' AS epoch FROM json_each($1)) c" CS_RENEWED,
    CS_RENEW
    "(SELECT e ->> 'id' AS id, CAST(e ->> 'epoch' AS BIGINT) AS epoch FROM "
    "unnest(ARRAY(SELECT jsonb_array_elements($1::jsonb))) e) c" CS_RENEWED);
#define CS_FENCE                                                                                       \
  "UPDATE submissions SET state = 'handover', provider = $3, fenced_at_us = $4, first_fenced_at_us = " \
  "COALESCE(first_fenced_at_us, $4), lease_until_us = $5 FROM "
#define CS_FENCED                                                                                 \
  " WHERE submissions.id = f.id AND submissions.epoch = f.epoch AND submissions.worker = $2 AND " \
  "submissions.state = 'claimed' RETURNING submissions.id, submissions.epoch"
constexpr Query kFence(
    "outbox.fence",
    CS_FENCE "(SELECT value ->> 'id' AS id, value ->> 'epoch' AS epoch FROM json_each($1)) f" CS_FENCED,
    CS_FENCE
    "(SELECT e ->> 'id' AS id, CAST(e ->> 'epoch' AS BIGINT) AS epoch FROM "
    "unnest(ARRAY(SELECT jsonb_array_elements($1::jsonb))) e) f" CS_FENCED);

// IS TRUE: as in kClaim, here through submissions_open.
#define CS_WORK                                                                                              \
  "SELECT s.id, s.epoch, m.sent_as, a.registered_domain, c.raw, (SELECT count(*) FROM submissions e WHERE "  \
  "e.message_id = s.message_id AND e.attempt < s.attempt AND e.resolution = 'send_again') FROM submissions " \
  "s "                                                                                                       \
  "JOIN messages m ON m.id = s.message_id JOIN agents a ON a.email = m.agent_email "                         \
  "JOIN message_contents c ON c.message_id = m.id "                                                          \
  "WHERE s.worker = $2 AND (s.state = 'claimed') IS TRUE AND c.raw IS NOT NULL AND s.id "
constexpr Query kWork("outbox.work", CS_WORK "IN (SELECT value FROM json_each($1))",
                      CS_WORK "= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))");
#define CS_QUEUED_RECIPIENTS                                                                              \
  "SELECT message_id, address FROM message_recipients WHERE route = 'external' AND state = 'queued' AND " \
  "message_id "
constexpr Query kQueuedRecipients("outbox.queued_recipients",
                                  CS_QUEUED_RECIPIENTS "IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
                                  CS_FOR_EACH(CS_QUEUED_RECIPIENTS "= l.id"));

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

// A claim with what its row says about earlier hand-overs.
struct Taken {
  Claim claim;
  UtcTime due_at;
  std::string provider;
  UtcTime first_fenced_at;
};

std::vector<Fate> fates_of_open(const Recipients& recipients, std::string_view detail) {
  std::vector<Fate> fates;
  for (const RecipientRow& row : recipients.rows()) {
    if (row.is_open()) fates.push_back({row.address, std::string(detail)});
  }
  return fates;
}

// Nobody is served any more. What an earlier hand-over did nobody can tell: then it is unknown instead.
void cancel(store::Tx& tx, const Taken& taken, mailbox::Message message, std::string_view detail,
            UtcTime now) {
  const Claim& claim = taken.claim;
  Settlement settlement(tx, std::move(message), {claim.id, claim.user, claim.attempt, claim.epoch}, now);
  const std::vector<Fate> fates = fates_of_open(settlement.recipients(), detail);
  if (claim.repetition) {
    const bool marked = mark_unrepeatable(tx, claim, detail, now);
    CS_ASSERT(marked);  // claimed by this transaction
    settlement.unknown(fates);
  } else {
    const auto cancelled = tx.execute(kCancel, {claim.id.str(), claim.epoch, now, detail});
    CS_ASSERT(cancelled == 1);  // claimed by this transaction
    settlement.failed(fates, "cancelled", journal::Reason::submission_cancelled,
                      {"", std::string(journal::facts(journal::Reason::submission_cancelled).code)});
  }
  settlement.derive();
}

void cancel(store::Tx& tx, std::vector<Taken>& taken, const MessageId& message, std::string_view detail,
            UtcTime now) {
  const auto found =
      std::ranges::find_if(taken, [&](const Taken& one) { return one.claim.message == message; });
  if (found == taken.end()) return;
  auto row = mailbox::lock_for_worker(tx, message);
  CS_ASSERT(row.has_value());
  cancel(tx, *found, std::move(*row), detail, now);
  taken.erase(found);
}

std::string messages_of(const std::vector<Taken>& taken) {
  std::vector<std::string> ids;
  ids.reserve(taken.size());
  for (const Taken& one : taken) ids.push_back(one.claim.message.str());
  return to_json_list(ids);
}

void cancel_trashed(store::Tx& tx, std::vector<Taken>& taken, const std::string& messages, UtcTime now) {
  for (const store::Row row : tx.query(kTrashed, {messages})) {
    cancel(tx, taken, MessageId(row.text(0)), "cancelled: the message or its agent was moved to the trash",
           now);
  }
}

// Nobody recognises a repeat any more, or another way out is configured since.
void cancel_unrepeatable(store::Tx& tx, std::vector<Taken>& taken, const ClaimCommand& command) {
  std::vector<MessageId> messages;
  for (const Taken& one : taken) {
    if (!one.claim.repetition) continue;
    const bool recognised =
        one.provider == command.provider && one.first_fenced_at > command.now - command.repeat_window;
    if (!recognised) messages.push_back(one.claim.message);
  }
  for (const MessageId& message : messages) {
    cancel(tx, taken, message, "handed over, but no answer came while a repetition could be recognised",
           command.now);
  }
}

// A recipient suppressed since the message was accepted fails the message (contract §10).
void cancel_suppressed(store::Tx& tx, std::vector<Taken>& taken, const std::string& messages, UtcTime now) {
  std::map<MessageId, std::vector<std::string>> suppressed;
  for (const store::Row row : tx.query(kSuppressed, {messages})) {
    suppressed[MessageId(row.text(0))].push_back(row.text(1));
  }
  for (const auto& [message, addresses] : suppressed) {
    const auto row = mailbox::lock_for_worker(tx, message);
    if (!row) continue;
    for (const std::string& address : addresses) {
      const journal::Transition blocked{
          journal::Reason::suppression_recipient_blocked, now, address, {}, {}, ""};
      journal::record(tx, row->journal_subject(), blocked);
    }
    cancel(tx, taken, message, fmt::format("recipient_suppressed: {}", fmt::join(addresses, ", ")),
           now + Duration(1));
  }
}

}  // namespace

bool is_anything_due(store::ReadTx& tx, UtcTime now) { return !tx.query(kAccounts, {"", 1, now}).empty(); }

std::vector<Claim> claim(store::Tx& tx, const ClaimCommand& command) {
  const std::vector<std::string> accounts = accounts_from(tx, command.last_user, command.now);
  std::vector<Taken> taken;
  std::int64_t room = command.limit;
  for (std::size_t i = 0; i < accounts.size() && room > 0; ++i) {
    const auto left = static_cast<std::int64_t>(accounts.size() - i);
    const std::int64_t share = (room + left - 1) / left;
    const store::Rows rows =
        tx.query(kClaim, {command.worker, command.now, command.lease_until, accounts[i], share});
    for (const store::Row row : rows) {
      const Claim claim{SubmissionId(row.text(0)),
                        MessageId(row.text(1)),
                        UserId(row.text(2)),
                        row.integer(3),
                        row.integer(4),
                        row.flag(6)};
      taken.push_back({claim, row.time(5), row.text(7), row.time(8)});
    }
    room -= static_cast<std::int64_t>(rows.size());
  }
  if (taken.empty()) return {};
  CS_FAULT("outbox.claim");
  std::ranges::sort(taken, {}, [](const Taken& one) { return std::tie(one.due_at, one.claim.id); });

  const std::string messages = messages_of(taken);
  cancel_unrepeatable(tx, taken, command);
  cancel_trashed(tx, taken, messages, command.now);
  cancel_suppressed(tx, taken, messages, command.now);
  std::vector<Claim> claims;
  claims.reserve(taken.size());
  for (Taken& one : taken) claims.push_back(std::move(one.claim));
  return claims;
}

std::vector<std::optional<Work>> load_work(store::ReadTx& tx, std::span<const Claim> claims,
                                           std::string_view worker, std::string_view from_domain) {
  std::vector<std::string> submissions;
  std::vector<std::string> messages;
  std::map<std::pair<SubmissionId, std::int64_t>, std::size_t> places;
  for (const Claim& claim : claims) {
    places.emplace(std::pair(claim.id, claim.epoch), submissions.size());
    submissions.push_back(claim.id.str());
    messages.push_back(claim.message.str());
  }
  std::vector<std::optional<Work>> works(claims.size());
  std::map<std::string, std::vector<std::string>, std::less<>> recipients;
  // Named, because clang 19 does not destroy a temporary of a range-for when its initialiser throws.
  const std::string message_list = to_json_list(messages);
  const std::string submission_list = to_json_list(submissions);
  for (const store::Row row : tx.query(kQueuedRecipients, {message_list}))
    recipients[row.text(0)].push_back(row.text(1));
  for (const store::Row row : tx.query(kWork, {submission_list, worker})) {
    const auto place = places.find(std::pair(SubmissionId(row.text(0)), row.integer(1)));
    if (place == places.end()) continue;  // claimed again since, by ourselves
    Work& work = works[place->second].emplace();
    work.claim = claims[place->second];
    // Envelope senders by contract §10.
    work.envelope_from = row.view(2) == "relay" ? fmt::format("agent@{}", from_domain)
                                                : fmt::format("bounces@bounce.{}", row.view(3));
    work.raw = row.text(4);
    const std::string& message = work.claim.message.str();
    work.key = row.integer(5) == 0 ? message : fmt::format("{}.{}", message, row.integer(5));
    work.recipients = recipients[work.claim.message.str()];
  }
  return works;
}

namespace {

std::string list_of(std::span<const Claim> claims) {
  boost::json::array list;
  for (const Claim& claim : claims)
    list.push_back(boost::json::object{{"id", claim.id.str()}, {"epoch", claim.epoch}});
  return boost::json::serialize(list);
}

}  // namespace

std::int64_t renew(store::Tx& tx, std::span<const Claim> claims, std::string_view worker,
                   UtcTime lease_until) {
  std::vector<std::string> messages;
  if (tx.dialect() == store::Dialect::postgres) {  // in the order of a record: messages, then submissions
    for (const Claim& claim : claims) messages.push_back(claim.message.str());
    (void)mailbox::lock_for_worker(tx, to_json_list(messages));
    messages.clear();
  }
  const std::string claimed = list_of(claims);  // named: see load_work
  for (const store::Row row : tx.query(kRenew, {claimed, worker, lease_until}))
    messages.push_back(row.text(0));
  if (!messages.empty()) mailbox::mark_sending(tx, to_json_list(messages));
  return static_cast<std::int64_t>(messages.size());
}

std::vector<bool> fence(store::Tx& tx, std::span<const Claim> claims, const FenceCommand& command) {
  for (std::size_t i = 0; i < claims.size(); ++i) CS_FAULT("outbox.fence");
  std::set<std::pair<std::string, std::int64_t>> fenced;
  const std::string claimed = list_of(claims);  // named: see load_work
  for (const store::Row row :
       tx.query(kFence, {claimed, command.worker, command.provider, command.now, command.lease_until})) {
    fenced.emplace(row.text(0), row.integer(1));
  }
  std::vector<bool> passed;
  passed.reserve(claims.size());
  for (const Claim& claim : claims) passed.push_back(fenced.erase({claim.id.str(), claim.epoch}) == 1);
  return passed;
}

bool fence(store::Tx& tx, const Claim& claim, const FenceCommand& command) {
  return fence(tx, std::span(&claim, 1), command).front();
}

namespace {

// The rescuer may have called it unknown while the definite answer was on its way. Whoever this attempt has
// deferred before stays deferred.
void requeue_unknown(Settlement& settlement, std::string_view detail) {
  for (const std::string& address : settlement.recipients().addresses_in("unknown")) {
    settlement.recipients().settle(address, "queued", SubmissionId(), detail);
  }
}

// False when it waits no more, or not so long.
bool end_waiting(store::Tx& tx, Settlement& settlement, const SubmissionId& id, std::string_view detail,
                 UtcTime now) {
  if (tx.execute(kGiveUp, {id.str(), now, now - kOutageHorizon}) != 1) return false;
  const std::string why =
      fmt::format("the provider could not be reached for {} hours: {}", kOutageHorizon.count(), detail);
  settlement.failed(fates_of_open(settlement.recipients(), why), "refused",
                    journal::Reason::submission_local_retries_exhausted, {"", "outage"});
  return true;
}

}  // namespace

bool release(store::Tx& tx, const Claim& claim, std::string_view worker, UtcTime due_at, UtcTime now,
             std::string_view detail) {
  CS_FAULT("outbox.release");
  auto message = mailbox::lock_for_worker(tx, claim.message);
  if (!message) return false;
  if (tx.execute(kRelease, {claim.id.str(), claim.epoch, worker, due_at, detail}) != 1) return false;
  Settlement settlement(tx, std::move(*message), {claim.id, claim.user, claim.attempt, claim.epoch}, now);
  requeue_unknown(settlement, detail);
  settlement.put_back("provider_unavailable", detail);
  drop_if_needless(tx, settlement, claim, now);
  (void)end_waiting(tx, settlement, claim.id, detail, now);
  settlement.derive();
  return true;
}

bool repeat(store::Tx& tx, const Claim& claim, std::string_view worker, const RepeatCommand& command) {
  CS_FAULT("outbox.repeat");
  auto message = mailbox::lock_for_worker(tx, claim.message);
  if (!message) return false;
  const auto queued = tx.execute(kRepeat, {claim.id.str(), claim.epoch, worker, command.due_at,
                                           command.detail, command.now - command.window, command.now});
  if (queued != 1) return false;
  Settlement settlement(tx, std::move(*message), {claim.id, claim.user, claim.attempt, claim.epoch},
                        command.now);
  requeue_unknown(settlement, command.detail);
  settlement.put_back("answer_lost_repeating", command.detail);
  drop_if_needless(tx, settlement, claim, command.now);
  settlement.derive();
  return true;
}

std::int64_t end_overdue(store::Tx& tx, std::string_view provider, UtcTime now, std::int64_t limit) {
  const auto relay = look_at_relay(tx, provider);
  if (!relay || !relay->open) return 0;
  std::int64_t ended = 0;
  for (const store::Row row : tx.query(kOverdue, {now - kOutageHorizon, now, limit})) {
    auto message = mailbox::lock_for_worker(tx, MessageId(row.text(1)));
    if (!message) continue;
    const SubmissionId id(row.text(0));
    Settlement settlement(tx, std::move(*message), {id, UserId(row.text(2)), row.integer(3)}, now);
    if (!end_waiting(tx, settlement, id, relay->text, now)) continue;
    settlement.derive();
    ++ended;
  }
  return ended;
}

bool in_progress(store::ReadTx& tx, const MessageId& message) {
  return !tx.query(kInProgress, {message.str()}).empty();
}

}  // namespace countersign::outbox
