#include "notify/review_mail.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "account/agent.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "notify/deadline.hpp"

namespace countersign::notify {
namespace {

using store::Query;

constexpr std::int64_t kCandidates = 500;  // notifications looked at by one claim
constexpr std::size_t kDetailBytesMax = 500;
constexpr std::chrono::minutes kTrashPause{10};  // until an agent in the trash is looked at again
// Mails that wait for others leave when half of the hold's time is over, or when somebody looks after that:
// so much, or a tenth of the time that the reviewer is to have, is not late.
constexpr std::chrono::seconds kLateness{5};

constexpr Query kAnythingDue(
    "notify.anything_due",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM review_mails WHERE state = 'queued' AND due_at_us <= $1) OR EXISTS "
    "(SELECT 1 FROM review_notifications n JOIN agents a ON a.email = n.agent_email WHERE n.state = "
    "'waiting' AND n.due_at_us <= $1 AND a.deleted_at_us IS NULL)");

#define CS_CLAIM                                                                                          \
  "UPDATE review_mails SET state = 'claimed', epoch = epoch + 1, worker = $1, lease_until_us = $3 WHERE " \
  "state = 'queued' AND id "
#define CS_DUE \
  "SELECT id FROM review_mails WHERE state = 'queued' AND due_at_us <= $2 ORDER BY due_at_us LIMIT $4"
// Differs, here and below, because SQLite has one writer and no row locks to skip.
constexpr Query kClaim("notify.claim", CS_CLAIM "IN (" CS_DUE ") RETURNING id",
                       CS_CLAIM "= ANY (ARRAY(" CS_DUE " FOR UPDATE SKIP LOCKED)) RETURNING id");

#define CS_WAITING                                                                                          \
  "SELECT n.message_id, n.user_id, COALESCE(a.review_recipients, u.review_recipients, ''), u.email, "       \
  "COALESCE(a.review_digest_seconds, u.review_digest_seconds, 0), n.urgent_at_us FROM "                     \
  "review_notifications n JOIN agents a ON a.email = n.agent_email JOIN users u ON u.id = n.user_id WHERE " \
  "n.state = 'waiting' AND n.due_at_us <= $1 AND a.deleted_at_us IS NULL ORDER BY n.due_at_us, "            \
  "n.message_id LIMIT $2"
constexpr Query kWaiting("notify.waiting", CS_WAITING, CS_WAITING " FOR UPDATE OF n SKIP LOCKED");

constexpr Query kLastMail(
    "notify.last_mail", "SELECT max(created_at_us) FROM review_mails WHERE user_id = $1 AND recipients = $2");
constexpr Query kPutOff("notify.put_off",
                        "UPDATE review_notifications SET due_at_us = $2 WHERE message_id = $1 AND state = "
                        "'waiting'");
constexpr Query kMakeMail(
    "notify.make_mail",
    "INSERT INTO review_mails (id, user_id, recipients, link_key, state, epoch, worker, lease_until_us, "
    "first_due_at_us, due_at_us, created_at_us) VALUES ($1, $2, $3, $4, 'claimed', 1, $5, $6, $7, $7, $7)");
constexpr Query kGather(
    "notify.gather",
    "UPDATE review_notifications SET state = 'mailed', mail_id = $2 WHERE message_id = $1 "
    "AND state = 'waiting'");
constexpr Query kCancelNotification("notify.cancel_notification",
                                    "UPDATE review_notifications SET state = 'cancelled' WHERE message_id = "
                                    "$1 AND state = 'waiting'");

constexpr Query kMail("notify.mail",
                      "SELECT r.epoch, r.user_id, u.email, r.recipients, r.link_key, r.created_at_us FROM "
                      "review_mails r JOIN users u ON u.id = r.user_id WHERE r.id = $1");
constexpr Query kHolds(
    "notify.holds",
    "SELECT m.id, a.hold_on_expiry, n.urgent_at_us, n.created_at_us, CASE WHEN a.deleted_at_us IS NULL THEN "
    "0 "
    "ELSE 1 END FROM review_notifications n JOIN messages "
    "m ON m.id = n.message_id JOIN agents a ON a.email = m.agent_email WHERE n.mail_id = $1 AND "
    "m.review_status = 'pending_review' ORDER BY m.created_at_us, m.id");
// Before a mail's holds are looked at, so that who takes a decision back at that moment finds them left out.
#define CS_NOTED "SELECT message_id FROM review_notifications WHERE mail_id = $1 ORDER BY message_id"
constexpr Query kNoted("notify.noted", CS_NOTED, CS_NOTED " FOR UPDATE");
constexpr Query kLeaveOut("notify.leave_out",
                          "UPDATE review_notifications SET state = 'waiting', mail_id = NULL, due_at_us = $3 "
                          "WHERE message_id = $1 AND mail_id = $2");
// Of an attempt whose answer was lost, the mail may be with the reviewers.
constexpr Query kMayHaveLeft(
    "notify.may_have_left",
    "SELECT 1 FROM review_mail_attempts WHERE mail_id = $1 AND outcome IN ('', 'unknown') LIMIT 1");
constexpr Query kCancelMail(
    "notify.cancel_mail",
    "UPDATE review_mails SET state = 'cancelled', worker = '', lease_until_us = NULL, settled_at_us = $2, "
    "detail = 'decided before it left' WHERE id = $1 AND state = 'claimed'");

constexpr Query kRenew(
    "notify.renew",
    "UPDATE review_mails SET lease_until_us = $4 WHERE id = $1 AND epoch = $2 AND worker = "
    "$3 AND state = 'claimed'");
constexpr Query kBegin("notify.begin_attempt",
                       "INSERT INTO review_mail_attempts (mail_id, epoch, provider, begun_at_us) VALUES ($1, "
                       "$2, $3, $4) ON CONFLICT (mail_id, epoch) DO NOTHING");
constexpr Query kEnd(
    "notify.end_attempt",
    "INSERT INTO review_mail_attempts (mail_id, epoch, provider, begun_at_us, ended_at_us, outcome, code, "
    "detail) VALUES ($1, $2, $3, $4, $4, $5, $6, $7) ON CONFLICT (mail_id, epoch) DO UPDATE SET ended_at_us "
    "= "
    "$4, outcome = $5, code = $6, detail = $7");

constexpr Query kSent(
    "notify.sent",
    "UPDATE review_mails SET state = 'sent', worker = '', lease_until_us = NULL, attempts = attempts + 1, "
    "settled_at_us = $2, detail = $3 WHERE id = $1 AND state IN ('claimed', 'queued', 'failed')");
constexpr Query kFailed(
    "notify.failed",
    "UPDATE review_mails SET state = 'failed', worker = '', lease_until_us = NULL, attempts = attempts + $5, "
    "settled_at_us = $3, detail = $4 WHERE id = $1 AND epoch = $2 AND state = 'claimed'");
constexpr Query kAgain(
    "notify.again",
    "UPDATE review_mails SET state = 'queued', worker = '', lease_until_us = NULL, attempts = attempts + $5, "
    "due_at_us = $3, detail = $4 WHERE id = $1 AND epoch = $2 AND state = 'claimed'");
constexpr Query kStanding(
    "notify.mail_standing",
    "SELECT attempts, first_due_at_us FROM review_mails WHERE id = $1 AND epoch = $2 AND "
    "state = 'claimed'");

#define CS_OVER \
  "SELECT id, epoch, attempts FROM review_mails WHERE state = 'claimed' AND lease_until_us < $1 LIMIT $2"
constexpr Query kOver("notify.leases_over", CS_OVER, CS_OVER " FOR UPDATE SKIP LOCKED");
// An attempt that was begun may have been taken.
constexpr Query kLost("notify.attempt_lost",
                      "UPDATE review_mail_attempts SET outcome = 'unknown', ended_at_us = $3, detail = 'the "
                      "answer was lost' WHERE mail_id = $1 AND epoch = $2 AND outcome = ''");

// Differs because SQLite has one writer and no row locks to skip.
#define CS_OLD                                                                                \
  "SELECT r.id FROM review_mails r WHERE r.settled_at_us < $1 AND NOT EXISTS (SELECT 1 FROM " \
  "review_notifications n JOIN messages m ON m.id = n.message_id WHERE n.mail_id = r.id AND " \
  "m.review_status = 'pending_review') ORDER BY r.settled_at_us LIMIT $2"
constexpr Query kForget("notify.forget", "DELETE FROM review_mails WHERE id IN (" CS_OLD ")",
                        "DELETE FROM review_mails WHERE id = ANY (ARRAY(" CS_OLD
                        " FOR UPDATE OF r SKIP LOCKED))");

constexpr Query kLinkTarget("notify.link_target",
                            "SELECT n.user_id, r.link_key FROM review_notifications n JOIN review_mails r ON "
                            "r.id = n.mail_id WHERE n.message_id = $1");

struct Waiting {
  MessageId message;
  std::int64_t digest_seconds = 0;
  UtcTime urgent_at;
};
struct GroupKey {
  std::string user;
  std::string recipients;  // JSON list
  auto operator<=>(const GroupKey&) const = default;
};
using Groups = std::map<GroupKey, std::vector<Waiting>>;

Groups waiting_groups(store::Tx& tx, UtcTime now) {
  Groups groups;
  const store::Rows rows = tx.query(kWaiting, {now, kCandidates});
  for (const store::Row row : rows) {
    std::string recipients = row.text(2);
    if (recipients.empty() || recipients == "[]") recipients = to_json_list({row.text(3)});
    groups[{row.text(1), std::move(recipients)}].push_back(
        {MessageId(row.text(0)), row.integer(4), row.time(5)});
  }
  return groups;
}

// Right after a mail to the same reviewers, holds wait for each other, but none longer than half of its time.
// True: this group's turn comes later.
bool put_off(store::Tx& tx, const GroupKey& key, const std::vector<Waiting>& group,
             const ClaimCommand& command) {
  const store::Rows rows = tx.query(kLastMail, {key.user, key.recipients});
  const auto last = rows.front().maybe_time(0);
  if (!last || *last + command.gather <= command.now) return false;
  const bool urgent = std::ranges::any_of(
      group, [&](const Waiting& one) { return one.digest_seconds > 0 || one.urgent_at <= command.now; });
  if (urgent) return false;
  for (const Waiting& one : group) {
    const UtcTime due = std::min(*last + command.gather, one.urgent_at);
    tx.send(kPutOff, {one.message.str(), due});
  }
  return true;
}

// One mail of up to kHoldsPerMail notifications; its id follows from what it tells of.
ReviewMailId make_mail(store::Tx& tx, const GroupKey& key, std::span<const Waiting> holds,
                       const ClaimCommand& command) {
  std::string all;
  for (const Waiting& one : holds) all += one.message.str() + "\n";
  const ReviewMailId id(derived_id("rmail_", {all}));
  const std::string link_key = derived_id("", {command.seed, id.str()}, 64);
  tx.execute(kMakeMail, {id.str(), key.user, key.recipients, link_key, command.worker, command.lease_until,
                         command.now});
  for (const Waiting& one : holds) tx.send(kGather, {one.message.str(), id.str()});
  return id;
}

std::vector<ReviewMailId> gather(store::Tx& tx, const ClaimCommand& command, std::int64_t room) {
  std::vector<ReviewMailId> made;
  for (auto& [key, group] : waiting_groups(tx, command.now)) {
    std::erase_if(group, [&](const Waiting& one) {
      const auto message = mailbox::find_for_worker(tx, one.message);
      const bool held = message && message->review_status == mailbox::ReviewStatus::pending_review;
      if (!held) tx.send(kCancelNotification, {one.message.str()});
      return !held;
    });
    if (group.empty() || put_off(tx, key, group, command)) continue;
    for (std::size_t at = 0; at < group.size() && room > 0; at += kHoldsPerMail, --room) {
      const auto part =
          std::span<const Waiting>(group).subspan(at, std::min(kHoldsPerMail, group.size() - at));
      made.push_back(make_mail(tx, key, part, command));
    }
    if (room <= 0) break;
  }
  return made;
}

// The clock approves nothing that a reviewer had no time to see: the mail comes first, then that time.
void give_time(store::Tx& tx, HoldNote& hold, Duration half, const ClaimCommand& command) {
  if (!hold.approves_on_expiry) return;
  const Duration time = std::min<Duration>(command.reaction, half);
  const UtcTime least = command.now + time;
  mailbox::Message& message = hold.message;
  if (*message.approval_expires_at + std::min<Duration>(kLateness, time / 10) >= least) return;
  if (extend_hold(tx, message, least, "a mail to the reviewer leaves only now", command.now)) {
    message.approval_expires_at = least;
  }
}

// Nobody is told by this mail of what was decided before it left, or lies in the trash: should that have to
// be decided after all, it waits for a mail of its own. Where an earlier attempt may have left with it, what
// was decided stays behind the links of that one, and queue_again takes it out.
void leave_out(store::Tx& tx, const store::Rows& noted, const store::Rows& pending, const ReviewMail& mail,
               UtcTime now) {
  const bool linked = !tx.query(kMayHaveLeft, {mail.id.str()}).empty();
  std::set<std::string> kept;
  for (const HoldNote& hold : mail.holds) kept.insert(hold.message.id.str());
  std::set<std::string> undecided;
  for (const store::Row row : pending) undecided.insert(row.text(0));
  for (const store::Row row : noted) {
    const std::string id = row.text(0);
    if (kept.contains(id) || (linked && !undecided.contains(id))) continue;
    tx.send(kLeaveOut, {id, mail.id.str(), now});
  }
}

// The mail with what is still to be decided; nothing when that is nothing.
std::optional<ReviewMail> load(store::Tx& tx, const ReviewMailId& id, const ClaimCommand& command) {
  const store::Rows found = tx.query(kMail, {id.str()});
  CS_ASSERT(!found.empty());
  const store::Row row = found.front();
  ReviewMail mail{id,
                  row.integer(0),
                  UserId(row.text(1)),
                  row.text(2),
                  from_json_list(row.view(3)),
                  row.text(4),
                  row.time(5),
                  {}};
  const store::Rows noted = tx.query(kNoted, {id.str()});
  const store::Rows holds = tx.query(kHolds, {id.str()});
  for (const store::Row hold : holds) {
    if (hold.flag(4)) continue;  // its agent is in the trash, and its clock stands still
    auto message = mailbox::find_for_worker(tx, MessageId(hold.text(0)));
    if (!message) continue;
    HoldNote note{std::move(*message), hold.view(1) == "approve"};
    give_time(tx, note, hold.time(2) - hold.time(3), command);
    mail.holds.push_back(std::move(note));
  }
  if (!mail.holds.empty()) {
    leave_out(tx, noted, holds, mail, command.now);
    return mail;
  }
  if (holds.empty()) {
    tx.execute(kCancelMail, {id.str(), command.now});
  } else {
    tx.execute(kAgain, {id.str(), mail.epoch, command.now + kTrashPause, "its agent is in the trash", 0});
  }
  return std::nullopt;
}

bool counts(Outcome outcome) { return outcome != Outcome::not_taken; }

std::string clipped(std::string_view text) {
  std::string out(text.substr(0, kDetailBytesMax));
  while (!is_utf8(out)) out.pop_back();
  return out;
}

}  // namespace

std::chrono::milliseconds pause_after(std::int64_t attempt, std::chrono::milliseconds first) {
  CS_ASSERT(attempt >= 1);
  const auto index = std::min(static_cast<std::size_t>(attempt), kPauses.size()) - 1;
  return first * (kPauses[index] / kPauses.front());
}

bool anything_due(store::ReadTx& tx, UtcTime now) { return !tx.query(kAnythingDue, {now}).empty(); }

std::vector<ReviewMail> claim(store::Tx& tx, const ClaimCommand& command) {
  CS_ASSERT(!command.seed.empty() && command.limit > 0);
  std::vector<ReviewMailId> ids;
  const store::Rows due = tx.query(kClaim, {command.worker, command.now, command.lease_until, command.limit});
  for (const store::Row row : due) ids.emplace_back(row.text(0));
  const std::int64_t room = command.limit - static_cast<std::int64_t>(ids.size());
  if (room > 0) std::ranges::move(gather(tx, command, room), std::back_inserter(ids));
  std::vector<ReviewMail> out;
  for (const ReviewMailId& id : ids) {
    if (auto mail = load(tx, id, command)) out.push_back(std::move(*mail));
  }
  CS_FAULT("notify.claim");
  return out;
}

bool renew(store::Tx& tx, const ReviewMail& mail, std::string_view worker, UtcTime lease_until) {
  return tx.execute(kRenew, {mail.id.str(), mail.epoch, worker, lease_until}) == 1;
}

bool begin_attempt(store::Tx& tx, const ReviewMail& mail, std::string_view worker, std::string_view provider,
                   UtcTime now, UtcTime lease_until) {
  if (!renew(tx, mail, worker, lease_until)) return false;
  tx.send(kBegin, {mail.id.str(), mail.epoch, provider, now});
  CS_FAULT("notify.begin");
  return true;
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted:
      return "accepted";
    case Outcome::refused:
      return "refused";
    case Outcome::deferred:
      return "deferred";
    case Outcome::unknown:
      return "unknown";
    case Outcome::not_taken:
      return "not_taken";
  }
  CS_ASSERT(false);
}

std::string record(store::Tx& tx, const ReviewMail& mail, const HandedOver& result, UtcTime now) {
  const std::string detail = clipped(result.detail);
  tx.send(kEnd,
          {mail.id.str(), mail.epoch, result.provider, now, name_of(result.outcome), result.code, detail});
  CS_FAULT("notify.record");
  if (result.outcome == Outcome::accepted) {
    return tx.execute(kSent, {mail.id.str(), now, detail}) == 1 ? "sent" : "";
  }
  const store::Rows rows = tx.query(kStanding, {mail.id.str(), mail.epoch});
  if (rows.empty()) return "";
  const std::int64_t attempt = rows.front().integer(0) + 1;
  const UtcTime end = rows.front().time(1) + kHorizon;
  const UtcTime due = counts(result.outcome) ? now + pause_after(attempt, result.retry_first)
                                             : std::max(result.retry_at, now);
  const bool over = result.outcome == Outcome::refused || due >= end;
  const Query& query = over ? kFailed : kAgain;
  // None, if an earlier attempt's acceptance was committed in between.
  const std::int64_t changed =
      tx.execute(query, {mail.id.str(), mail.epoch, over ? now : due, detail, counts(result.outcome)});
  if (changed != 1) return "";
  return over ? "failed" : "queued";
}

std::int64_t rescue(store::Tx& tx, const RescueCommand& command) {
  std::int64_t rescued = 0;
  const store::Rows rows = tx.query(kOver, {command.leases_before, command.limit});
  for (const store::Row row : rows) {
    const std::int64_t epoch = row.integer(1);
    const bool begun = tx.execute(kLost, {row.view(0), epoch, command.now}) == 1;
    std::chrono::milliseconds pause{};
    if (begun) pause = pause_after(row.integer(2) + 1, command.retry_first);
    rescued += tx.execute(kAgain, {row.view(0), epoch, command.now + pause, "its worker died", begun});
  }
  if (rescued > 0) CS_FAULT("notify.rescue");
  return rescued;
}

std::int64_t forget(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kForget, {now - kMailsKept, limit});
}

std::optional<LinkTarget> link_target(store::ReadTx& tx, const MessageId& message) {
  const store::Rows rows = tx.query(kLinkTarget, {message.str()});
  if (rows.empty()) return std::nullopt;
  return LinkTarget{UserId(rows.front().text(0)), rows.front().text(1)};
}

}  // namespace countersign::notify
