// Decides holds whose time is up, one transaction each, through the same doors as a person (approve/).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "approve/approve.hpp"
#include "base/time.hpp"
#include "outbox/send_step.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

/// What the clock decided: "expired_approved", "expired_rejected", "postponed".
using ReviewHook = std::function<void(std::string_view outcome)>;

class ExpiryWorker {
 public:
  /// All references must outlive it. `unseen` says what is approved without a reviewer. `queued` is called
  /// after a commit that may have queued a submission.
  ExpiryWorker(store::Database& database, const Clock& clock, outbox::SendStep& send,
               std::string shared_domain, const notify::Policy& unseen, std::function<void()> queued,
               ReviewHook hook);

  /// Decides everything that is due now. A hold that cannot be decided for a fault of the surroundings stays
  /// pending for the next sweep and does not keep later ones from being decided.
  [[nodiscard]] boost::asio::awaitable<void> sweep();

 private:
  [[nodiscard]] boost::asio::awaitable<void> decide(approve::Expired expired);

  store::Database& database_;
  const Clock& clock_;
  outbox::SendStep& send_;
  std::string shared_domain_;
  notify::Policy unseen_;
  std::function<void()> queued_;
  ReviewHook hook_;
};

}  // namespace countersign::daemon
