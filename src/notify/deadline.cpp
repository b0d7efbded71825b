#include "notify/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "journal/journal.hpp"

namespace countersign::notify {
namespace {

using store::Query;

// Differs because SQLite has one writer and no row locks: elsewhere the policies stay as they are read until
// what is decided by them is committed (decision 0018).
#define CS_STANDING                                                                                         \
  "SELECT COALESCE(n.state, ''), COALESCE(r.state, ''), COALESCE(r.detail, ''), n.created_at_us, "          \
  "n.urgent_at_us, COALESCE(r.due_at_us, n.due_at_us), a.hold_suppress_notifications, "                     \
  "COALESCE(a.review_on_unseen, u.review_on_unseen) FROM messages m JOIN agents a ON a.email = "            \
  "m.agent_email JOIN users u ON u.id = m.user_id LEFT JOIN review_notifications n ON n.message_id = m.id " \
  "LEFT JOIN review_mails r ON r.id = n.mail_id WHERE m.id = $1"
constexpr Query kStanding("notify.standing", CS_STANDING, CS_STANDING " FOR SHARE OF a, u");
#undef CS_STANDING

constexpr Query kNote("notify.approved_unseen",
                      "UPDATE review_notifications SET approved_unseen = 1 WHERE message_id = $1");

constexpr Query kExtend(
    "notify.extend_hold",
    "UPDATE messages SET approval_expires_at_us = $3 WHERE id = $1 AND review_status = 'pending_review' AND "
    "approval_expires_at_us = $2");

constexpr Query kAnnounced(
    "notify.hold_announced",
    "SELECT envelope FROM events WHERE message_id = $1 AND type = 'email.review_requested' ORDER BY position "
    "LIMIT 1");

constexpr std::string_view kCode = "reviewer_not_notified";

Judgement never(std::string_view why) {
  Judgement judgement;
  judgement.reason = fmt::format("{}: {}", kCode, why);
  return judgement;
}

OnUnseen on_unseen(const store::Row& row, const Policy& policy) {
  if (const auto said = row.maybe_text(7)) {
    const auto value = on_unseen_of(*said);
    CS_ASSERT(value.has_value());
    return *value;
  }
  return row.flag(6) ? OnUnseen::approve : policy.on_unseen;
}

}  // namespace

Judgement judge_auto_approval(store::Tx& tx, const MessageId& message, const Policy& policy, UtcTime now) {
  const store::Rows rows = tx.query(kStanding, {message.str()});
  if (rows.empty()) return never("the message is gone");
  const store::Row row = rows.front();
  const std::string_view state = row.view(0);
  const std::string_view mail = row.view(1);
  Judgement judgement{Seen::approvable, false, {}, ""};
  if (mail == "sent") return judgement;
  if (on_unseen(row, policy) == OnUnseen::approve) {
    judgement.unseen_by_policy = true;
    return judgement;
  }
  if (state.empty()) return never("no notification was ever queued");
  if (state == "muted") return never("mail to reviewers is turned off");
  if (mail == "failed") return never(row.view(2));
  const UtcTime created = row.time(3);
  if (state == "cancelled" || mail == "cancelled") return never("the notification was cancelled");
  if (now >= created + kHorizon) return never("no mail to a reviewer has left for 72 hours");
  judgement.seen = Seen::wait;
  const Duration reaction = std::min<Duration>(policy.reaction, row.time(4) - created);
  judgement.until = std::max(now, row.time(5)) + std::max<Duration>(reaction, std::chrono::seconds(1));
  return judgement;
}

void note_approved_unseen(store::Tx& tx, const MessageId& message) { tx.send(kNote, {message.str()}); }

bool extend_hold(store::Tx& tx, const mailbox::Message& message, UtcTime until, std::string_view why,
                 UtcTime now) {
  CS_ASSERT(message.approval_expires_at.has_value());
  CS_FAULT("notify.extend");
  if (tx.execute(kExtend, {message.id.str(), *message.approval_expires_at, until}) != 1) return false;
  const std::string deadline = to_rfc3339(until);
  const journal::Subject subject = message.journal_subject();
  journal::Transition transition{journal::Reason::review_hold_created, now, {}, {}, {}, deadline};
  transition.evidence["review_resolution"] = "pending";
  transition.evidence["failure_code"] = kCode;
  transition.evidence["failure_reason"] = fmt::format("held until {}: {}", deadline, why);
  journal::record(tx, subject, transition);
  // What was announced then stands; only the deadline is another one.
  const store::Rows rows = tx.query(kAnnounced, {message.id.str()});
  if (rows.empty()) return true;
  boost::json::object data = boost::json::parse(rows.front().view(0)).at("data").as_object();
  data["approval_expires_at"] = deadline;
  journal::emit(tx, subject, journal::EventType::email_review_requested, data, now, deadline);
  return true;
}

}  // namespace countersign::notify
