// Mail to reviewers on this node, and the pages behind its links, as the configuration wants them.
#pragma once

#include "agent/rest/limiter.hpp"
#include "agent/rest/server.hpp"
#include "daemon/config.hpp"
#include "daemon/instruments.hpp"
#include "notify/deadline.hpp"
#include "provider/notifier.hpp"
#include "review_page/review_pages.hpp"

namespace countersign::daemon {

/// What the clock may do about holds that no reviewer was told of.
[[nodiscard]] notify::Policy unseen_policy(const Config& config);

/// `signer` may be null; it and `instruments` outlive the notifier.
[[nodiscard]] provider::NotifierOptions notifier_options(const Config& config, bool sole_process,
                                                         provider::MessageSigner* signer);
[[nodiscard]] provider::NotifierHooks notifier_hooks(Instruments& instruments);

/// The review pages on the node's listener, limited per client, on all nodes of a store together.
class ReviewLinks {
 public:
  /// All references must outlive it. `decided` is called after a commit that may have queued a submission.
  ReviewLinks(const Config& config, store::Database& database, const Clock& clock, outbox::SendStep& send,
              std::function<void(std::string_view outcome)> decided);

  /// Gives the pages their paths on `server`, which this object must outlive.
  void attach(agent::rest::Server& server);

 private:
  [[nodiscard]] boost::asio::awaitable<std::optional<std::int64_t>> too_many(std::string client);

  const Clock& clock_;
  agent::rest::Limiter limiter_;
  review_page::ReviewPages pages_;
};

}  // namespace countersign::daemon
