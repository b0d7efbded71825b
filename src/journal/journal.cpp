#include "journal/journal.hpp"

#include <boost/json/serialize.hpp>

#include "base/assert.hpp"
#include "journal/event_log.hpp"

namespace countersign::journal {
namespace {

using store::Query;

constexpr Query kRecord(
    "journal.record",
    "INSERT INTO lifecycle (id, message_id, direction, reason_code, recipient, evidence, correlation, "
    "occurred_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    store::Together{
        "INSERT INTO lifecycle (id, message_id, direction, reason_code, recipient, evidence, correlation, "
        "occurred_at_us) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::text[], $7::text[], $8::bigint[]) ON CONFLICT (id) DO NOTHING"});

// Where nobody has a webhook, nobody has to look at it again.
constexpr Query kEmit(
    "journal.emit",
    "INSERT INTO events (id, user_id, type, agent_email, conversation_id, message_id, envelope, "
    "created_at_us, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN EXISTS (SELECT 1 FROM webhooks "
    "w WHERE w.user_id = $2 AND w.enabled = 1) THEN 'pending' ELSE 'no_match' END) ON CONFLICT (id) DO "
    "NOTHING",
    store::Together{
        "INSERT INTO events (id, user_id, type, agent_email, conversation_id, message_id, envelope, "
        "created_at_us, status) SELECT e.*, CASE WHEN EXISTS (SELECT 1 FROM webhooks w WHERE w.user_id = "
        "e.user_id AND w.enabled = 1) THEN 'pending' ELSE 'no_match' END FROM unnest($1::text[], $2::text[], "
        "$3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]) AS e (id, user_id, type, "
        "agent_email, conversation_id, message_id, envelope, created_at_us) ON CONFLICT (id) DO NOTHING"});

constexpr Query kList(
    "journal.list",
    "SELECT id, direction, reason_code, recipient, evidence, correlation, occurred_at_us FROM lifecycle "
    "WHERE message_id = $1 AND (occurred_at_us, id) > ($2, $3) "
    "ORDER BY occurred_at_us, id LIMIT $4");

// Rows of one instant are listed by id, so the stage leads it: what was accepted before it was held also
// sorts first.
char stage_digit(std::string_view stage) {
  static constexpr std::string_view kStages[] = {"accepted", "authentication", "suppression", "review",
                                                 "queued",   "submission",     "delivery",    "complaint"};
  for (std::size_t i = 0; i < std::size(kStages); ++i) {
    if (kStages[i] == stage) return static_cast<char>('0' + i);
  }
  return 'f';
}

std::optional<std::string_view> unless_empty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::string envelope_of(std::string_view id, EventType type, const boost::json::object& data, UtcTime at) {
  return event_envelope(id, name_of(type), data, at);
}

}  // namespace

std::string_view name_of(Direction direction) {
  switch (direction) {
    case Direction::inbound:
      return "inbound";
    case Direction::outbound:
      return "outbound";
  }
  CS_ASSERT(false);
}

std::string_view name_of(EventType type) {
  switch (type) {
    case EventType::email_received:
      return "email.received";
    case EventType::email_sent:
      return "email.sent";
    case EventType::email_failed:
      return "email.failed";
    case EventType::email_unknown:
      return "email.unknown";
    case EventType::email_delivered:
      return "email.delivered";
    case EventType::email_bounced:
      return "email.bounced";
    case EventType::email_complained:
      return "email.complained";
    case EventType::email_flagged:
      return "email.flagged";
    case EventType::email_blocked:
      return "email.blocked";
    case EventType::email_review_requested:
      return "email.review_requested";
    case EventType::email_review_approved:
      return "email.review_approved";
    case EventType::email_review_rejected:
      return "email.review_rejected";
    case EventType::domain_suppression_added:
      return "domain.suppression_added";
    case EventType::agent_suppression_added:
      return "agent.suppression_added";
  }
  CS_ASSERT(false);
}

std::string event_envelope(std::string_view id, std::string_view type, const boost::json::object& data,
                           UtcTime at) {
  boost::json::object envelope;
  envelope["type"] = type;
  envelope["id"] = id;
  envelope["schema_version"] = "1";
  envelope["created_at"] = to_rfc3339(at);
  envelope["data"] = data;
  return boost::json::serialize(envelope);
}

void record(store::Tx& tx, const Subject& subject, const Transition& transition) {
  const ReasonFacts& reason = facts(transition.reason);
  std::string id = derived_id_near(
      subject.message.str(), "mlt_",
      {subject.message.str(), reason.code, transition.recipient.value_or(""), transition.occasion});
  id.insert(4, 1, stage_digit(reason.stage));
  id.pop_back();
  const std::string evidence = boost::json::serialize(transition.evidence);
  const std::string correlation = boost::json::serialize(transition.correlation);
  tx.send(kRecord, {id, subject.message.str(), name_of(subject.direction), reason.code, transition.recipient,
                    evidence, correlation, transition.at});
}

std::vector<LifecycleRow> list_lifecycle(store::ReadTx& tx, const MessageId& message,
                                         const std::optional<Position>& after, std::int64_t limit) {
  const store::Rows rows = tx.query(kList, {message.str(), after ? after->at : UtcTime::min(),
                                            after ? std::string_view(after->id) : std::string_view(), limit});
  std::vector<LifecycleRow> out;
  out.reserve(rows.size());
  for (const store::Row row : rows) {
    const auto reason = reason_of(row.view(2));
    CS_ASSERT(reason.has_value());
    out.push_back({row.text(0), message, row.view(1) == "inbound" ? Direction::inbound : Direction::outbound,
                   *reason, row.maybe_text(3), row.text(4), row.text(5), row.time(6)});
  }
  return out;
}

boost::json::array json_list(const std::vector<std::string>& items) {
  boost::json::array out;
  out.reserve(items.size());
  for (const std::string& item : items) out.emplace_back(item);
  return out;
}

void emit(store::Tx& tx, const Subject& subject, EventType type, const boost::json::object& data, UtcTime at,
          std::string_view occasion) {
  const std::string id =
      derived_id_near(subject.message.str(), "evt_", {subject.message.str(), name_of(type), occasion});
  const std::string envelope = envelope_of(id, type, data, at);
  tx.send(kEmit, {id, subject.user.str(), name_of(type), subject.agent_email,
                  unless_empty(subject.conversation_id), subject.message.str(), envelope, at});
}

void emit_without_message(store::Tx& tx, const Subject& subject, EventType type,
                          const boost::json::object& data, UtcTime at) {
  const std::string id =
      derived_id_near(subject.message.str(), "evt_", {subject.message.str(), name_of(type), to_rfc3339(at)});
  const std::string envelope = envelope_of(id, type, data, at);
  tx.send(kEmit, {id, subject.user.str(), name_of(type), subject.agent_email,
                  unless_empty(subject.conversation_id), nullptr, envelope, at});
}

void emit_for_agent(store::Tx& tx, const UserId& user, std::string_view agent_email, EventType type,
                    const boost::json::object& data, UtcTime at, std::string_view occasion) {
  const std::string id = derived_id("evt_", {agent_email, name_of(type), occasion, to_rfc3339(at)});
  const std::string envelope = envelope_of(id, type, data, at);
  tx.send(kEmit, {id, user.str(), name_of(type), agent_email, nullptr, nullptr, envelope, at});
}

void emit_for_account(store::Tx& tx, const UserId& user, EventType type, const boost::json::object& data,
                      UtcTime at, std::string_view occasion) {
  const std::string id = derived_id("evt_", {user.str(), name_of(type), occasion, to_rfc3339(at)});
  const std::string envelope = envelope_of(id, type, data, at);
  tx.send(kEmit, {id, user.str(), name_of(type), nullptr, nullptr, nullptr, envelope, at});
}

}  // namespace countersign::journal
