// The pages behind the links of a reviewer's mail (contract §19): `/v1/approve` and `/v1/reject`.
//
// GET shows what is held and changes nothing, since mail scanners follow every link. POST decides, through
// the same door as everybody else, so that of any number of presses one counts and the others are told who
// won.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "approve/approve.hpp"
#include "base/time.hpp"
#include "net/http_message.hpp"
#include "notify/link.hpp"
#include "outbox/send_step.hpp"
#include "review_page/page.hpp"
#include "store/database.hpp"

namespace countersign::review_page {

inline constexpr std::string_view kApprovePath = "/v1/approve";
inline constexpr std::string_view kRejectPath = "/v1/reject";
/// A token and a reason of 2,000 characters, each of which a form may write as twelve bytes (%F0%9F%98%80).
inline constexpr std::uint64_t kBodyBytesMax = 32 * 1024;
/// Of a held text, what a page shows.
inline constexpr std::size_t kShownBytesMax = 64 * 1024;

struct Hooks {
  /// A hold was decided here: "approved", "rejected".
  std::function<void(std::string_view outcome)> decided;
  /// Seconds to wait when whoever is at this address has asked too often; nothing: has not. May throw
  /// store::Unavailable.
  std::function<boost::asio::awaitable<std::optional<std::int64_t>>(std::string client)> too_many;
};

class ReviewPages {
 public:
  /// All references must outlive it.
  ReviewPages(store::Database& database, const Clock& clock, outbox::SendStep& send, notify::Links links,
              std::string shared_domain, Hooks hooks);

  /// Answers a request to the page of `action`. Faults of the store are pages as well.
  [[nodiscard]] boost::asio::awaitable<net::Response> respond(notify::LinkAction action,
                                                              net::Request request);

 private:
  struct Asked;

  [[nodiscard]] boost::asio::awaitable<Page> answer(notify::LinkAction action, const net::Request& request);
  [[nodiscard]] boost::asio::awaitable<Page> show(Asked asked);
  [[nodiscard]] boost::asio::awaitable<Page> decide(Asked asked, std::string reason);

  store::Database& database_;
  const Clock& clock_;
  outbox::SendStep& send_;
  notify::Links links_;
  std::string shared_domain_;
  Hooks hooks_;
};

}  // namespace countersign::review_page
