// One rate limit as the API asks it: of this process alone, or shared with the other nodes of a store.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "agent/rest/rate_limit.hpp"
#include "store/database.hpp"

namespace countersign::agent::rest {

class Limiter {
 public:
  /// name     tells it from other limits in the store.
  /// shared   the store that other nodes use as well, which must outlive this; null: this process is the only
  ///          one, and counts in memory, to the request.
  Limiter(std::string name, RateLimit limit, store::Database* shared);
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  /// Asks for one more of `subject`, and counts it when it is allowed. Most answers come from permits that
  /// this node has; when it has none, the store is asked once for whoever asks meanwhile. Throws
  /// store::Unavailable.
  [[nodiscard]] boost::asio::awaitable<RateDecision> take(std::string subject, UtcTime now);

 private:
  class Shared;
  RateLimiter alone_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace countersign::agent::rest
