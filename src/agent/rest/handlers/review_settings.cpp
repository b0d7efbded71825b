// Who is told of holds by mail, how often, and what the clock may do when nobody was. Our own addition to the
// contract (docs/review.md).
#include "agent/rest/handlers/context.hpp"
#include "mail/address.hpp"
#include "notify/settings.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using account::Principal;
using notify::Settings;

json::object settings_view(const Settings& settings) {
  json::object view{
      {"mute", settings.mute}, {"digest_seconds", nullptr}, {"reviewers", nullptr}, {"on_unseen", nullptr}};
  if (settings.digest_seconds) view["digest_seconds"] = *settings.digest_seconds;
  if (settings.reviewers) view["reviewers"] = journal::json_list(*settings.reviewers);
  if (settings.on_unseen) view["on_unseen"] = notify::name_of(*settings.on_unseen);
  return view;
}

// The schema has seen to everything but addresses.
Result<Settings, ApiError> settings_of(const Call& call) {
  Settings settings;
  settings.mute = call.member("mute")->as_bool();
  if (const json::value* digest = call.member("digest_seconds")) {
    settings.digest_seconds = digest->to_number<std::int64_t>();
  }
  if (const json::value* reviewers = call.member("reviewers")) {
    settings.reviewers.emplace();
    for (const json::value& one : reviewers->as_array()) {
      const auto mailbox = mail::parse_mailbox(std::string_view(one.as_string()));
      if (!mailbox || !mailbox->display_name.empty()) {
        return unexpected(api_error(ErrorCode::invalid_recipient, "reviewers are plain e-mail addresses"));
      }
      settings.reviewers->push_back(mail::normalise(mailbox->address));
    }
  }
  if (const auto on_unseen = call.body_text("on_unseen"))
    settings.on_unseen = notify::on_unseen_of(*on_unseen);
  return settings;
}

Awaitable<Response> get_settings(Context& context, const Call& call, bool of_agent) {
  auto body = [email = of_agent ? agent_email(call) : std::string()](
                  store::ReadTx& tx, const Principal& principal) -> Result<Settings, ApiError> {
    auto settings = email.empty() ? notify::account_settings(tx, principal.user)
                                  : notify::agent_settings(tx, principal.user, email);
    if (!settings) return unexpected(not_found());
    return std::move(*settings);
  };
  const Result<Settings, ApiError> settings = co_await read(context, call, std::move(body));
  if (!settings) co_return call.refuse(settings.error());
  co_return json_response(200, settings_view(*settings));
}

Awaitable<Response> put_settings(Context& context, const Call& call, bool of_agent) {
  const Result<Principal, ApiError> admitted = co_await admit_caller(context, call);
  if (!admitted) co_return call.refuse(admitted.error());
  const Result<Settings, ApiError> settings = settings_of(call);
  if (!settings) co_return call.refuse(settings.error());
  auto body = [email = of_agent ? agent_email(call) : std::string(), settings = *settings](
                  store::Tx& tx, const Principal& principal) -> Result<std::monostate, ApiError> {
    const bool set = email.empty() ? notify::set_account_settings(tx, principal.user, settings)
                                   : notify::set_agent_settings(tx, principal.user, email, settings);
    if (!set) return unexpected(not_found());
    return std::monostate{};
  };
  const Result<std::monostate, ApiError> done = co_await write(context, call, std::move(body));
  if (!done) co_return call.refuse(done.error());
  co_return json_response(200, settings_view(*settings));
}

Awaitable<Response> get_account_settings(Context& context, const Call& call) {
  co_return co_await get_settings(context, call, false);
}
Awaitable<Response> put_account_settings(Context& context, const Call& call) {
  co_return co_await put_settings(context, call, false);
}
Awaitable<Response> get_agent_settings(Context& context, const Call& call) {
  co_return co_await get_settings(context, call, true);
}
Awaitable<Response> put_agent_settings(Context& context, const Call& call) {
  co_return co_await put_settings(context, call, true);
}

}  // namespace

void attach_review_settings(Server& server, Context& context) {
  server.handle("getAccountReviewSettings", bind(context, get_account_settings));
  server.handle("putAccountReviewSettings", bind(context, put_account_settings));
  server.handle("getAgentReviewSettings", bind(context, get_agent_settings));
  server.handle("putAgentReviewSettings", bind(context, put_agent_settings));
}

}  // namespace countersign::agent::rest
