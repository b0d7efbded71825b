#include "agent/rest/api.hpp"

#include "agent/rest/handlers/context.hpp"
#include "base/assert.hpp"
#include "base/crypto.hpp"

namespace countersign::agent::rest {

Api::Api(store::Database& database, outbox::SendStep& send, ApiSettings settings)
    : context_(new Context{database,
                           send,
                           settings,
                           Cursors(settings.cursor_secret),
                           webhook::secret_sealer(settings.cursor_secret),
                           Sealer(derive_key(settings.cursor_secret, "countersign secret answers")),
                           {},
                           nullptr}) {
  CS_ASSERT(!settings.cursor_secret.empty());
}

Api::~Api() = default;

void Api::attach(Server& server) {
  CS_ASSERT(context_->server == nullptr);
  context_->server = &server;
  attach_account(server, *context_);
  attach_agents(server, *context_);
  attach_messages(server, *context_);
  attach_send(server, *context_);
  attach_attachments(server, *context_);
  attach_suppressions(server, *context_);
  attach_replies(server, *context_);
  attach_conversations(server, *context_);
  attach_reviews(server, *context_);
  attach_handovers(server, *context_);
  attach_review_settings(server, *context_);
  attach_webhooks(server, *context_);
  attach_events(server, *context_);
  attach_listen(server, *context_);
}

boost::asio::awaitable<std::optional<LimitSubject>> Api::subject(std::string authorization, UtcTime now) {
  const std::string hash = key_hash_of(authorization);
  if (hash.empty()) co_return std::nullopt;
  auto body = [hash, now, limits = context_->settings.limits](store::ReadTx& tx) {
    return account::authenticate(tx, hash, now, limits);
  };
  const std::optional<account::Principal> principal =
      co_await store::read(context_->database, std::move(body));
  if (!principal) co_return std::nullopt;
  co_return LimitSubject{principal->user.str(), principal->exempt_from_limiters};
}

}  // namespace countersign::agent::rest
