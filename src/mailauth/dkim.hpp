// DKIM (RFC 6376, 8301, 8463): what the signatures of a received message are worth.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "mailauth/authentication.hpp"
#include "net/dns.hpp"

namespace countersign::mailauth {

/// Keys looked at when a name has several records (RFC 6376 §6.1.2); further ones are not.
inline constexpr std::size_t kKeyRecordsMax = 8;

/// Checks the signatures of a message as it was received: the first kSignaturesMax DKIM-Signature fields, one
/// result each in header order, and one more of status `policy` when there are further ones. Any bytes give a
/// result; `raw` must stay until the end. Hashing is done here, in the caller's thread.
/// now   judges t= and x=, with kClockSkew for clocks that differ.
///
///   pass       the signature is valid (RFC 6376 §6.1); `detail` may name a reservation
///   fail       the message is not the one that was signed
///   neutral    the same, but the key says that its domain is testing (§3.6.1, t=y)
///   policy     the RFCs leave it to the verifier and this one declines: expired or signed in the future
///   (§3.5),
///              text beyond l= (§8.2), an RSA key above 4096 bits (RFC 8301 §3.2), a header beyond the limits
///   permerror  not readable, without a usable key, or forbidden: rsa-sha1, RSA keys below 1024 bits (RFC
///   8301) temperror  the DNS did not answer
boost::asio::awaitable<std::vector<DkimResult>> verify_dkim(net::DnsResolver& dns, std::string_view raw,
                                                            UtcTime now);

}  // namespace countersign::mailauth
