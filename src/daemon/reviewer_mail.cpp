#include "daemon/reviewer_mail.hpp"

#include "base/assert.hpp"
#include "base/id.hpp"
#include "daemon/open_store.hpp"

namespace countersign::daemon {

namespace asio = boost::asio;

notify::Policy unseen_policy(const Config& config) {
  const bool approve = config.notifications.on_unseen == OnUnseen::approve;
  return {approve ? notify::OnUnseen::approve : notify::OnUnseen::reject, config.notifications.reaction};
}

provider::NotifierOptions notifier_options(const Config& config, bool sole_process,
                                           provider::MessageSigner* signer) {
  const auto from = mail::parse_mailbox(config.notifications.from);
  CS_ASSERT(from.has_value());
  provider::NotifierOptions options;
  options.enabled = config.notifications.enabled;
  options.worker = random_id("node_");
  options.sender = {*from, config.http.public_url};
  options.lease = config.notifications.lease;
  options.poll_interval = config.notifications.poll_interval;
  options.gather = config.notifications.gather;
  options.reaction = config.notifications.reaction;
  options.retry_first = config.notifications.retry_first;
  options.sole_process = sole_process;
  options.signer = signer;
  return options;
}

provider::NotifierHooks notifier_hooks(Instruments& instruments) {
  provider::NotifierHooks hooks;
  hooks.ended = [&instruments](std::string_view outcome) { instruments.review_mail(outcome); };
  hooks.given_up = [&instruments] { instruments.review_mail_given_up(); };
  return hooks;
}

ReviewLinks::ReviewLinks(const Config& config, store::Database& database, const Clock& clock,
                         outbox::SendStep& send, std::function<void(std::string_view outcome)> decided)
    : clock_(clock),
      limiter_("review_links", {config.notifications.links_per_minute, std::chrono::minutes(1)},
               shared_store(database)),
      pages_(database, clock, send, notify::Links(load_signing_secret(config)), config.shared_domain,
             {std::move(decided), [this](std::string client) { return too_many(std::move(client)); }}) {}

asio::awaitable<std::optional<std::int64_t>> ReviewLinks::too_many(std::string client) {
  const agent::rest::RateDecision decision = co_await limiter_.take(std::move(client), clock_.now());
  if (decision.allowed) co_return std::nullopt;
  co_return decision.retry_after_seconds;
}

void ReviewLinks::attach(agent::rest::Server& server) {
  const auto mount = [&](std::string_view path, std::string name, notify::LinkAction action) {
    agent::rest::Mount page;
    page.path = path;
    page.method = "";
    page.name = std::move(name);
    page.body_bytes_max = review_page::kBodyBytesMax;
    page.respond = [this, action](net::Request request) {
      return pages_.respond(action, std::move(request));
    };
    server.mount(std::move(page));
  };
  mount(review_page::kApprovePath, "approve_page", notify::LinkAction::approve);
  mount(review_page::kRejectPath, "reject_page", notify::LinkAction::reject);
}

}  // namespace countersign::daemon
