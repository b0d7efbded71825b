#include "outbox/feedback.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "account/suppression.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/feedback_text.hpp"
#include "outbox/settlement.hpp"
#include "outbox/unknown.hpp"

namespace countersign::outbox {
namespace {

using journal::EventType;
using journal::Reason;
using store::Query;

constexpr Query kRemember(
    "outbox.remember_feedback",
    "INSERT INTO feedback (source, event_id, kind, provider_message_id, content, waiting, "
    "received_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (source, event_id) DO NOTHING");
constexpr Query kWaiting("outbox.waiting_feedback",
                         "SELECT source, event_id, content FROM feedback WHERE provider_message_id = $1 AND "
                         "waiting = 1 ORDER BY received_at_us, event_id");
constexpr Query kOverlooked(
    "outbox.overlooked_feedback",
    "SELECT DISTINCT f.provider_message_id FROM feedback f WHERE f.waiting = 1 AND f.received_at_us > $2 AND "
    "EXISTS (SELECT 1 FROM submissions s WHERE s.provider_message_id = f.provider_message_id) LIMIT $1");
constexpr Query kWaitsNoMore(
    "outbox.feedback_waits_no_more",
    "UPDATE feedback SET waiting = 0, content = '' WHERE (source, event_id) IN (SELECT source, event_id FROM "
    "feedback WHERE waiting = 1 AND received_at_us <= $1 LIMIT $2)");
constexpr Query kNoLongerWaiting("outbox.feedback_applied",
                                 "UPDATE feedback SET waiting = 0, content = '' WHERE source = $1 AND "
                                 "event_id = $2 AND waiting = 1");
constexpr Query kForget(
    "outbox.forget_feedback",
    "DELETE FROM feedback WHERE (source, event_id) IN (SELECT source, event_id FROM feedback "
    "WHERE received_at_us < $1 ORDER BY received_at_us LIMIT $2)");

#define CS_ATTEMPT "SELECT id, message_id, user_id, attempt FROM submissions WHERE "
constexpr Query kById("outbox.attempt_by_id", CS_ATTEMPT "id = $1");
constexpr Query kByProviderId("outbox.attempt_by_provider_id",
                              CS_ATTEMPT "provider_message_id = $1 ORDER BY settled_at_us LIMIT 1");
constexpr Query kLastHandedOver("outbox.attempt_last_handed_over", CS_ATTEMPT
                                "message_id = $1 AND fenced_at_us IS NOT NULL ORDER BY attempt DESC LIMIT 1");

// Whatever a provider says of a message it once had proves that it took it. An attempt with a definite answer
// of its own keeps that answer. The row's state before is returned by asking it first, in this transaction.
constexpr Query kState("outbox.attempt_state", "SELECT state FROM submissions WHERE id = $1");
constexpr Query kProve(
    "outbox.prove_acceptance",
    "UPDATE submissions SET state = 'accepted', lease_until_us = NULL, resend_at_us = NULL, settled_at_us = "
    "$2, "
    "settled_by = 'evidence', provider_message_id = CASE $3 WHEN '' THEN provider_message_id ELSE $3 END "
    "WHERE id = $1 AND fenced_at_us IS NOT NULL AND "
    "state IN ('queued', 'claimed', 'handover', 'unknown', 'superseded')");

// How long an acceptance may come behind what is told of it. What nobody has claimed by then is another
// application's, which sends through the same account: it must not be looked at for as long as it is
// remembered.
constexpr std::chrono::hours kWaitMax{48};

constexpr std::array<std::string_view, 7> kKinds{"sent",       "delivered", "delayed",         "bounced",
                                                 "complained", "rejected",  "rendering_failed"};
constexpr std::array<std::string_view, 3> kBounceTypes{"permanent", "transient", "undetermined"};
constexpr std::array<std::string_view, 4> kOutcomes{"applied", "repeated", "kept", "ignored"};

struct Found {
  SubmissionId id;
  MessageId message;
  UserId user;
  std::int64_t number;
};

std::optional<Found> found_in(const store::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  return Found{SubmissionId(row.text(0)), MessageId(row.text(1)), UserId(row.text(2)), row.integer(3)};
}

// Which attempt at the message it is about: the one that served the recipient, or lost its outcome.
std::optional<Found> by_message(store::Tx& tx, const Feedback& feedback) {
  const Recipients recipients(tx, feedback.message);
  for (const FeedbackRecipient& named : feedback.recipients) {
    const RecipientRow* row = recipients.find(ascii_lower(trim(named.address)));
    if (row == nullptr) continue;
    const std::string& attempt = row->state == "accepted" ? row->submission : row->last_unknown_in();
    if (!attempt.empty()) return found_in(tx.query(kById, {attempt}));
  }
  return found_in(tx.query(kLastHandedOver, {feedback.message.str()}));
}

// Feedback that finds no attempt and an acceptance that brings its id must not pass each other unseen. SQLite
// has one writer, so there it says nothing.
constexpr Query kLockProviderId("outbox.lock_provider_id", "SELECT 1",
                                "SELECT CAST(CASE WHEN pg_advisory_xact_lock(hashtextextended('provider id ' "
                                "|| $1, 0)) IS NULL THEN 0 ELSE 1 "
                                "END AS BIGINT)");

void lock_provider_id(store::Tx& tx, std::string_view id) {
  if (tx.dialect() == store::Dialect::postgres) (void)tx.query(kLockProviderId, {id});
}

std::optional<Found> correlate(store::Tx& tx, const Feedback& feedback) {
  if (!feedback.submission.empty()) {
    if (auto found = found_in(tx.query(kById, {feedback.submission.str()}))) return found;
  }
  if (!feedback.provider_message_id.empty()) {
    lock_provider_id(tx, feedback.provider_message_id);
    if (auto found = found_in(tx.query(kByProviderId, {feedback.provider_message_id}))) return found;
  }
  if (!feedback.message.empty()) return by_message(tx, feedback);
  return std::nullopt;
}

// What a kind of feedback means for a recipient.
struct Meaning {
  std::string_view delivery;  // of message_recipients
  Reason reason;
  std::optional<EventType> event;
};

Meaning meaning_of(const Feedback& feedback) {
  switch (feedback.kind) {
    case FeedbackKind::delivered:
      return {"delivered", Reason::delivery_recipient_server_accepted, EventType::email_delivered};
    case FeedbackKind::delayed:
      return {"delayed", Reason::delivery_temporary_delay, std::nullopt};
    case FeedbackKind::bounced:
      switch (feedback.bounce_type) {
        case BounceType::permanent:
          return {"bounced", Reason::delivery_permanent_bounce, EventType::email_bounced};
        case BounceType::transient:
          return {"bounced", Reason::delivery_transient_bounce, EventType::email_bounced};
        case BounceType::undetermined:
          return {"bounced", Reason::delivery_undetermined_bounce, EventType::email_bounced};
      }
      break;
    case FeedbackKind::complained:
      return {"complained", Reason::complaint_recipient_reported, EventType::email_complained};
    case FeedbackKind::rejected:
    case FeedbackKind::rendering_failed:
    case FeedbackKind::sent:
      break;
  }
  CS_ASSERT(false);
}

class Application {
 public:
  Application(store::Tx& tx, const Feedback& feedback, const Found& found, mailbox::Message message,
              UtcTime now)
      : tx_(tx),
        feedback_(feedback),
        found_(found),
        now_(now),
        settlement_(tx, std::move(message), {found.id, found.user, found.number}, now) {}

  bool run() {
    const bool proved = prove_acceptance();
    const bool told = tell();
    if (told) settlement_.derive();
    // Last: what has waited for this acceptance reads the recipients as they are now, and may move them.
    if (proved) apply_waiting_feedback(tx_, feedback_.provider_message_id, now_);
    return proved || told;
  }

 private:
  bool tell() {
    bool news = false;
    switch (feedback_.kind) {
      case FeedbackKind::sent:
        break;
      case FeedbackKind::rejected:
      case FeedbackKind::rendering_failed:
        news = reject();
        break;
      case FeedbackKind::delivered:
      case FeedbackKind::delayed:
      case FeedbackKind::bounced:
      case FeedbackKind::complained:
        for (const FeedbackRecipient& recipient : feedback_.recipients) news = tell_of(recipient) || news;
        break;
    }
    return news;
  }

  [[nodiscard]] journal::Subject subject() const { return settlement_.message().journal_subject(); }
  // Rows of one event keep their order, behind those of an acceptance it has just proved.
  UtcTime tick() { return now_ + Duration(100 + ticks_++); }
  [[nodiscard]] std::string occasion() const { return feedback_.source + " " + feedback_.event_id; }

  bool prove_acceptance() {
    const store::Rows before = tx_.query(kState, {found_.id.str()});
    if (tx_.execute(kProve, {found_.id.str(), now_, feedback_.provider_message_id}) != 1) return false;
    const bool was_open = before.front().view(0) != "unknown" && before.front().view(0) != "superseded";
    const Acceptance acceptance{
        feedback_.provider_message_id,
        fmt::format("taken, as the provider's {} event shows", name_of(feedback_.kind)),
        {"evidence: " + feedback_.source, "evidence"}};
    take_late_acceptance(tx_, settlement_, {found_.id, found_.message, found_.number, was_open}, acceptance,
                         now_);
    return true;
  }

  journal::Transition observed(Reason reason, const std::optional<std::string>& recipient) {
    journal::Transition transition{reason, tick(), recipient, {}, {}, occasion()};
    transition.correlation["provider_event_id"] = feedback_.event_id;
    if (!feedback_.provider_message_id.empty()) {
      transition.correlation["provider_message_id"] = feedback_.provider_message_id;
    }
    transition.evidence["source"] = feedback_.source;
    return transition;
  }

  bool tell_of(const FeedbackRecipient& named) {
    const std::string address = ascii_lower(trim(named.address));
    const RecipientRow* row = settlement_.recipients().find(address);
    if (row == nullptr || row->state != "accepted") return false;
    const Meaning meaning = meaning_of(feedback_);
    journal::Transition seen = observed(meaning.reason, address);
    if (!named.detail.empty()) seen.evidence["smtp_detail"] = named.detail;
    if (feedback_.kind == FeedbackKind::bounced) {
      seen.evidence["bounce_type"] = name_of(feedback_.bounce_type);
      if (!feedback_.bounce_sub_type.empty()) seen.evidence["bounce_sub_type"] = feedback_.bounce_sub_type;
    }
    journal::record(tx_, subject(), seen);
    const bool moved = settlement_.recipients().note_delivery(address, meaning.delivery, named.detail, now_);
    const bool suppressed = suppress(address, named.detail);
    // What suppresses an address is told of, even where a transient bounce had come before.
    if ((moved || suppressed) && meaning.event) {
      announce(*meaning.event, address, named.detail, moved ? address : address + " " + occasion());
    }
    if (suppressed) announce_suppression(address, named.detail);
    return moved || suppressed;
  }

  void announce(EventType type, const std::string& address, std::string_view detail,
                std::string_view occasion) {
    boost::json::object data;
    data["message_id"] = settlement_.message().id.str();
    data["agent_email"] = settlement_.message().agent_email;
    data["direction"] = "outbound";
    data["delivered_to"] = address;
    data["subject"] = settlement_.message().subject;
    if (type == EventType::email_bounced) {
      data["bounce_type"] = name_of(feedback_.bounce_type);
      if (!feedback_.bounce_sub_type.empty()) data["bounce_sub_type"] = feedback_.bounce_sub_type;
    }
    if (!detail.empty()) data["smtp_detail"] = detail;
    journal::emit(tx_, subject(), type, data, now_, occasion);
  }

  [[nodiscard]] bool complaint() const { return feedback_.kind == FeedbackKind::complained; }
  [[nodiscard]] std::string_view suppression_source() const { return complaint() ? "complaint" : "bounce"; }

  // Hard bounces and complaints keep the account from writing there again (contract §27). False: nothing new.
  bool suppress(const std::string& address, std::string_view detail) {
    const bool bounce =
        feedback_.kind == FeedbackKind::bounced && feedback_.bounce_type == BounceType::permanent;
    if (!bounce && !complaint()) return false;
    const account::AccountSuppression entry{address, std::string(suppression_source()), std::string(detail),
                                            settlement_.message().id};
    return account::suppress_for_account(tx_, found_.user, entry, now_);
  }

  void announce_suppression(const std::string& address, std::string_view detail) {
    const std::string_view source = suppression_source();
    journal::Transition applied = observed(
        complaint() ? Reason::suppression_complaint_applied : Reason::suppression_hard_bounce_applied,
        address);
    applied.evidence["suppression_scope"] = "account";
    applied.evidence["suppression_source"] = source;
    journal::record(tx_, subject(), applied);
    boost::json::object data;
    data["address"] = address;
    data["source"] = source;
    if (!detail.empty()) data["reason"] = detail;
    data["message_id"] = settlement_.message().id.str();
    journal::emit_for_account(tx_, found_.user, EventType::domain_suppression_added, data, now_, address);
  }

  // The provider took the message and then dropped it: nobody has it.
  bool reject() {
    const std::string detail = feedback_.detail.empty() ? "dropped by the provider" : feedback_.detail;
    std::vector<Fate> fates;
    for (const RecipientRow& row : settlement_.recipients().rows()) {
      if (row.external && row.state == "accepted" && row.submission == found_.id.str()) {
        fates.push_back({row.address, detail});
      }
    }
    std::erase_if(fates, [&](const Fate& fate) {
      return !settlement_.recipients().note_delivery(fate.address, "failed", detail, now_);
    });
    if (fates.empty()) return false;
    settlement_.dropped(fates, detail, {"evidence: " + feedback_.source, occasion()});
    return true;
  }

  store::Tx& tx_;
  const Feedback& feedback_;
  const Found& found_;
  UtcTime now_;
  Settlement settlement_;
  int ticks_ = 0;
};

bool apply_to(store::Tx& tx, const Feedback& feedback, const Found& found, UtcTime now) {
  auto message = mailbox::lock_for_worker(tx, found.message);
  if (!message) return false;
  return Application(tx, feedback, found, std::move(*message), now).run();
}

}  // namespace

std::string_view name_of(FeedbackKind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }
std::string_view name_of(BounceType type) { return kBounceTypes.at(static_cast<std::size_t>(type)); }
std::string_view name_of(FeedbackOutcome outcome) { return kOutcomes.at(static_cast<std::size_t>(outcome)); }

FeedbackOutcome apply_feedback(store::Tx& tx, const Feedback& feedback, UtcTime now) {
  CS_FAULT("outbox.feedback");
  const std::optional<Found> found = correlate(tx, feedback);
  // Only an id that the provider made can become known later; ours are known from the beginning.
  const bool wait = !found && !feedback.provider_message_id.empty();
  const std::string content = wait ? to_text(feedback) : std::string();
  if (tx.execute(kRemember, {feedback.source, feedback.event_id, name_of(feedback.kind),
                             feedback.provider_message_id, content, wait ? 1 : 0, now}) != 1) {
    return FeedbackOutcome::repeated;
  }
  if (wait) return FeedbackOutcome::kept;
  if (!found) return FeedbackOutcome::ignored;
  return apply_to(tx, feedback, *found, now) ? FeedbackOutcome::applied : FeedbackOutcome::ignored;
}

void apply_waiting_feedback(store::Tx& tx, std::string_view provider_message_id, UtcTime now) {
  if (provider_message_id.empty()) return;
  lock_provider_id(tx, provider_message_id);
  for (const store::Row row : tx.query(kWaiting, {provider_message_id})) {
    if (tx.execute(kNoLongerWaiting, {row.view(0), row.view(1)}) != 1) continue;
    const Feedback feedback = feedback_from_text(row.view(2));
    if (const auto found = correlate(tx, feedback)) apply_to(tx, feedback, *found, now);
  }
}

std::int64_t settle_waiting_feedback(store::Tx& tx, UtcTime now, std::int64_t limit) {
  tx.send(kWaitsNoMore, {now - kWaitMax, limit});
  const store::Rows rows = tx.query(kOverlooked, {limit, now - kWaitMax});
  for (const store::Row row : rows) apply_waiting_feedback(tx, row.view(0), now);
  return static_cast<std::int64_t>(rows.size());
}

std::int64_t forget_feedback(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  return tx.execute(kForget, {cutoff, limit});
}

}  // namespace countersign::outbox
