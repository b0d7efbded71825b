// replyToMessage and forwardMessage. What concerns the message they refer to is asked of every call, before
// the claim of the key; the rest is a send.
#include "agent/rest/handlers/replies.hpp"
#include "agent/rest/handlers/sending.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

using account::Agent;
using account::Principal;
using mailbox::Direction;
using mailbox::ReviewStatus;

// The parent as the caller may refer to it, and what the key of the request stands for.
struct Found {
  UserId user;
  std::string email;
  account::Sensitivity sensitivity;  // for what the agent sends
  Parent parent;
  std::optional<Answer> answered;
};

// Live, and not kept from being seen or sent by a review.
bool is_target(const mailbox::Message& message) {
  return !message.deleted_at && message.review_status != ReviewStatus::pending_review &&
         message.review_status != ReviewStatus::review_rejected &&
         message.review_status != ReviewStatus::review_expired_rejected;
}

// Its recipients do not have it yet, so they could not place an answer to it.
bool is_on_its_way(const mailbox::Message& message) {
  using mailbox::DeliveryStatus;
  return message.direction == Direction::outbound && message.method != mailbox::Method::loopback &&
         message.provider_message_id.empty() &&
         (message.delivery_status == DeliveryStatus::accepted ||
          message.delivery_status == DeliveryStatus::sending);
}

Awaitable<Result<Found, ApiError>> find_parent(Context& context, const Call& call, Keyed keyed) {
  auto body = [&context, email = agent_email(call), id = MessageId(call.path("id")), keyed = std::move(keyed),
               now = call.received()](store::ReadTx& tx,
                                      const Principal& principal) -> Result<Found, ApiError> {
    Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(std::move(agent.error()));
    std::optional<mailbox::Message> message = mailbox::find(tx, email, id);
    if (!message || !is_target(*message)) return unexpected(not_found());
    if (is_on_its_way(*message)) {
      return unexpected(api_error(ErrorCode::message_not_yet_delivered,
                                  "the message has not been delivered yet; try again later"));
    }
    Found found{principal.user, email, agent->protection.outbound.sensitivity, {std::move(*message), {}}, {}};
    found.parent.raw = mailbox::load_content(tx, id).raw.value_or("");
    // A stored answer holds for the whole of the request, and what follows asks about the parent alone.
    Result<std::optional<Answer>, ApiError> answered = look_up(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    found.answered = std::move(*answered);
    return found;
  };
  co_return co_await read(context, call, std::move(body));
}

SendRequest reply_request(const Call& call, const ReplyPlan& plan, const std::string& conversation_id) {
  SendRequest request = read_common(call);
  mailbox::Draft& draft = request.draft;
  draft.subject = plan.subject;
  draft.to = plan.to;
  draft.cc.insert(draft.cc.begin(), plan.cc.begin(), plan.cc.end());
  draft.in_reply_to = plan.in_reply_to;
  draft.references = plan.references;
  if (request.conversation_id.empty()) request.conversation_id = conversation_id;
  return request;
}

SendRequest forward_request(const Call& call, ForwardPlan plan) {
  SendRequest request = read_common(call);
  mailbox::Draft& draft = request.draft;
  draft.subject = std::move(plan.subject);
  draft.to = read_recipients(call, "to");
  draft.html = (draft.html.empty() ? text_as_html(draft.text) : draft.html) + "<br><br>\n" + plan.html;
  draft.text = draft.text.empty() ? std::move(plan.text) : draft.text + "\n\n" + plan.text;
  draft.attachments = std::move(plan.attachments);
  return request;
}

hold::Answering answering(const mailbox::Message& parent) {
  if (parent.direction == Direction::outbound) return hold::Answering::letter;
  return parent.automatic == mailbox::Automatic::no ? hold::Answering::letter : hold::Answering::automatic;
}

Awaitable<Response> reply_to_message(Context& context, const Call& call) {
  const Result<Keyed, ApiError> keyed = keyed_of(call, "/v1/reply/" + call.path("id"));
  if (!keyed) co_return call.refuse(keyed.error());
  Result<Found, ApiError> found = co_await find_parent(context, call, *keyed);
  if (!found) co_return call.refuse(found.error());
  const boost::json::value* all = call.member("reply_all");
  const Audience audience = all != nullptr && all->as_bool() ? Audience::everybody : Audience::sender;
  Result<ReplyPlan, ApiError> plan = plan_reply(found->parent, audience, context.settings.provider_id_domain);
  if (!plan) co_return call.refuse(plan.error());
  if (found->answered) co_return co_await finish(context, call, std::move(*found->answered));
  Drafting drafting = [plan = std::move(*plan), email = found->email,
                       conversation = found->parent.message.conversation_id](const Call& asked) {
    return checked_request(asked, reply_request(asked, plan, conversation), email, OwnAddress::kept_in_to);
  };
  Sending sending{found->user, *keyed, mailbox::Kind::reply, found->sensitivity,
                  answering(found->parent.message)};
  co_return co_await accept(context, call, std::move(sending), std::move(drafting));
}

Awaitable<Response> forward_message(Context& context, const Call& call) {
  const Result<Keyed, ApiError> keyed = keyed_of(call, "/v1/forward/" + call.path("id"));
  if (!keyed) co_return call.refuse(keyed.error());
  Result<Found, ApiError> found = co_await find_parent(context, call, *keyed);
  if (!found) co_return call.refuse(found.error());
  if (found->answered) co_return co_await finish(context, call, std::move(*found->answered));
  Drafting drafting = [parent = std::move(found->parent), email = found->email](const Call& asked) {
    return checked_request(asked, forward_request(asked, plan_forward(parent)), email);
  };
  Sending sending{found->user, *keyed, mailbox::Kind::forward, found->sensitivity};
  co_return co_await accept(context, call, std::move(sending), std::move(drafting));
}

}  // namespace

void attach_replies(Server& server, Context& context) {
  server.handle("replyToMessage", bind(context, reply_to_message));
  server.handle("forwardMessage", bind(context, forward_message));
}

}  // namespace countersign::agent::rest
