// The mailbox of an agent: lists, single messages, labels, trash, lifecycle.
#include <algorithm>
#include <chrono>
#include <iterator>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/drafts.hpp"
#include "agent/rest/handlers/filters.hpp"
#include "agent/rest/views.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Agent;
using account::Principal;
using mailbox::Direction;

constexpr std::size_t kFilterBytesMax = 200;  // from and subject_contains

// A list as asked for, defaults applied (operations.md, listMessages).
struct Listing {
  mailbox::ListFilter filter;
  PageRequest page;
};

// What the two read-state parameters come to.
struct ReadState {
  std::string direction;  // inbound, outbound, all
  std::string status;     // unread, read, all
};

Result<ReadState, ApiError> read_state(const Call& call, bool trashed) {
  ReadState state;
  state.direction = call.query_text("direction").value_or(trashed ? "all" : "inbound");
  const bool unread_only = state.direction == "inbound" && !trashed;
  state.status = call.query_text("read_status").value_or(unread_only ? "unread" : "all");
  if (state.direction == "outbound" && state.status != "all") {
    return unexpected(invalid_filter("read_status applies to inbound messages only"));
  }
  return state;
}

// Over both directions `read` leaves only rows that have been read, and `unread` is not applied.
std::optional<std::string> applied(const ReadState& state) {
  if (state.status == "all") return std::nullopt;
  if (state.direction == "all" && state.status == "unread") return std::nullopt;
  return state.status;
}

std::optional<ApiError> read_texts(const Call& call, mailbox::ListFilter& filter) {
  filter.from = call.query_text("from").value_or("");
  filter.subject_contains = call.query_text("subject_contains").value_or("");
  filter.conversation_id = call.query_text("conversation_id").value_or("");
  if (filter.from.size() > kFilterBytesMax || filter.subject_contains.size() > kFilterBytesMax) {
    return invalid_filter("from and subject_contains take at most 200 bytes");
  }
  if (!valid_conversation_id(filter.conversation_id)) {
    return invalid_filter("conversation_id must have at most 200 characters and no CR/LF");
  }
  return std::nullopt;
}

std::optional<ApiError> read_label_filter(const Call& call, mailbox::ListFilter& filter) {
  const std::vector<std::string> entries = call.query_list("labels");
  if (entries.size() > kLabelsPerListMax) return invalid_filter("labels takes at most 50 entries");
  for (const std::string& entry : entries) {
    std::string label = ascii_lower(trim(entry));
    if (!valid_label(label)) return invalid_filter("a label has 1 to 64 characters of a-z 0-9 : _ -");
    filter.labels.push_back(std::move(label));
  }
  std::ranges::sort(filter.labels);
  const auto repeated = std::ranges::unique(filter.labels);
  filter.labels.erase(repeated.begin(), repeated.end());
  return std::nullopt;
}

Result<Listing, ApiError> read_listing(const Context& context, const Call& call) {
  Listing listing;
  mailbox::ListFilter& filter = listing.filter;
  filter.trashed = call.query_flag("deleted");
  filter.ascending = call.query_text("sort") == "asc";
  const Result<ReadState, ApiError> state = read_state(call, filter.trashed);
  if (!state) return unexpected(state.error());
  if (state->direction == "inbound") filter.direction = Direction::inbound;
  if (state->direction == "outbound") filter.direction = Direction::outbound;
  filter.read_status = applied(*state);
  if (auto error = read_texts(call, filter)) return unexpected(std::move(*error));
  if (auto error = read_label_filter(call, filter)) return unexpected(std::move(*error));
  const Result<Range, ApiError> range = read_range(call);
  if (!range) return unexpected(range.error());
  filter.since = range->since;
  filter.until = range->until;
  const std::string labels = to_json_list(filter.labels);
  Result<PageRequest, ApiError> page =
      page_request(context, call,
                   filters_text({"messages", agent_email(call), state->direction, state->status,
                                 filter.ascending ? "asc" : "desc", filter.from, filter.subject_contains,
                                 filter.conversation_id, labels, instant_text(call, "since"),
                                 instant_text(call, "until"), filter.trashed ? "trash" : "live"}));
  if (!page) return unexpected(std::move(page.error()));
  listing.page = std::move(*page);
  return listing;
}

CursorKey key_of_message(const mailbox::Message& message) {
  return {to_us(message.created_at), message.id.str()};
}

// The next rows of a list, `missing` at most.
Awaitable<Result<mailbox::MessagePage, ApiError>> list_step(Context& context, const Call& call,
                                                            Result<Listing, ApiError> listing,
                                                            std::optional<journal::Position> after,
                                                            std::int64_t missing) {
  auto body = [&context, email = agent_email(call), listing = std::move(listing), after = std::move(after),
               missing](store::ReadTx& tx,
                        const Principal& principal) -> Result<mailbox::MessagePage, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!listing) return unexpected(listing.error());
    return mailbox::list(tx, email, listing->filter, after, missing, context.settings.search.rows_of_step);
  };
  co_return co_await read(context, call, std::move(body));
}

Awaitable<Response> list_messages(Context& context, const Call& call) {
  using std::chrono::steady_clock;
  const SearchLimits& limits = context.settings.search;
  const Result<Listing, ApiError> listing = read_listing(context, call);
  const auto give_up = steady_clock::now() + limits.time_max;
  mailbox::MessagePage found;
  if (listing) found.reached = listing->page.position();
  for (int steps = 1;; ++steps) {
    const std::int64_t missing = listing ? listing->page.limit + 1 - std::ssize(found.messages) : 0;
    Result<mailbox::MessagePage, ApiError> step =
        co_await list_step(context, call, listing, found.reached, missing);
    if (!step) co_return call.refuse(step.error());
    std::ranges::move(step->messages, std::back_inserter(found.messages));
    found.reached = std::move(step->reached);
    if (!found.reached || steps >= limits.steps_max || steady_clock::now() >= give_up) break;
  }
  std::optional<CursorKey> reached;
  if (found.reached) reached = CursorKey{to_us(found.reached->at), found.reached->id};
  co_return json_response(
      200, page_view(context, listing->page, found.messages, key_of_message, message_summary_view, reached));
}

Awaitable<Response> get_message(Context& context, const Call& call) {
  Result<Loaded, ApiError> loaded = co_await load_message(context, call);
  if (!loaded) co_return call.refuse(loaded.error());
  const Result<std::monostate, ApiError> marked = co_await mark_read(context, call, loaded->message);
  if (!marked) co_return call.refuse(marked.error());
  co_return json_response(200, message_view(loaded->message, loaded->content, Viewer::agent));
}

Awaitable<Response> update_message(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  Result<std::vector<std::string>, ApiError> add = read_labels(call, "add_labels");
  if (!add) co_return call.refuse(add.error());
  Result<std::vector<std::string>, ApiError> remove = read_labels(call, "remove_labels");
  if (!remove) co_return call.refuse(remove.error());

  const MessageId id(call.path("id"));
  auto body = [&context, email = admitted->email, id, add = std::move(*add), remove = std::move(*remove)](
                  store::Tx& tx, const Principal& principal) -> Result<std::vector<std::string>, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    auto labels = mailbox::change_labels(tx, email, id, add, remove);
    if (labels) return std::move(*labels);
    switch (labels.error()) {
      case mailbox::LabelRefusal::not_found:
        return unexpected(not_found());
      case mailbox::LabelRefusal::too_many:
        return unexpected(api_error(ErrorCode::invalid_request, "a message takes at most 100 labels"));
    }
    CS_ASSERT(false);
  };
  const Result<std::vector<std::string>, ApiError> labels = co_await write(context, call, std::move(body));
  if (!labels) co_return call.refuse(labels.error());
  json::array list;
  for (const std::string& label : *labels) list.emplace_back(label);
  json::object view{{"message_id", id.str()}};
  view["labels"] = std::move(list);
  co_return json_response(200, view);
}

ApiError error_of(mailbox::TrashRefusal refusal) {
  using mailbox::TrashRefusal;
  switch (refusal) {
    case TrashRefusal::not_found:
      return not_found();
    case TrashRefusal::message_held:
      return api_error(ErrorCode::message_held, "the message is held for review");
    case TrashRefusal::not_in_trash:
      return api_error(ErrorCode::not_in_trash, "the message is not in the trash");
    case TrashRefusal::send_in_progress:
      return api_error(ErrorCode::send_in_progress, "the message is being sent");
  }
  CS_ASSERT(false);
}

// The soft form is the agent's, the permanent one its account's.
std::optional<ApiError> check_delete(const Call& call) {
  if (!call.query_flag("permanent") || call.query_text("confirm") == "DELETE") return std::nullopt;
  std::vector<FieldError> fields;
  fields.push_back({"query.confirm", "must be DELETE when permanent is true"});
  return invalid_request(std::move(fields), 422);
}

Awaitable<Response> delete_message(Context& context, const Call& call) {
  if (const auto error = check_delete(call)) co_return call.refuse(*error);
  const bool permanent = call.query_flag("permanent");
  auto check = [&context, email = agent_email(call), permanent](
                   store::ReadTx& tx, const Principal& principal) -> Result<Agent, ApiError> {
    if (permanent && principal.scope != account::Scope::account) return unexpected(forbidden());
    return resolve_agent(tx, context, principal, email);
  };
  const Result<Agent, ApiError> admitted = co_await read(context, call, std::move(check));
  if (!admitted) co_return call.refuse(admitted.error());

  const MessageId id(call.path("id"));
  auto body = [&context, email = admitted->email, id, permanent, now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    const auto done = permanent ? mailbox::purge(tx, email, id) : mailbox::trash(tx, email, id, now);
    if (!done) return unexpected(error_of(done.error()));
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> deleted = co_await write(context, call, std::move(body));
  if (!deleted) co_return call.refuse(deleted.error());
  const json::object view{{"deleted", true}, {"id", id.str()}};
  co_return json_response(200, view);
}

Awaitable<Response> restore_message(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  auto body = [&context, email = admitted->email, id = MessageId(call.path("id"))](
                  store::Tx& tx, const Principal& principal) -> Result<Loaded, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    Result<mailbox::Message, mailbox::TrashRefusal> message = mailbox::restore(tx, email, id);
    if (!message) return unexpected(error_of(message.error()));
    return Loaded{std::move(*message), mailbox::load_content(tx, id)};
  };
  const Result<Loaded, ApiError> restored = co_await write(context, call, std::move(body));
  if (!restored) co_return call.refuse(restored.error());
  co_return json_response(200, message_view(restored->message, restored->content, Viewer::agent));
}

Awaitable<Response> get_lifecycle(Context& context, const Call& call) {
  const MessageId id(call.path("id"));
  const std::string email = agent_email(call);
  auto body = [&context, email, id,
               request = page_request(context, call, filters_text({"lifecycle", email, id.str()}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!mailbox::find(tx, email, id)) return unexpected(not_found());
    if (!request) return unexpected(request.error());
    const auto rows = journal::list_lifecycle(tx, id, request->position(), request->limit + 1);
    const auto key_of = [](const journal::LifecycleRow& row) {
      return CursorKey{to_us(row.occurred_at), row.id};
    };
    return page_view(context, *request, rows, key_of, lifecycle_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

}  // namespace

void attach_messages(Server& server, Context& context) {
  server.handle("listMessages", bind(context, list_messages));
  server.handle("getMessage", bind(context, get_message));
  server.handle("updateMessage", bind(context, update_message));
  server.handle("deleteMessage", bind(context, delete_message));
  server.handle("restoreMessage", bind(context, restore_message));
  server.handle("getMessageLifecycle", bind(context, get_lifecycle));
}

}  // namespace countersign::agent::rest
