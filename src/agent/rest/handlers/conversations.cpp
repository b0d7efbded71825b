// Conversations of an agent (contract §12). Nothing here marks a message as read.
#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/filters.hpp"
#include "agent/rest/views.hpp"
#include "base/text.hpp"
#include "mailbox/conversation.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Agent;
using account::Principal;

constexpr std::int64_t kMessagesShownMax = 1000;

Awaitable<Response> list_conversations(Context& context, const Call& call) {
  const std::string email = agent_email(call);
  auto body = [&context, email, range = read_range(call),
               request = page_request(context, call,
                                      filters_text({"conversations", email, instant_text(call, "since"),
                                                    instant_text(call, "until")}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!range) return unexpected(range.error());
    if (!request) return unexpected(request.error());
    const auto rows = mailbox::list_conversations(tx, email, {range->since, range->until},
                                                  request->position(), request->limit + 1);
    const auto key_of = [](const mailbox::Conversation& conversation) {
      return CursorKey{to_us(conversation.last_message_at), conversation.id};
    };
    return page_view(context, *request, rows, key_of, conversation_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

Awaitable<Response> get_conversation(Context& context, const Call& call) {
  const std::string id = call.path("id");
  auto body = [&context, email = agent_email(call), id](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    if (!valid_conversation_id(id)) {
      return unexpected(
          api_error(ErrorCode::invalid_request, "a conversation id has at most 200 characters and no CR/LF"));
    }
    const std::optional<mailbox::Conversation> conversation = mailbox::find_conversation(tx, email, id);
    if (!conversation) return unexpected(not_found());
    return conversation_detail_view(*conversation,
                                    mailbox::conversation_messages(tx, email, id, kMessagesShownMax));
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

}  // namespace

void attach_conversations(Server& server, Context& context) {
  server.handle("listConversations", bind(context, list_conversations));
  server.handle("getConversation", bind(context, get_conversation));
}

}  // namespace countersign::agent::rest
