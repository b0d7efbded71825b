#include "daemon/expiry_worker.hpp"

#include "base/log.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
using approve::Refusal;

constexpr std::int64_t kPage = 100;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// What keeps a draft from being sent for good, as the reason of its rejection; nothing when somebody else has
// decided or the hold is gone.
std::optional<std::string> reason_of(const approve::Refusal& refusal) {
  return std::visit(
      Overloaded{
          [](const approve::NotFound&) -> std::optional<std::string> { return std::nullopt; },
          [](const approve::NotPending&) -> std::optional<std::string> { return std::nullopt; },
          [](const approve::StaleRevision&) -> std::optional<std::string> { return std::nullopt; },
          [](const approve::InvalidDraft& invalid) -> std::optional<std::string> { return invalid.message; },
          [](const approve::TooManyRecipients&) -> std::optional<std::string> {
            return "too_many_recipients";
          },
          [](const approve::TooLarge&) -> std::optional<std::string> { return "payload_too_large"; },
          [](const approve::DomainNotVerified&) -> std::optional<std::string> {
            return "domain_not_verified";
          },
          [](const approve::RecipientSuppressed&) -> std::optional<std::string> {
            return "recipient_suppressed";
          },
          [](const approve::Unseen& unseen) -> std::optional<std::string> { return unseen.reason; }},
      refusal);
}

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
  if (expired.on_expiry == account::OnExpiry::reject) {
    co_await reject(expired, "ttl_expired");
    co_return;
  }
  auto body = [this, &expired, now = clock_.now()](store::Tx& tx) -> Result<approve::Decision, Refusal> {
    if (!approve::still_wanted(tx, expired)) return unexpected(Refusal(approve::NotPending{}));
    return approve::expire_approve_and_send(tx, expired, send_, shared_domain_, unseen_, now);
  };
  const auto decision = co_await store::write(database_, std::move(body));
  if (decision) {
    log::info("expiry.approved",
              {{"message_id", expired.message.str()}, {"source", decision->unseen ? "unseen" : "seen"}});
    if (hook_) hook_("expired_approved");
    queued_();
    co_return;
  }
  if (const auto* unseen = std::get_if<approve::Unseen>(&decision.error());
      unseen != nullptr && unseen->wait) {
    co_await postpone(expired);
  } else if (const auto reason = reason_of(decision.error())) {
    co_await reject(expired, *reason);
  }
}

asio::awaitable<void> ExpiryWorker::postpone(const approve::Expired& expired) {
  auto body = [this, &expired, now = clock_.now()](store::Tx& tx) -> Result<UtcTime, Refusal> {
    if (!approve::still_wanted(tx, expired)) return unexpected(Refusal(approve::NotPending{}));
    return approve::postpone_expiry(tx, expired, unseen_, now);
  };
  const auto until = co_await store::write(database_, std::move(body));
  if (!until) co_return;
  log::warn("expiry.reviewer_not_notified",
            {{"message_id", expired.message.str()}, {"held_until", to_rfc3339(*until)}});
  if (hook_) hook_("postponed");
}

asio::awaitable<void> ExpiryWorker::reject(const approve::Expired& expired, std::string_view reason) {
  auto body = [&expired, reason, now = clock_.now()](store::Tx& tx) -> Result<std::monostate, Refusal> {
    if (!approve::still_wanted(tx, expired)) return unexpected(Refusal(approve::NotPending{}));
    return approve::expire_reject(tx, expired, reason, now);
  };
  const auto rejected = co_await store::write(database_, std::move(body));
  if (!rejected) co_return;
  log::info("expiry.rejected", {{"message_id", expired.message.str()}, {"reason", reason}});
  if (hook_) hook_("expired_rejected");
}

}  // namespace countersign::daemon
