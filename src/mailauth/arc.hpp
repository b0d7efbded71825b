// ARC (RFC 8617): whether the chain of custody that a message brings along holds. Noted for people; it
// changes no verdict of ours.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string_view>

#include "base/time.hpp"
#include "mailauth/authentication.hpp"
#include "net/dns.hpp"

namespace countersign::mailauth {

/// RFC 8617 §4.2.1.
inline constexpr std::size_t kArcInstancesMax = 50;
/// Different keys that the seals of a chain may have; each is a question to somebody's DNS, one after the
/// other.
inline constexpr std::size_t kSealKeysMax = 10;

/// Validates the chain by RFC 8617 §5.2: `none` without any ARC field, `pass` when every seal and the newest
/// message signature are valid, else `fail` (also when the DNS does not answer: what cannot be checked is not
/// believed). `sealed_by` is d= of the seal with the highest instance, as far as it can be read. Any bytes
/// give a result; `raw` must stay until the end.
boost::asio::awaitable<ArcNote> check_arc(net::DnsResolver& dns, std::string_view raw, UtcTime now);

}  // namespace countersign::mailauth
