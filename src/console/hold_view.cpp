#include "console/hold_view.hpp"

#include <boost/json/parse.hpp>
#include <map>

#include "base/text.hpp"
#include "console/answer.hpp"
#include "mail/parse.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;
using mailbox::Direction;
using mailbox::Message;
using store::Query;

constexpr std::size_t kSnippetCharacters = 140;

// Of a received message the beginning is read: its text stands there, and most attachments begin there.
// Differs in how a JSON list becomes rows.
#define CS_EXTRAS                                                                                         \
  "SELECT m.id, a.hold_on_expiry, (SELECT COUNT(*) FROM draft_attachments d WHERE d.message_id = m.id), " \
  "substr(c.text, 1, 600), CASE WHEN m.direction = 'inbound' THEN substr(c.raw, 1, 32768) END "           \
  "FROM messages m JOIN agents a ON a.email = m.agent_email LEFT JOIN message_contents c ON "             \
  "c.message_id = m.id WHERE m.id "
constexpr Query kExtras("console.hold_extras", CS_EXTRAS "IN (SELECT value FROM json_each($1))",
                        CS_EXTRAS "= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))");

constexpr Query kDecision("console.decision",
                          "SELECT m.review_status, m.resolved_by, m.resolved_at_us, m.rejection_reason, "
                          "m.edited, k.name FROM messages m LEFT JOIN api_keys k ON k.id = m.resolved_by "
                          "WHERE m.id = $1 AND m.user_id = $2 AND m.resolved_at_us IS NOT NULL");

void put_unless_empty(json::object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

HoldExtras extras_from(const store::Row& row) {
  HoldExtras extras;
  extras.on_expiry = row.text(1);
  extras.attachments = row.integer(2);
  if (row.is_null(4)) {
    extras.snippet = snippet_of(row.maybe_text(3).value_or(""));
    return extras;
  }
  const mail::Message parsed = mail::parse(row.view(4));
  extras.attachments = static_cast<std::int64_t>(parsed.attachments.size());
  extras.snippet = snippet_of(parsed.text);
  return extras;
}

}  // namespace

std::string snippet_of(std::string_view text) {
  std::string out;
  std::size_t characters = 0;
  bool blank = false;
  for (std::size_t i = 0; i < text.size() && characters < kSnippetCharacters; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= ' ' || byte == 0x7f) {
      blank = !out.empty();
      continue;
    }
    if (blank) {
      out += ' ';
      ++characters;
      blank = false;
    }
    out += text[i];
    while (i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xc0U) == 0x80U)
      out += text[++i];
    ++characters;
  }
  return out;
}

std::vector<HoldExtras> load_extras(store::ReadTx& tx, const std::vector<Message>& messages) {
  std::vector<std::string> ids;
  ids.reserve(messages.size());
  for (const Message& message : messages) ids.push_back(message.id.str());
  std::map<std::string, HoldExtras, std::less<>> found;
  const std::string list = to_json_list(ids);
  const store::Rows rows = tx.query(kExtras, {list});
  for (const store::Row row : rows) found.emplace(row.text(0), extras_from(row));
  std::vector<HoldExtras> out;
  out.reserve(ids.size());
  for (const std::string& id : ids) out.push_back(found[id]);
  return out;
}

json::object hold_view(const Message& message, const HoldExtras& extras) {
  const bool outbound = message.direction == Direction::outbound;
  json::object view;
  view["id"] = message.id.str();
  view["agent_email"] = message.agent_email;
  view["direction"] = journal::name_of(message.direction);
  view["header_from"] = outbound ? json::value(message.agent_email) : text_or_null(message.header_from);
  view["envelope_from"] = outbound ? json::value(nullptr) : text_or_null(message.envelope_from);
  view["verified_domain"] = outbound ? json::value(nullptr) : text_or_null(message.verified_domain);
  view["to"] = array_of(message.to);
  view["cc"] = array_of(message.cc);
  view["bcc"] = array_of(message.bcc);
  view["subject"] = message.subject;
  put_unless_empty(view, "conversation_id", message.conversation_id);
  view["review_status"] =
      mailbox::name_of(message.review_status.value_or(mailbox::ReviewStatus::pending_review));
  if (message.flagged) {
    view["flagged"] = true;
    put_unless_empty(view, "flag_reason", message.flag_reason);
  }
  if (message.hold_reason) view["hold_reason"] = json::parse(*message.hold_reason);
  if (message.protection) view["protection"] = json::parse(*message.protection);
  view["created_at"] = timestamp(message.created_at);
  view["approval_expires_at"] = timestamp_or_null(message.approval_expires_at);
  view["on_expiry"] = extras.on_expiry;
  view["revision"] = message.revision;
  view["attachment_count"] = extras.attachments;
  view["snippet"] = extras.snippet;
  return view;
}

std::optional<json::object> find_decision(store::ReadTx& tx, const UserId& user, const MessageId& id) {
  const store::Rows rows = tx.query(kDecision, {id.str(), user.str()});
  if (rows.empty() || rows.front().is_null(0)) return std::nullopt;
  const store::Row row = rows.front();
  std::string by = row.maybe_text(1).value_or("policy");
  if (!row.is_null(5)) by = "API key " + row.text(5);
  json::object decision;
  decision["as"] = row.text(0).substr(std::string_view("review_").size());
  decision["by"] = by;
  decision["at"] = timestamp(row.time(2));
  if (!row.view(3).empty()) decision["reason"] = row.view(3);
  decision["edited"] = row.flag(4);
  return decision;
}

}  // namespace countersign::console
