// Held messages: the queue, the message as it is, approving with time to think again.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "approve/approve.hpp"
#include "base/crypto.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "console/attachment.hpp"
#include "console/context.hpp"
#include "console/hold_view.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;
using mailbox::Direction;
using mailbox::ReviewStatus;
using store::Query;

constexpr std::int64_t kPageDefault = 200;
constexpr std::int64_t kPageMax = 1000;
constexpr std::int64_t kUndoSecondsMax = 60;

constexpr Query kCount("console.count_pending",
                       "SELECT COUNT(*) FROM messages m JOIN agents a ON a.email = m.agent_email WHERE "
                       "m.user_id = $1 AND m.review_status = 'pending_review' AND a.deleted_at_us IS NULL");

std::string cursor_of(const mailbox::Message& message) {
  return base64url_encode(std::to_string(to_us(*message.approval_expires_at)) + " " + message.id.str());
}

std::optional<journal::Position> position_of(std::string_view cursor) {
  const auto text = base64url_decode(cursor);
  if (!text) return std::nullopt;
  const std::size_t blank = text->find(' ');
  if (blank == std::string::npos) return std::nullopt;
  const auto at = number_of(std::string_view(*text).substr(0, blank));
  if (!at) return std::nullopt;
  return journal::Position{from_us(*at), text->substr(blank + 1)};
}

// A message of the account with all that its page shows.
struct Page {
  mailbox::Message message;
  mailbox::Content content;
  std::vector<mailbox::DraftAttachmentInfo> attachments;
  std::vector<HoldExtras> extras;
  std::optional<json::object> decision;
};

std::optional<Page> load_page(store::ReadTx& tx, const UserId& user, const MessageId& id) {
  auto message = mailbox::find_for_review(tx, user, id);
  if (!message) return std::nullopt;
  Page page{
      std::move(*message), mailbox::load_content(tx, id), mailbox::list_draft_attachments(tx, id), {}, {}};
  if (page.message.review_status == ReviewStatus::pending_review) {
    page.extras = load_extras(tx, {page.message});
  } else if (page.message.review_status) {
    page.decision = find_decision(tx, user, id);
  }
  return page;
}

void add_header(json::array& headers, std::string_view name, const std::string& value) {
  if (!value.empty()) headers.push_back(json::array{name, value});
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

// A draft has no header yet; this is what will become one.
json::array draft_headers(const mailbox::Message& message) {
  json::array headers;
  add_header(headers, "From", message.agent_email);
  add_header(headers, "To", joined(message.to));
  add_header(headers, "Cc", joined(message.cc));
  add_header(headers, "Bcc", joined(message.bcc));
  add_header(headers, "Reply-To", message.reply_to);
  add_header(headers, "Subject", message.subject);
  add_header(headers, "In-Reply-To", message.in_reply_to);
  add_header(headers, "References", joined(message.references));
  return headers;
}

json::object view_of(const Page& page) {
  const mailbox::Message& message = page.message;
  const bool draft = message.direction == Direction::outbound && page.content.has_draft;
  const std::string raw = page.content.raw.value_or("");
  json::object view;
  std::vector<AttachmentEntry> attachments;
  std::string text = page.content.text;
  if (draft) {
    attachments = entries_of(page.attachments);
    view["text"] = page.content.text;
    view["html"] = page.content.html;
  } else {
    const mail::Decomposition parts = mail::decompose(raw);
    attachments = entries_of(mail::parse(raw).attachments);
    text = parts.text;
    view["text"] = parts.text;
    view["html"] = parts.html;
  }
  view["headers"] = raw.empty() ? draft_headers(message) : raw_headers(raw);
  view["source_url"] = raw.empty() ? json::value(nullptr)
                                   : json::value("/console/api/reviews/" + message.id.str() + "/source");
  view["attachments"] = attachments_view(attachments);
  view["warnings"] = warnings_of(message.subject, text, attachments);
  view["hold"] = page.extras.empty() ? json::value(nullptr) : json::value(hold_view(message, page.extras[0]));
  view["decision"] = page.decision ? json::value(*page.decision) : json::value(nullptr);
  return view;
}

Result<std::int64_t, Refusal> take_undo_seconds(json::object& body) {
  const json::value* given = body.if_contains("undo_seconds");
  if (given == nullptr || given->is_null()) {
    body.erase("undo_seconds");
    return 0;
  }
  if (!given->is_int64() || given->as_int64() < 0 || given->as_int64() > kUndoSecondsMax) {
    return unexpected(invalid(422, "body.undo_seconds", "must be an integer from 0 to 60"));
  }
  const std::int64_t seconds = given->as_int64();
  body.erase("undo_seconds");
  return seconds;
}

}  // namespace

Awaitable<Answer> list_reviews(Context& context, Visit& visit) {
  const std::string cursor = query_value(visit.request.query, "cursor").value_or("");
  std::int64_t limit = kPageDefault;
  if (const auto given = query_value(visit.request.query, "limit")) {
    const auto number = number_of(*given);
    if (!number || *number < 1 || *number > kPageMax) {
      co_return unexpected(invalid(422, "query.limit", "must be an integer from 1 to 1000"));
    }
    limit = *number;
  }
  std::optional<journal::Position> after;
  if (!cursor.empty()) {
    after = position_of(cursor);
    if (!after) co_return unexpected(Refusal{400, "invalid_cursor", "the cursor is not one of this list"});
  }
  auto body = [user = visit.person.user, after, limit](store::ReadTx& tx) {
    auto held = mailbox::list_pending_by_deadline(tx, user, after, limit + 1);
    const bool more = std::cmp_greater(held.size(), limit);
    if (more) held.pop_back();
    const std::vector<HoldExtras> extras = load_extras(tx, held);
    json::array items;
    items.reserve(held.size());
    for (std::size_t i = 0; i < held.size(); ++i) items.push_back(hold_view(held[i], extras[i]));
    json::object view{{"items", std::move(items)}, {"next_cursor", nullptr}};
    if (more) view["next_cursor"] = cursor_of(held.back());
    view["total"] = tx.query(kCount, {user.str()}).front().integer(0);
    return view;
  };
  const json::object view = co_await store::read(context.database, std::move(body));
  co_return json_answer(200, view);
}

Awaitable<Answer> get_body(Context& context, Visit& visit) {
  auto body = [user = visit.person.user, id = MessageId(visit.path[0])](store::ReadTx& tx) {
    return load_page(tx, user, id);
  };
  const std::optional<Page> page = co_await store::read(context.database, std::move(body));
  if (!page) co_return unexpected(not_found());
  const json::object view = view_of(*page);
  co_return json_answer(200, view);
}

Awaitable<Answer> get_attachment(Context& context, Visit& visit) {
  const auto index = number_of(visit.path[1]);
  if (!index) co_return unexpected(invalid(422, "path.index", "must be an integer of at least 0"));
  auto body = [user = visit.person.user, id = MessageId(visit.path[0]),
               index = *index](store::ReadTx& tx) -> std::optional<AttachmentBytes> {
    const auto message = mailbox::find_for_review(tx, user, id);
    if (!message) return std::nullopt;
    return load_attachment(tx, *message, index);
  };
  const std::optional<AttachmentBytes> found = co_await store::read(context.database, std::move(body));
  if (!found)
    co_return unexpected(Refusal{404, "attachment_not_found", "the message has no such attachment"});
  co_return download_of(*found);
}

Awaitable<Answer> get_source(Context& context, Visit& visit) {
  auto body = [user = visit.person.user,
               id = MessageId(visit.path[0])](store::ReadTx& tx) -> std::optional<std::string> {
    if (!mailbox::find_for_review(tx, user, id)) return std::nullopt;
    return mailbox::load_content(tx, id).raw;
  };
  const std::optional<std::string> raw = co_await store::read(context.database, std::move(body));
  if (!raw) co_return unexpected(not_found());
  co_return download_of(AttachmentBytes{visit.path[0] + ".eml.txt", "text/plain", *raw});
}

Awaitable<Answer> approve_review(Context& context, Visit& visit) {
  net::Request request = visit.request;
  Duration undo_for{};
  if (!request.body.empty() && !request.body_too_large) {
    auto body = read_object(request);
    if (!body) co_return unexpected(body.error());
    const auto seconds = take_undo_seconds(*body);
    if (!seconds) co_return unexpected(seconds.error());
    undo_for = std::chrono::seconds(*seconds);
    request.body = json::serialize(*body);
  }
  request.path = "/v1" + request.path.substr(std::string_view("/console/api").size());
  request.target = request.path;
  request.query.clear();
  auto work = ask_api(context, visit, std::move(request), undo_for);
  net::Response response = co_await std::move(work);
  if (response.status >= 300) co_return response;
  json::object view = json::parse(response.body).as_object();
  for (const char* member : {"undo_token", "undo_until"}) {
    if (!view.contains(member)) view[member] = nullptr;
  }
  response.body = json::serialize(view);
  co_return response;
}

Awaitable<Answer> undo_approval(Context& context, Visit& visit) {
  const auto body = read_object(visit.request);
  if (!body) co_return unexpected(body.error());
  const auto decided_at = number_of(text_member(*body, "undo_token").value_or(""));
  if (!decided_at) co_return unexpected(invalid(422, "body.undo_token", "must be the token of an approval"));
  auto work = [command =
                   approve::UndoCommand{visit.person.user, MessageId(visit.path[0]), from_us(*decided_at)},
               now = visit.now](store::Tx& tx) { return approve::undo(tx, command, now); };
  const auto undone = co_await store::write(context.database, std::move(work));
  CS_FAULT("console.undone");
  if (undone) {
    context.settings.committed();
    log::info("console.undone", {{"message", visit.path[0]}, {"account", visit.person.user.str()}});
    const json::object nothing;
    co_return json_answer(200, nothing);
  }
  switch (undone.error()) {
    case approve::UndoRefusal::not_found:
      co_return unexpected(not_found());
    case approve::UndoRefusal::too_late:
      co_return unexpected(Refusal{409, "too_late", "it is on its way already, or was decided anew"});
  }
  co_return unexpected(not_found());
}

}  // namespace countersign::console
