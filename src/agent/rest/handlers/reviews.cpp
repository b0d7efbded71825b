// The review queue: held messages of an account, and the decisions about them.
#include <boost/json/serialize.hpp>
#include <charconv>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/drafts.hpp"
#include "agent/rest/handlers/outcomes.hpp"
#include "agent/rest/views.hpp"
#include "approve/approve.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "mailbox/limits.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Principal;
using mailbox::Direction;

Awaitable<Response> list_reviews(Context& context, const Call& call) {
  auto body = [&context, request = page_request(context, call, filters_text({"reviews"}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const auto held = mailbox::list_pending(tx, principal.user, request->position(), request->limit + 1);
    const auto key_of = [](const mailbox::Message& message) {
      return CursorKey{to_us(message.created_at), message.id.str()};
    };
    return page_view(context, *request, held, key_of, review_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

std::string revision_tag(std::int64_t revision) { return "\"" + std::to_string(revision) + "\""; }

Awaitable<Response> get_review(Context& context, const Call& call) {
  struct Loaded {
    mailbox::Message message;
    mailbox::Content content;
    std::vector<mailbox::DraftAttachmentInfo> attachments;
  };
  auto body = [id = MessageId(call.path("id"))](store::ReadTx& tx,
                                                const Principal& principal) -> Result<Loaded, ApiError> {
    std::optional<mailbox::Message> message = mailbox::find_for_review(tx, principal.user, id);
    if (!message) return unexpected(not_found());
    return Loaded{std::move(*message), mailbox::load_content(tx, id),
                  mailbox::list_draft_attachments(tx, id)};
  };
  const Result<Loaded, ApiError> loaded = co_await read(context, call, std::move(body));
  if (!loaded) co_return call.refuse(loaded.error());
  json::object view = message_view(loaded->message, loaded->content, Viewer::reviewer);
  if (loaded->content.has_draft) view["draft"] = draft_view(loaded->message, loaded->attachments);
  Response response = json_response(200, view);
  response.headers.set("ETag", revision_tag(loaded->message.revision));
  co_return response;
}

// The draft revision that a decision is about: the one an If-Match names, else the one just read. Our own
// addition to the contract (RFC 9110 §13.1.1), so that a person approves what that person saw.
Result<std::int64_t, ApiError> revision_meant(const Call& call, const mailbox::Message& message) {
  const std::string_view tag = trim(call.headers().get("If-Match"));
  if (tag.empty() || tag == "*") return message.revision;
  std::int64_t revision = 0;
  if (tag.size() > 2 && tag.front() == '"' && tag.back() == '"') {
    const std::string_view digits = tag.substr(1, tag.size() - 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), revision);
    if (error == std::errc() && end == digits.data() + digits.size()) return revision;
  }
  return unexpected(invalid_request({{"header.If-Match", "expected the ETag of getReview"}}, 400));
}

ApiError message_not_pending() {
  return api_error(ErrorCode::message_not_pending, "the message is not pending review");
}

ApiError error_of(const approve::Refusal& refusal) {
  struct Visitor {
    ApiError operator()(const approve::NotFound&) const { return not_found(); }
    ApiError operator()(const approve::NotPending&) const { return message_not_pending(); }
    ApiError operator()(const approve::StaleRevision&) const {
      return api_error(ErrorCode::conflict, "the draft has changed since it was read");
    }
    ApiError operator()(const approve::InvalidDraft& invalid) const {
      return api_error(
          invalid.field == "recipient" ? ErrorCode::invalid_recipient : ErrorCode::invalid_request,
          invalid.message);
    }
    ApiError operator()(const approve::TooManyRecipients& too_many) const {
      return too_many_recipients(mailbox::kRecipientsMax, static_cast<std::int64_t>(too_many.provided));
    }
    ApiError operator()(const approve::TooLarge& too_large) const {
      return payload_too_large("composed_message", static_cast<std::uint64_t>(too_large.actual_bytes),
                               static_cast<std::uint64_t>(mailbox::kComposedBytesMax));
    }
    ApiError operator()(const approve::DomainNotVerified&) const { return sender_domain_not_verified(); }
    ApiError operator()(const approve::RecipientSuppressed& suppressed) const {
      return recipient_suppressed(suppressed.addresses);
    }
    ApiError operator()(const approve::Unseen&) const { return message_not_pending(); }  // of the clock only
  };
  return std::visit(Visitor{}, refusal);
}

// What can be taken back is named by when it was decided (approve::undo).
Answer answer_of(const approve::Decision& decision, const MessageId& id, UtcTime now) {
  json::object view;
  if (decision.direction == Direction::inbound) {
    view = {{"status", "review_approved"}, {"message_id", id.str()}};
    return {200, json::serialize(view)};
  }
  view = {{"status", decision.send.complete ? "sent" : "accepted"},
          {"message_id", id.str()},
          {"sent_as", decision.send.sent_as},
          {"method",
           mailbox::name_of(decision.send.complete ? mailbox::Method::loopback : mailbox::Method::smtp)},
          {"edited", decision.edited}};
  if (decision.undo_until) {
    view["undo_token"] = std::to_string(to_us(now));
    view["undo_until"] = to_rfc3339(*decision.undo_until);
  }
  return {decision.send.complete ? 200 : 202, json::serialize(view)};
}

// A held message as the reviewer's request found it, and what the key of the request stands for.
struct Held {
  UserId user;
  mailbox::Message message;
  Result<std::optional<Answer>, ApiError> answered;
};

Awaitable<Result<Held, ApiError>> find_held(Context& context, const Call& call, Keyed keyed) {
  auto body = [id = MessageId(call.path("id")), keyed = std::move(keyed), now = call.received()](
                  store::ReadTx& tx, const Principal& principal) -> Result<Held, ApiError> {
    std::optional<mailbox::Message> message = mailbox::find_for_review(tx, principal.user, id);
    if (!message) return unexpected(not_found());
    Held held{principal.user, std::move(*message), std::nullopt};
    if (held.message.direction == Direction::outbound)
      held.answered = look_up(tx, principal.user, keyed, now);
    return held;
  };
  co_return co_await read(context, call, std::move(body));
}

// Edited recipient lists are settled against those that stay, as a send's are against each other.
// Counts what was given, as sendMessage does: before an address that is named twice becomes one.
std::optional<ApiError> settle_edit(approve::PendingApprovalEdit& edit, const mailbox::Message& message) {
  if (!edit.to && !edit.cc && !edit.bcc) return std::nullopt;
  std::vector<std::string> to = edit.to.value_or(message.to);
  std::vector<std::string> cc = edit.cc.value_or(message.cc);
  std::vector<std::string> bcc = edit.bcc.value_or(message.bcc);
  if (to.empty() && cc.empty() && (edit.to || edit.cc)) {  // contract, sendMessage 4
    return api_error(ErrorCode::invalid_request, "at least one recipient is required in to or cc");
  }
  const std::size_t provided = to.size() + cc.size() + bcc.size();
  if (provided > mailbox::kRecipientsMax) {
    return too_many_recipients(mailbox::kRecipientsMax, static_cast<std::int64_t>(provided));
  }
  const bool reply = message.kind == mailbox::Kind::reply;
  settle_recipients(to, cc, bcc, message.agent_email, reply ? OwnAddress::kept_in_to : OwnAddress::left_out);
  edit.to = std::move(to);
  edit.cc = std::move(cc);
  edit.bcc = std::move(bcc);
  return std::nullopt;
}

Awaitable<Result<Answer, ApiError>> decide(Context& context, const Call& call, Keyed keyed,
                                           approve::PendingApprovalEdit edit, std::int64_t revision) {
  auto body = [&context, keyed = std::move(keyed), edit = std::move(edit), id = MessageId(call.path("id")),
               revision, undo_for = call.session() ? call.session()->undo_for : Duration(0),
               now = call.received()](store::Tx& tx, const Principal& principal) -> Result<Answer, ApiError> {
    Result<std::optional<Answer>, ApiError> answered = claim(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    if (*answered) return std::move(**answered);
    const approve::ApproveCommand command{principal.user, id, principal.actor(), edit, revision, undo_for};
    const auto decision =
        approve::approve_and_send(tx, command, context.send, context.settings.shared_domain, now);
    if (!decision) return unexpected(error_of(decision.error()));
    Answer answer = answer_of(*decision, id, now);
    remember(tx, principal.user, keyed, answer, now);
    return answer;
  };
  co_return co_await write(context, call, std::move(body));
}

Response respond(const Call& call, const Result<Answer, ApiError>& answer) {
  if (!answer) return call.refuse(answer.error());
  return json_text_response(answer->status, answer->body);
}

Awaitable<Response> approve_review(Context& context, const Call& call) {
  const Result<Keyed, ApiError> keyed = keyed_of(call, "/v1/approve/" + call.path("id"));
  if (!keyed) co_return call.refuse(keyed.error());
  Result<Held, ApiError> held = co_await find_held(context, call, *keyed);
  if (!held) co_return call.refuse(held.error());
  if (held->message.direction == Direction::inbound) {
    const Keyed no_key;
    const approve::PendingApprovalEdit no_edit;
    const Result<Answer, ApiError> released =
        co_await decide(context, call, no_key, no_edit, held->message.revision);
    co_return respond(call, released);
  }
  // Whatever its key says: what does not depend on what is stored is judged on every call (contract §7).
  Result<approve::PendingApprovalEdit, ApiError> edit = read_edit(call);
  if (!edit) co_return call.refuse(edit.error());
  const Result<std::optional<Answer>, ApiError>& answered = held->answered;
  if (!answered) co_return call.refuse(answered.error());
  if (*answered) co_return json_text_response((*answered)->status, (*answered)->body);

  auto guard = take_key(context, held->user, *keyed);
  if (!guard) co_return call.refuse(guard.error());
  if (held->message.review_status != mailbox::ReviewStatus::pending_review) {
    co_return call.refuse(message_not_pending());
  }
  const Result<std::int64_t, ApiError> revision = revision_meant(call, held->message);
  if (!revision) co_return call.refuse(revision.error());
  if (auto error = settle_edit(*edit, held->message)) co_return call.refuse(*error);
  std::string agent = held->message.agent_email;
  const RateDecision decision = co_await context.server->take_send(std::move(agent), call.received());
  if (!decision.allowed) co_return call.refuse(rate_limited(decision.retry_after_seconds));
  const Result<Answer, ApiError> approved =
      co_await decide(context, call, *keyed, std::move(*edit), *revision);
  CS_FAULT("rest.decided");
  if (approved) context.settings.queued();
  co_return respond(call, approved);
}

Awaitable<Response> reject_review(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const MessageId id(call.path("id"));
  const std::string reason(call.body_text("reason").value_or(""));
  auto body = [id, reason, now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    const approve::RejectCommand command{principal.user, id, principal.actor(), reason};
    const auto rejected = approve::reject(tx, command, now);
    if (!rejected) return unexpected(error_of(rejected.error()));
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> rejected = co_await write(context, call, std::move(body));
  if (!rejected) co_return call.refuse(rejected.error());
  json::object view{{"status", "review_rejected"}, {"message_id", id.str()}};
  if (!reason.empty()) view["rejection_reason"] = reason;
  co_return json_response(200, view);
}

}  // namespace

void attach_reviews(Server& server, Context& context) {
  server.handle("listReviews", bind(context, list_reviews));
  server.handle("getReview", bind(context, get_review));
  server.handle("approveReview", bind(context, approve_review));
  server.handle("rejectReview", bind(context, reject_review));
}

}  // namespace countersign::agent::rest
