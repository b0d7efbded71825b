// getInfo, getAccount and the API keys of an account.
#include <boost/json/serialize.hpp>

#include "account/usage.hpp"
#include "agent/rest/handlers/context.hpp"
#include "agent/rest/views.hpp"
#include "base/crypto.hpp"
#include "mail/address.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Principal;
using account::Scope;

constexpr std::string_view kApiVersion = "1.0.0";  // of the contract, not of this program
constexpr std::string_view kCreateKeyRoute = "/v1/account/api-keys";
constexpr std::size_t kKeyPrefixCharacters = 16;

Awaitable<Response> get_info(Context& context, const Call&) {
  const ApiSettings& settings = context.settings;
  json::object view{{"version", kApiVersion},
                    {"shared_domain", settings.shared_domain},
                    {"slug_registration_enabled", !settings.shared_domain.empty()}};
  if (!settings.public_url.empty()) view["public_url"] = settings.public_url;
  view["outbound_transport"] = settings.outbound_transport;
  co_return json_response(200, view);
}

Awaitable<Response> get_account(Context& context, const Call& call) {
  auto body = [upgrade_url = context.settings.upgrade_url, now = call.received()](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    const AccountUsage usage{account::count_live_agents(tx, principal.user),
                             account::count_domains(tx, principal.user),
                             account::usage_of(tx, principal.user, now)};
    return account_view(principal, usage, upgrade_url);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

Awaitable<Response> list_api_keys(Context& context, const Call& call) {
  auto body = [&context, request = page_request(context, call, filters_text({"api-keys"}))](
                  store::ReadTx& tx, const Principal& principal) -> Result<json::object, ApiError> {
    if (!request) return unexpected(request.error());
    const auto keys = account::list_keys(tx, principal.user, request->pair(), request->limit + 1);
    const auto key_of = [](const account::ApiKey& key) {
      return CursorKey{to_us(key.created_at), key.id.str()};
    };
    return page_view(context, *request, keys, key_of, api_key_view);
  };
  const Result<json::object, ApiError> view = co_await read(context, call, std::move(body));
  if (!view) co_return call.refuse(view.error());
  co_return json_response(200, *view);
}

// A key that is about to exist, with the only copy of its plaintext.
struct Minted {
  account::NewApiKey key;
  std::string plaintext;
};

Result<Minted, ApiError> mint(const Call& call, const UserId& user) {
  Minted minted;
  account::NewApiKey& key = minted.key;
  key.user = user;
  key.name = call.body_text("name").value_or("");
  key.scope = call.body_text("scope").value_or("account") == "agent" ? Scope::agent : Scope::account;
  if (key.scope == Scope::agent) {
    key.agent_email = mail::normalise(call.body_text("agent_email").value_or(""));
    if (key.agent_email.empty()) {
      return unexpected(
          api_error(ErrorCode::invalid_request, "agent_email is required for a key of scope agent"));
    }
  }
  if (const auto expires_at = call.body_text("expires_at")) {
    key.expires_at = parse_rfc3339(*expires_at);
    if (!key.expires_at || *key.expires_at <= call.received()) {
      return unexpected(api_error(ErrorCode::invalid_expires_at, "expires_at must be in the future"));
    }
  }
  key.id = ApiKeyId(random_id("apk_"));
  minted.plaintext = account::key_plaintext(key.scope, random_hex(64));
  key.key_hash = sha256_hex(minted.plaintext);
  key.key_prefix = minted.plaintext.substr(0, kKeyPrefixCharacters);
  return minted;
}

Answer created_answer(const Minted& minted, UtcTime now) {
  const account::NewApiKey& key = minted.key;
  json::object view{{"key", minted.plaintext}};
  for (const auto& member : api_key_view({key.id, key.name, key.key_prefix, key.scope, key.agent_email, now,
                                          key.expires_at, std::nullopt})) {
    view.insert(member);
  }
  return {201, json::serialize(view)};
}

Awaitable<Response> create_api_key(Context& context, const Call& call) {
  const UtcTime now = call.received();
  const Result<Keyed, ApiError> keyed = secretly_keyed_of(context, call, kCreateKeyRoute, call.body_bytes());
  if (!keyed) co_return call.refuse(keyed.error());

  struct Known {
    UserId user;
    std::optional<Answer> answered;
  };
  auto look = [keyed = *keyed, now](store::ReadTx& tx,
                                    const Principal& principal) -> Result<Known, ApiError> {
    Result<std::optional<Answer>, ApiError> answered = look_up(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    return Known{principal.user, std::move(*answered)};
  };
  const Result<Known, ApiError> known = co_await read(context, call, std::move(look));
  if (!known) co_return call.refuse(known.error());
  if (known->answered) co_return json_text_response(known->answered->status, known->answered->body);

  const auto guard = take_key(context, known->user, *keyed);
  if (!guard) co_return call.refuse(guard.error());
  Result<Minted, ApiError> minted = mint(call, known->user);
  if (!minted) co_return call.refuse(minted.error());

  auto body = [&context, keyed = *keyed, minted = std::move(*minted), now](
                  store::Tx& tx, const Principal& principal) -> Result<Answer, ApiError> {
    Result<std::optional<Answer>, ApiError> answered = claim(tx, principal.user, keyed, now);
    if (!answered) return unexpected(std::move(answered.error()));
    if (*answered) return std::move(**answered);
    if (minted.key.scope == Scope::agent) {
      const auto agent = resolve_agent(tx, context, principal, minted.key.agent_email);
      if (!agent) return unexpected(agent.error());
    }
    account::create_key(tx, minted.key, now);
    Answer answer = created_answer(minted, now);
    remember(tx, principal.user, keyed, answer, now);
    return answer;
  };
  const Result<Answer, ApiError> answer = co_await write(context, call, std::move(body));
  if (!answer) co_return call.refuse(answer.error());
  co_return json_text_response(answer->status, answer->body);
}

Awaitable<Response> delete_api_key(Context& context, const Call& call) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const std::string& id = call.path("id");
  auto body = [key = ApiKeyId(id), now = call.received()](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    if (!account::revoke_key(tx, principal.user, key, now)) return unexpected(not_found());
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> revoked = co_await write(context, call, std::move(body));
  if (!revoked) co_return call.refuse(revoked.error());
  const json::object view{{"deleted", true}, {"id", id}};
  co_return json_response(200, view);
}

}  // namespace

void attach_account(Server& server, Context& context) {
  server.handle("getInfo", bind(context, get_info));
  server.handle("getAccount", bind(context, get_account));
  server.handle("listApiKeys", bind(context, list_api_keys));
  server.handle("createApiKey", bind(context, create_api_key));
  server.handle("deleteApiKey", bind(context, delete_api_key));
}

}  // namespace countersign::agent::rest
