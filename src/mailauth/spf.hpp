// Sender Policy Framework: check_host() of RFC 7208.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "base/time.hpp"
#include "mailauth/authentication.hpp"
#include "net/dns.hpp"
#include "net/timers.hpp"

namespace countersign::mailauth {

inline constexpr int kSpfTermsMax = 10;          // that ask the DNS (§4.6.4); one more is permerror
inline constexpr int kSpfVoidMax = 2;            // answers without records (§4.6.4); one more is permerror
inline constexpr std::size_t kSpfNamesMax = 10;  // of one MX or PTR answer (§4.6.4)
inline constexpr std::chrono::seconds kSpfTime{20};  // §4.6.4; no question begins after that: temperror

struct SpfVerdict {
  SpfStatus status = SpfStatus::none;
  std::string reason;       // for people: what matched or is wrong; printable ASCII
  std::string explanation;  // what the domain says about a fail (§6.2), a stranger's text; printable ASCII
};

struct SpfContext {
  std::string receiver = "unknown";  // macro r
  UtcTime now;                       // macro t
  net::Timers& timers = net::steady_timers();
};

/// The policy of MAIL FROM's domain, or of HELO's for the null sender, about the client (§2.4, §4). Any bytes
/// in `origin` and in records give a verdict. `dns` and `context.timers` must outlive it.
boost::asio::awaitable<SpfVerdict> check_host(net::DnsResolver& dns, Origin origin, SpfContext context);

/// check_host() as a result, with the domain that was asked; not yet aligned.
boost::asio::awaitable<SpfResult> check_spf(net::DnsResolver& dns, Origin origin, UtcTime now);

/// `text` with everything that is not printable ASCII shown as `?`, at most `bytes_max` of it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace countersign::mailauth
