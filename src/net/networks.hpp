// Lists of networks, as settings name them.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace countersign::net {

/// An IPv4 address that is written as an IPv6 one (RFC 4291 §2.5.5.2) as what it is; others as they are.
[[nodiscard]] boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

/// A set of networks; empty by default.
class Networks {
 public:
  /// Addresses and networks in CIDR notation (RFC 4632 §3.1), separated by commas: "10.0.0.0/8, ::1". Nothing
  /// when an entry is not one; bits behind a prefix must be zero, and IPv4 is written as IPv4.
  [[nodiscard]] static std::optional<Networks> parse(std::string_view list);

  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;
  [[nodiscard]] bool empty() const noexcept { return networks_.empty(); }

 private:
  struct Network {
    boost::asio::ip::address address;
    std::size_t prefix_bits = 0;
  };
  [[nodiscard]] static std::optional<Network> parse_one(std::string_view text);

  std::vector<Network> networks_;
};

}  // namespace countersign::net
