#include "agent/rest/handlers/context.hpp"

#include <boost/json/serialize.hpp>

#include "account/session.hpp"
#include "base/crypto.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"
#include "net/http_message.hpp"

namespace countersign::agent::rest {
namespace {

constexpr std::size_t kKeyBytesMax = 255;  // contract §7
constexpr std::string_view kScheme = "Bearer ";

// What an answer is sealed for.
std::string answer_context(const UserId& user, const Keyed& keyed) {
  return user.str() + '\n' + keyed.key + '\n' + keyed.fingerprint;
}

Result<std::optional<Answer>, ApiError> settle(account::KeyState state, const UserId& user,
                                               const Keyed& keyed) {
  if (std::holds_alternative<account::InFlight>(state)) return unexpected(key_in_flight());
  if (std::holds_alternative<account::KeyReused>(state)) {
    return unexpected(
        api_error(ErrorCode::idempotency_key_reuse, "the Idempotency-Key was used for a different request"));
  }
  if (auto* replay = std::get_if<account::Replay>(&state)) {
    if (keyed.sealer == nullptr) return Answer{replay->status, std::move(replay->body)};
    const auto sealed = base64url_decode(replay->body);
    auto body = sealed ? keyed.sealer->open(*sealed, answer_context(user, keyed)) : std::nullopt;
    if (!body) {
      return unexpected(api_error(ErrorCode::idempotency_key_reuse,
                                  "the answer to this Idempotency-Key cannot be read any more; it was done"));
    }
    return Answer{replay->status, std::move(*body)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<KeysInFlight::Guard> KeysInFlight::enter(const UserId& user, std::string_view key) {
  std::string entry = user.str() + '\n' + std::string(key);
  const std::lock_guard lock(mutex_);
  if (!entries_.insert(entry).second) return std::nullopt;
  return std::optional<Guard>(std::in_place, *this, std::move(entry));
}

void KeysInFlight::leave(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  entries_.erase(entry);
}

std::string key_hash_of(std::optional<std::string_view> authorization) {
  if (!authorization) return {};
  std::string_view credential = *authorization;
  if (credential.size() >= kScheme.size() &&
      net::equal_ignoring_case(credential.substr(0, kScheme.size()), kScheme)) {
    credential.remove_prefix(kScheme.size());
  }
  credential = trim(credential);
  return credential.starts_with("e2a_") ? sha256_hex(credential) : std::string();
}

Entry entry_of(const Call& call) {
  const auto& session = call.session();
  if (session) return {"", session->token_hash, call.operation().caller, call.received()};
  return {key_hash_of(call.authorization()), "", call.operation().caller, call.received()};
}

Result<account::Principal, ApiError> admit(store::ReadTx& tx, const Entry& entry,
                                           const account::Limits& limits) {
  if (entry.key_hash.empty() && entry.session_hash.empty()) return unexpected(unauthorized());
  std::optional<account::Principal> principal =
      entry.session_hash.empty() ? account::authenticate(tx, entry.key_hash, entry.now, limits)
                                 : account::authenticate_session(tx, entry.session_hash, entry.now, limits);
  if (!principal) return unexpected(unauthorized());
  if (entry.caller == Caller::account && principal->scope != account::Scope::account) {
    return unexpected(forbidden());
  }
  return std::move(*principal);
}

std::string agent_email(const Call& call) { return mail::normalise(call.path("email")); }

Result<account::Agent, ApiError> resolve_agent(store::ReadTx& tx, const Context& context,
                                               const account::Principal& principal, std::string_view email) {
  Result<account::Agent, account::Access> agent =
      account::resolve_agent(tx, principal, email, context.settings.shared_domain);
  if (agent) return std::move(*agent);
  switch (agent.error()) {
    case account::Access::not_found:
      return unexpected(not_found());
    case account::Access::forbidden:
      return unexpected(forbidden());
  }
  return unexpected(not_found());
}

void note_use(Context& context, const account::Principal& principal, UtcTime now) {
  const auto& last = principal.last_used_at;
  if (last && *last >= now - account::kKeyUseResolution) return;
  context.database.write_async(
      [key = principal.key, session = principal.session, now](store::Tx& tx) {
        if (session.empty()) {
          account::touch_key(tx, key, now);
        } else {
          account::touch_session(tx, session, now);
        }
        return std::monostate{};
      },
      [](const store::Outcome<std::monostate>& outcome) noexcept {
        if (!outcome) log::debug("api.key_use_not_noted");
      });
}

Awaitable<Result<Loaded, ApiError>> load_message(Context& context, const Call& call) {
  auto body = [&context, email = agent_email(call), id = MessageId(call.path("id"))](
                  store::ReadTx& tx, const account::Principal& principal) -> Result<Loaded, ApiError> {
    const Result<account::Agent, ApiError> agent = resolve_agent(tx, context, principal, email);
    if (!agent) return unexpected(agent.error());
    std::optional<mailbox::Message> message = mailbox::find(tx, email, id);
    if (!message) return unexpected(not_found());
    return Loaded{std::move(*message), mailbox::load_content(tx, id)};
  };
  co_return co_await read(context, call, std::move(body));
}

Awaitable<Result<std::monostate, ApiError>> mark_read(Context& context, const Call& call,
                                                      mailbox::Message& message) {
  if (message.read_status != "unread") co_return std::monostate{};
  auto mark = [id = message.id](store::Tx& tx,
                                const account::Principal&) -> Result<std::monostate, ApiError> {
    mailbox::mark_read(tx, id);
    return std::monostate{};
  };
  Result<std::monostate, ApiError> marked = co_await write(context, call, std::move(mark));
  if (marked) message.read_status = "read";
  co_return marked;
}

Awaitable<Result<account::Principal, ApiError>> admit_caller(Context& context, const Call& call) {
  auto body = [](store::ReadTx&, const account::Principal& principal) {
    return Result<account::Principal, ApiError>(principal);
  };
  co_return co_await read(context, call, std::move(body));
}

Awaitable<Result<account::Agent, ApiError>> admit_agent(Context& context, const Call& call) {
  auto body = [&context, email = agent_email(call)](store::ReadTx& tx, const account::Principal& principal) {
    return resolve_agent(tx, context, principal, email);
  };
  co_return co_await read(context, call, std::move(body));
}

Result<Keyed, ApiError> keyed_of(const Call& call, std::string_view route, std::string_view body) {
  const std::optional<std::string_view> key = call.idempotency_key();
  if (!key) return Keyed{};
  if (key->size() > kKeyBytesMax || !is_utf8(*key)) {
    std::vector<FieldError> fields;
    fields.push_back({"header.Idempotency-Key", "must be UTF-8 text of at most 255 bytes"});
    return unexpected(invalid_request(std::move(fields), 422));
  }
  std::string text(route);
  text += '\n';
  text += body;
  return Keyed{std::string(*key), sha256_hex(text)};
}

Result<Keyed, ApiError> secretly_keyed_of(const Context& context, const Call& call, std::string_view route,
                                          std::string_view body) {
  Result<Keyed, ApiError> keyed = keyed_of(call, route, body);
  if (keyed) keyed->sealer = &context.secret_answers;
  return keyed;
}

Result<std::optional<Answer>, ApiError> look_up(store::ReadTx& tx, const UserId& user, const Keyed& keyed,
                                                UtcTime now) {
  if (keyed.key.empty()) return std::nullopt;
  return settle(account::look_up_key(tx, user, keyed.key, keyed.fingerprint, now), user, keyed);
}

Result<std::optional<Answer>, ApiError> claim(store::Tx& tx, const UserId& user, const Keyed& keyed,
                                              UtcTime now) {
  if (keyed.key.empty()) return std::nullopt;
  auto state = account::claim_key(tx, user, keyed.key, keyed.fingerprint, now);
  CS_FAULT("rest.key_claimed");
  return settle(std::move(state), user, keyed);
}

void remember(store::Tx& tx, const UserId& user, const Keyed& keyed, const Answer& answer, UtcTime now) {
  if (keyed.key.empty()) return;
  const std::string body =
      keyed.sealer == nullptr
          ? answer.body
          : base64url_encode(keyed.sealer->seal(answer.body, answer_context(user, keyed)));
  account::store_answer(tx, user, keyed.key, keyed.fingerprint, answer.status, body, now);
  CS_FAULT("rest.answer_kept");
}

ApiError key_in_flight() {
  return api_error(ErrorCode::idempotency_in_flight, "a request with this Idempotency-Key is in progress");
}

Result<std::optional<KeysInFlight::Guard>, ApiError> take_key(Context& context, const UserId& user,
                                                              const Keyed& keyed) {
  if (keyed.key.empty()) return std::nullopt;
  std::optional<KeysInFlight::Guard> guard = context.keys.enter(user, keyed.key);
  if (!guard) return unexpected(key_in_flight());
  return guard;
}

std::optional<journal::Position> PageRequest::position() const {
  if (!after) return std::nullopt;
  return journal::Position{from_us(after->created_at_us), after->id};
}

std::optional<std::pair<UtcTime, std::string>> PageRequest::pair() const {
  if (!after) return std::nullopt;
  return std::pair(from_us(after->created_at_us), after->id);
}

Result<PageRequest, ApiError> page_request(const Context& context, const Call& call, std::string filters) {
  PageRequest request;
  request.limit = call.query_integer("limit").value_or(request.limit);
  request.filters = std::move(filters);
  const std::string cursor = call.query_text("cursor").value_or("");
  if (cursor.empty()) return request;
  Result<CursorKey, CursorFault> key = context.cursors.decode(cursor, request.filters);
  if (!key) {
    return unexpected(
        api_error(ErrorCode::invalid_cursor, "the cursor is not valid for this list and its filters"));
  }
  request.after = std::move(*key);
  return request;
}

std::string filters_text(std::initializer_list<std::string_view> parts) {
  boost::json::array list;
  for (const std::string_view part : parts) list.emplace_back(part);
  return boost::json::serialize(list);
}

}  // namespace countersign::agent::rest
