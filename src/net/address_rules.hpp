// Which addresses belong to the public Internet: where a request may go that somebody else has named.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace countersign::net {

/// True for an address that IANA's special-purpose registries (RFC 6890 and its successors) leave to the
/// public Internet. Forms that carry an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo, ISATAP)
/// are never public: what they reach depends on somebody's gateway, and nothing that is meant to be reached
/// from the Internet is named by one.
[[nodiscard]] bool is_public(const boost::asio::ip::address& address);

}  // namespace countersign::net
