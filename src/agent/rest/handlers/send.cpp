// sendMessage, and what it has in common with reply, forward and test: a draft from an agent, accepted once
// per Idempotency-Key, then perhaps waited for.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/drafts.hpp"
#include "agent/rest/handlers/outcomes.hpp"
#include "agent/rest/handlers/sending.hpp"
#include "base/assert.hpp"
#include "base/error.hpp"
#include "hold/scan.hpp"
#include "hold/submit.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Agent;
using account::Principal;
using std::chrono::milliseconds;

// wait=sent (contract §10): how long in all, and how the pauses between two looks grow.
constexpr milliseconds kWaitMax{15'000};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{500};

// What a committed submission is answered with. A blocked one is committed too, for its event, but is a
// refusal to the caller.
struct Outcome {
  Answer answer;
  std::optional<ApiError> refusal;
  bool held = false;
};

ApiError error_of(const hold::SubmitRefusal& refusal, const Principal& principal) {
  struct Visitor {
    const Principal& principal;
    ApiError operator()(const hold::DomainNotVerified&) const { return sender_domain_not_verified(); }
    ApiError operator()(const account::Exceeded& exceeded) const {
      return limit_exceeded(account::name_of(exceeded.resource), exceeded.limit, exceeded.current,
                            principal.plan_code);
    }
    ApiError operator()(const hold::AnswersTooOften& often) const { return answers_too_often(often); }
    ApiError operator()(const hold::RecipientSuppressed& suppressed) const {
      return recipient_suppressed(suppressed.addresses);
    }
    // Fixed by the contract (§14): the setting is taken as given and fails when a hold needs it.
    ApiError operator()(const hold::InvalidHoldTtl&) const {
      return api_error(ErrorCode::internal_error,
                       "holds.ttl_seconds of the agent's protection must be from 1 to 604800");
    }
  };
  return std::visit(Visitor{principal}, refusal);
}

Outcome outcome_of(const hold::Submitted& submitted, const MessageId& id) {
  json::object view;
  if (const auto* blocked = std::get_if<hold::Blocked>(&submitted)) {
    return {{}, api_error(ErrorCode::blocked_by_policy, "refused by policy: " + blocked->summary)};
  }
  if (const auto* held = std::get_if<hold::Held>(&submitted)) {
    view = {{"status", "pending_review"},
            {"message_id", id.str()},
            {"approval_expires_at", timestamp(held->approval_expires_at)}};
    return {{202, json::serialize(view)}, {}, true};
  }
  const outbox::SendResult& sent = std::get<hold::Sent>(submitted).result;
  if (!sent.complete) {
    view = {{"status", "accepted"}, {"message_id", id.str()}, {"method", "smtp"}};
    return {{202, json::serialize(view)}, {}};
  }
  view = {{"status", "sent"},
          {"message_id", id.str()},
          {"sent_as", sent.sent_as},
          {"method", mailbox::name_of(mailbox::Method::loopback)}};
  return {{200, json::serialize(view)}, {}};
}

// What a waiting caller is told about a message that has come to an end; nothing while it has not.
std::optional<Answer> terminal_answer(const mailbox::Message& message) {
  using mailbox::DeliveryStatus;
  if (!message.delivery_status) return std::nullopt;
  json::object view;
  switch (*message.delivery_status) {
    case DeliveryStatus::accepted:
    case DeliveryStatus::sending:
    case DeliveryStatus::unknown:  // may yet turn out either way
      return std::nullopt;
    case DeliveryStatus::failed:
      view["status"] = "failed";
      view["message_id"] = message.id.str();
      break;
    case DeliveryStatus::sent:
    case DeliveryStatus::deferred:
    case DeliveryStatus::delivered:
    case DeliveryStatus::bounced:
    case DeliveryStatus::complained:
      view["status"] = "sent";
      view["message_id"] = message.id.str();
      if (!message.provider_message_id.empty()) view["provider_message_id"] = message.provider_message_id;
      if (!message.sent_as.empty()) view["sent_as"] = message.sent_as;
      break;
  }
  view["method"] = mailbox::name_of(message.method);
  return Answer{200, json::serialize(view)};
}

// Looks at the accepted message of `answer` until it is at an end or the time is up; then `answer` stands.
Awaitable<Answer> wait_until_sent(Context& context, std::string email, Answer answer) {
  const json::object accepted = json::parse(answer.body).as_object();
  if (accepted.at("status").as_string() != "accepted") co_return answer;
  const MessageId id{std::string(accepted.at("message_id").as_string())};
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  milliseconds pause = kFirstPause;
  for (milliseconds waited{0}; waited < kWaitMax;
       waited += pause, pause = std::min(pause * 2, kLongestPause)) {
    timer.expires_after(pause);
    co_await timer.async_wait(boost::asio::use_awaitable);
    std::optional<mailbox::Message> message;
    try {
      auto look = [email, id](store::ReadTx& tx) { return mailbox::find(tx, email, id); };
      message = co_await store::read(context.database, std::move(look));
    } catch (const EnvironmentError&) {
      co_return answer;  // what was accepted stays accepted, though its end cannot be looked up now
    }
    if (!message) co_return answer;
    if (std::optional<Answer> end = terminal_answer(*message)) co_return std::move(*end);
  }
  co_return answer;
}

// The caller, found entitled to send, and what the key of the request stands for.
struct Sender {
  Principal principal;
  Agent agent;
  std::optional<Answer> answered;
};

Awaitable<Result<Sender, ApiError>> admit_sender(Context& context, const Call& call, Keyed keyed) {
  auto body = [&context, email = agent_email(call), keyed = std::move(keyed),
               template_error = check_template_shape(call), now = call.received()](
                  store::ReadTx& tx, const Principal& principal) -> Result<Sender, ApiError> {
    Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(std::move(agent.error()));
    if (template_error) return unexpected(*template_error);
    Result<std::optional<Answer>, ApiError> answered = look_up(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    return Sender{principal, std::move(*agent), std::move(*answered)};
  };
  co_return co_await read(context, call, std::move(body));
}

// What every kind of sending asks last, before the transaction (sendMessage 10, 13).
Awaitable<std::optional<ApiError>> check_sending(Context& context, const Call& call, std::string email,
                                                 const mailbox::Draft& draft) {
  if (draft.unsubscribe) {
    if (draft.to.size() + draft.cc.size() + draft.bcc.size() != 1) {
      co_return api_error(ErrorCode::invalid_request, "managed unsubscribe takes exactly one recipient");
    }
    co_return api_error(ErrorCode::not_implemented,
                        "managed unsubscribe is not available in this deployment");
  }
  const RateDecision decision = co_await context.server->take_send(std::move(email), call.received());
  if (!decision.allowed) co_return rate_limited(decision.retry_after_seconds);
  co_return std::nullopt;
}

// Short drafts are screened on the spot, longer ones where they keep no connection waiting.
Awaitable<std::optional<screen::Report>> screened(Context& context, account::Sensitivity sensitivity,
                                                  const std::string& author, const mailbox::Draft& draft) {
  constexpr std::int64_t kShortBytesMax = 32 * 1024;
  if (!context.settings.screening || sensitivity == account::Sensitivity::off) co_return std::nullopt;
  if (!context.settings.workers || draft.bytes() <= kShortBytesMax) {
    co_return hold::screen_draft(author, draft);
  }
  auto work = [](const std::string& from, const mailbox::Draft& what) -> Awaitable<screen::Report> {
    co_return hold::screen_draft(from, what);
  };
  auto task = work(author, draft);
  co_return co_await boost::asio::co_spawn(context.settings.workers, std::move(task),
                                           boost::asio::use_awaitable);
}

Awaitable<Result<Outcome, ApiError>> submit(Context& context, const Call& call, Sending sending,
                                            SendRequest request) {
  hold::SubmitCommand command;
  command.id = MessageId(ordered_id("msg_", call.received()));
  command.kind = sending.kind;
  command.conversation_id = std::move(request.conversation_id);
  command.draft = std::move(request.draft);
  command.answering = sending.answering;
  command.loops = context.settings.loops;
  if (command.conversation_id.empty()) command.conversation_id = ordered_id("conv_", call.received());
  const std::string author = agent_email(call);
  command.screening = co_await screened(context, sending.sensitivity, author, command.draft);
  auto body = [&context, email = author, keyed = std::move(sending.keyed), command = std::move(command),
               now = call.received()](store::Tx& tx,
                                      const Principal& principal) -> Result<Outcome, ApiError> {
    const Result<Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    Result<std::optional<Answer>, ApiError> answered = claim(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    if (*answered) return Outcome{std::move(**answered), {}};
    const auto submitted = hold::submit(tx, *agent, principal.limits, command, context.send, now);
    if (!submitted) return unexpected(error_of(submitted.error(), principal));
    Outcome outcome = outcome_of(*submitted, command.id);
    if (!outcome.refusal) remember(tx, principal.user, keyed, outcome.answer, now);
    return outcome;
  };
  co_return co_await write(context, call, std::move(body));
}

Awaitable<Response> send_message(Context& context, const Call& call) {
  const Result<Keyed, ApiError> keyed = keyed_of(call, "/v1/agents/" + agent_email(call) + "/messages");
  if (!keyed) co_return call.refuse(keyed.error());
  Result<Sender, ApiError> sender = co_await admit_sender(context, call, *keyed);
  if (!sender) co_return call.refuse(sender.error());
  if (sender->answered) co_return co_await finish(context, call, std::move(*sender->answered));
  Drafting drafting = [email = sender->agent.email](const Call& asked) -> Result<SendRequest, ApiError> {
    if (refers_to_template(asked)) {
      return unexpected(api_error(ErrorCode::template_not_found, "there is no such template"));
    }
    return read_send_request(asked, email);
  };
  Sending sending{sender->principal.user, *keyed};
  sending.sensitivity = sender->agent.protection.outbound.sensitivity;
  co_return co_await accept(context, call, std::move(sending), std::move(drafting));
}

// Mail of the platform, not of the agent: it has no key, and nobody waits for it.
Awaitable<Response> test_agent(Context& context, const Call& call) {
  const Result<Agent, ApiError> admitted = co_await admit_agent(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  Drafting drafting = [email = admitted->email](const Call&) -> Result<SendRequest, ApiError> {
    SendRequest request;
    request.draft.to = {email};
    request.draft.subject = "Test message";
    request.draft.text = "This is a test. It shows that mail from outside reaches " + email + ".\n";
    return request;
  };
  Sending sending{admitted->user, Keyed{}, mailbox::Kind::test};
  co_return co_await accept(context, call, std::move(sending), std::move(drafting));
}

}  // namespace

Awaitable<Response> finish(Context& context, const Call& call, Answer answer) {
  if (call.query_text("wait") == "sent") {
    answer = co_await wait_until_sent(context, agent_email(call), std::move(answer));
  }
  co_return json_text_response(answer.status, std::move(answer.body));
}

Awaitable<Response> accept(Context& context, const Call& call, Sending sending, Drafting drafting) {
  auto guard = take_key(context, sending.user, sending.keyed);
  if (!guard) co_return call.refuse(guard.error());
  Result<SendRequest, ApiError> request = drafting(call);
  if (!request) co_return call.refuse(request.error());
  std::string email = agent_email(call);
  const std::optional<ApiError> fault =
      co_await check_sending(context, call, std::move(email), request->draft);
  if (fault) co_return call.refuse(*fault);
  const mailbox::Kind kind = sending.kind;
  Result<Outcome, ApiError> outcome = co_await submit(context, call, std::move(sending), std::move(*request));
  guard->reset();  // the answer is stored: a duplicate of a waiting request is replayed
  if (!outcome) co_return call.refuse(outcome.error());
  if (outcome->refusal) co_return call.refuse(*outcome->refusal);
  outcome->held ? context.settings.held() : context.settings.queued();
  if (kind == mailbox::Kind::test) co_return json_text_response(outcome->answer.status, outcome->answer.body);
  co_return co_await finish(context, call, std::move(outcome->answer));
}

void attach_send(Server& server, Context& context) {
  server.handle("sendMessage", bind(context, send_message));
  server.handle("testAgent", bind(context, test_agent));
}

}  // namespace countersign::agent::rest
