#include "outbox/resolve.hpp"

#include <array>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/attempt.hpp"
#include "outbox/settlement.hpp"
#include "outbox/unknown.hpp"

namespace countersign::outbox {
namespace {

using journal::Reason;
using store::Query;

// Differs in how rows become a JSON list.
#define CS_VIEW(list)                                                                                        \
  "SELECT s.id, s.message_id, s.user_id, m.agent_email, m.subject, s.attempt, s.state, s.provider, "         \
  "s.provider_message_id, s.reply_phase, s.reply_code, s.reply_text, s.created_at_us, s.due_at_us, "         \
  "s.fenced_at_us, s.unknown_at_us, s.resend_at_us, s.settled_at_us, s.settled_by, s.resolution, "           \
  "s.resolved_by, s.resolution_note, (SELECT COALESCE(" list                                                 \
  ", '[]') FROM message_recipients r WHERE r.message_id = s.message_id AND r.route = 'external' AND "        \
  "(r.submission_id = s.id OR r.unknown_in LIKE '%' || s.id || '%' OR (r.submission_id IS NULL AND s.state " \
  "IN ('queued', "                                                                                           \
  "'claimed', 'handover')))) FROM submissions s JOIN messages m ON m.id = s.message_id WHERE "
#define CS_VIEW_SQLITE CS_VIEW("json_group_array(r.address)")
#define CS_VIEW_POSTGRES CS_VIEW("CAST(json_agg(r.address) AS TEXT)")

#define CS_UNKNOWN                                                                              \
  "s.state = 'unknown' AND ($1 = '' OR s.user_id = $1) AND (s.unknown_at_us, s.id) < ($2, $3) " \
  "ORDER BY s.unknown_at_us DESC, s.id DESC LIMIT $4"
#define CS_OF_MESSAGE "s.message_id = $1 AND s.user_id = $2 ORDER BY s.attempt"
#define CS_ONE "s.id = $1 AND ($2 = '' OR s.user_id = $2)"

constexpr Query kListUnknown("outbox.list_unknown", CS_VIEW_SQLITE CS_UNKNOWN, CS_VIEW_POSTGRES CS_UNKNOWN);
constexpr Query kListOfMessage("outbox.list_hand_overs", CS_VIEW_SQLITE CS_OF_MESSAGE,
                               CS_VIEW_POSTGRES CS_OF_MESSAGE);
constexpr Query kFindOne("outbox.find_hand_over", CS_VIEW_SQLITE CS_ONE, CS_VIEW_POSTGRES CS_ONE);

constexpr Query kResolve("outbox.resolve",
                         "UPDATE submissions SET state = $2, settled_at_us = $3, settled_by = $4, resolution "
                         "= $5, resolved_by = $6, "
                         "resolution_note = $7, resend_at_us = NULL WHERE id = $1 AND state = 'unknown' "
                         "RETURNING first_due_at_us, unknown_at_us");
// By the policy as it is now, and not as it was when the attempts were listed.
constexpr Query kResolveByPolicy(
    "outbox.resolve_by_policy",
    "UPDATE submissions SET state = $2, settled_at_us = $3, settled_by = $4, resolution = $5, resolved_by = "
    "$6, resolution_note = $7, resend_at_us = NULL WHERE id = $1 AND state = 'unknown' AND resend_at_us <= "
    "$3 RETURNING first_due_at_us, unknown_at_us");

constexpr Query kResend(
    "outbox.find_resend",
    "SELECT s.id FROM submissions s WHERE s.resend_at_us <= $1 ORDER BY s.resend_at_us, s.id LIMIT $2");

constexpr Query kFindPolicy("outbox.find_unknown_policy",
                            "SELECT on_unknown, unknown_grace_seconds FROM agents WHERE email = $1 AND "
                            "user_id = $2 AND deleted_at_us IS NULL");
constexpr Query kSetPolicy(
    "outbox.set_unknown_policy",
    "UPDATE agents SET on_unknown = $3, unknown_grace_seconds = $4 WHERE email = $1 AND "
    "user_id = $2 AND deleted_at_us IS NULL");
constexpr Query kRepolicy(
    "outbox.apply_unknown_policy",
    "UPDATE submissions SET resend_at_us = CASE WHEN $2 = 'resend' AND attempt < " CS_ATTEMPTS_MAX
    " THEN unknown_at_us + $3 * 1000000 END WHERE "
    "state = 'unknown' AND message_id IN (SELECT m.id FROM messages m WHERE m.agent_email = $1 AND "
    "m.delivery_status IS NOT NULL) AND user_id = $4");

constexpr std::array<std::string_view, 3> kResolutions{"sent", "send_again", "give_up"};

HandOverView view_of(const store::Row& row) {
  HandOverView view;
  view.id = SubmissionId(row.text(0));
  view.message = MessageId(row.text(1));
  view.user = UserId(row.text(2));
  view.agent_email = row.text(3);
  view.subject = row.text(4);
  view.attempt = row.integer(5);
  view.state = row.text(6);
  view.provider = row.text(7);
  view.provider_message_id = row.text(8);
  view.reply_phase = row.text(9);
  view.reply_code = row.integer(10);
  view.reply_text = row.text(11);
  view.created_at = row.time(12);
  view.due_at = row.time(13);
  view.handed_over_at = row.maybe_time(14);
  view.unknown_at = row.maybe_time(15);
  view.resend_at = row.maybe_time(16);
  view.settled_at = row.maybe_time(17);
  view.settled_by = row.text(18);
  view.resolution = row.text(19);
  view.resolved_by = row.text(20);
  view.resolution_note = row.text(21);
  view.recipients = from_json_list(row.view(22));
  return view;
}

std::vector<HandOverView> views_of(const store::Rows& rows) {
  std::vector<HandOverView> views;
  views.reserve(rows.size());
  for (const store::Row row : rows) views.push_back(view_of(row));
  return views;
}

std::string owner_text(const std::optional<UserId>& user) { return user ? user->str() : std::string(); }

std::vector<Fate> unknown_fates(const Recipients& recipients, std::string_view detail) {
  std::vector<Fate> fates;
  for (const std::string& address : recipients.addresses_in("unknown")) {
    fates.push_back({address, std::string(detail)});
  }
  return fates;
}

// Everything behind the guarded update. `first_due_at` is that of what is sent again.
void carry_out(store::Tx& tx, Settlement& settlement, const AttemptName& attempt,
               const ResolveCommand& command, UtcTime first_due_at, UtcTime now) {
  const Witness witness{command.by, "resolved"};
  switch (command.resolution) {
    case Resolution::sent:
      take_late_acceptance(tx, settlement, attempt, {"", "settled: it was sent", witness}, now);
      return;
    case Resolution::send_again:
      for (const std::string& address : settlement.recipients().addresses_in("unknown")) {
        settlement.recipients().settle(address, "queued", attempt.id, "sent again");
      }
      settlement.queue_next(now, first_due_at, witness);
      break;
    case Resolution::give_up: {
      const std::string detail = "given up: it may or may not have been delivered";
      std::vector<Fate> fates = unknown_fates(settlement.recipients(), detail);
      for (const std::string& address : settlement.recipients().addresses_in("queued")) {
        fates.push_back({address, detail});
      }
      settlement.failed(fates, "cancelled", Reason::submission_cancelled, witness);
      break;
    }
  }
  settlement.derive();
}

}  // namespace

std::string_view name_of(Resolution resolution) {
  return kResolutions.at(static_cast<std::size_t>(resolution));
}

std::optional<Resolution> resolution_of(std::string_view name) {
  for (std::size_t i = 0; i < kResolutions.size(); ++i) {
    if (kResolutions[i] == name) return static_cast<Resolution>(i);
  }
  return std::nullopt;
}

std::vector<HandOverView> list_unknown(store::ReadTx& tx, const std::optional<UserId>& user,
                                       const std::optional<journal::Position>& after, std::int64_t limit) {
  return views_of(tx.query(kListUnknown, {owner_text(user), after ? after->at : UtcTime::max(),
                                          after ? std::string_view(after->id) : std::string_view(), limit}));
}

std::vector<HandOverView> list_hand_overs(store::ReadTx& tx, const UserId& user, const MessageId& message) {
  return views_of(tx.query(kListOfMessage, {message.str(), user.str()}));
}

std::optional<HandOverView> find_hand_over(store::ReadTx& tx, const std::optional<UserId>& user,
                                           const SubmissionId& id) {
  const store::Rows rows = tx.query(kFindOne, {id.str(), owner_text(user)});
  if (rows.empty()) return std::nullopt;
  return view_of(rows.front());
}

Result<HandOverView, ResolveRefusal> resolve(store::Tx& tx, const ResolveCommand& command, UtcTime now) {
  CS_FAULT("outbox.resolve");
  CS_ASSERT(!command.by.empty());
  const auto before = find_hand_over(tx, command.user, command.id);
  if (!before) return unexpected(ResolveRefusal::not_found);
  auto message = mailbox::lock_for_worker(tx, before->message);
  if (!message) return unexpected(ResolveRefusal::not_found);
  const bool sent = command.resolution == Resolution::sent;
  const bool by_policy = command.by.starts_with("policy");
  const store::Rows resolved =
      tx.query(by_policy ? kResolveByPolicy : kResolve,
               {command.id.str(), sent ? "accepted" : "superseded", now, by_policy ? "policy" : "person",
                name_of(command.resolution), command.by, command.note});
  if (resolved.empty()) return unexpected(ResolveRefusal::not_unknown);
  // A person's decision begins anew. The policy's goes on where it was: only the grace, in which nothing
  // waited for the provider, does not count towards the outage horizon.
  const store::Row row = resolved.front();
  const UtcTime first_due_at = by_policy ? row.time(0) + (now - row.time(1)) : now;
  const AttemptName attempt{command.id, before->message, before->attempt, false};
  Settlement settlement(tx, std::move(*message), {command.id, before->user, attempt.number}, now);
  carry_out(tx, settlement, attempt, command, first_due_at, now);
  auto after = find_hand_over(tx, command.user, command.id);
  CS_ASSERT(after.has_value());
  return std::move(*after);
}

std::int64_t resend_by_policy(store::Tx& tx, UtcTime now, std::int64_t limit) {
  std::int64_t queued = 0;
  for (const store::Row row : tx.query(kResend, {now, limit})) {
    const ResolveCommand command{{}, SubmissionId(row.text(0)), Resolution::send_again, "policy: resend", ""};
    if (resolve(tx, command, now)) ++queued;
  }
  return queued;
}

std::optional<UnknownPolicy> find_unknown_policy(store::ReadTx& tx, const UserId& user,
                                                 std::string_view agent_email) {
  const store::Rows rows = tx.query(kFindPolicy, {agent_email, user.str()});
  if (rows.empty()) return std::nullopt;
  return UnknownPolicy{rows.front().view(0) == "resend", rows.front().integer(1)};
}

bool set_unknown_policy(store::Tx& tx, const UserId& user, std::string_view agent_email,
                        const UnknownPolicy& policy) {
  const std::string_view name = policy.resend ? "resend" : "hold";
  if (tx.execute(kSetPolicy, {agent_email, user.str(), name, policy.grace_seconds}) != 1) return false;
  tx.send(kRepolicy, {agent_email, name, policy.grace_seconds, user.str()});
  return true;
}

}  // namespace countersign::outbox
