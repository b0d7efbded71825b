#include "daemon/expiry_worker.hpp"

#include "base/log.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t kPage = 100;

}  // namespace

ExpiryWorker::ExpiryWorker(store::Database& database, const Clock& clock, outbox::SendStep& send,
                           std::string shared_domain, const notify::Policy& unseen,
                           std::function<void()> queued, ReviewHook hook)
    : database_(database),
      clock_(clock),
      send_(send),
      shared_domain_(std::move(shared_domain)),
      unseen_(unseen),
      queued_(std::move(queued)),
      hook_(std::move(hook)) {}

asio::awaitable<void> ExpiryWorker::sweep() {
  std::optional<journal::Position> after;
  for (;;) {
    auto find = [now = clock_.now(), &after](store::ReadTx& tx) {
      return approve::find_expired(tx, now, after, kPage);
    };
    const std::vector<approve::Expired> page = co_await store::read(database_, std::move(find));
    for (const approve::Expired& expired : page) {
      try {
        co_await decide(expired);
      } catch (const std::exception& error) {  // whatever it was: those behind it are due too
        log::warn("expiry.postponed", {{"message_id", expired.message.str()}, {"error", error.what()}});
      }
    }
    if (page.size() < static_cast<std::size_t>(kPage)) co_return;
    after = journal::Position{page.back().expired_at, page.back().message.str()};
  }
}

asio::awaitable<void> ExpiryWorker::decide(approve::Expired expired) {
  auto body = [this, &expired,
               now = clock_.now()](store::Tx& tx) -> Result<approve::Expiry, approve::Refusal> {
    return approve::expire(tx, expired, send_, shared_domain_, unseen_, now);
  };
  const auto expiry = co_await store::write(database_, std::move(body));
  if (!expiry) co_return;
  const std::string& id = expired.message.str();
  switch (expiry->outcome) {
    case approve::Expiry::Outcome::approved:
      log::info("expiry.approved", {{"message_id", id}, {"source", expiry->unseen ? "unseen" : "seen"}});
      if (hook_) hook_("expired_approved");
      queued_();
      co_return;
    case approve::Expiry::Outcome::rejected:
      log::info("expiry.rejected", {{"message_id", id}, {"reason", expiry->reason}});
      if (hook_) hook_("expired_rejected");
      co_return;
    case approve::Expiry::Outcome::postponed:
      log::warn("expiry.reviewer_not_notified",
                {{"message_id", id}, {"held_until", to_rfc3339(expiry->until)}});
      if (hook_) hook_("postponed");
      co_return;
  }
}

}  // namespace countersign::daemon
