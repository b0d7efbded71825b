// Domain-based Message Authentication, Reporting and Conformance: RFC 7489.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "mailauth/authentication.hpp"
#include "net/dns.hpp"

namespace countersign::mailauth {

/// Judges the single From domain of `raw` by the results of SPF and DKIM in `authentication`: fills in
/// `dmarc` and the `aligned` of both. What the DNS fails to answer is temperror, and so is a fail that a
/// temporary error of an aligned identifier stands behind (§6.6.2). Both references must last until the end.
boost::asio::awaitable<void> judge_dmarc(net::DnsResolver& dns, std::string_view raw,
                                         Authentication& authentication);

}  // namespace countersign::mailauth
