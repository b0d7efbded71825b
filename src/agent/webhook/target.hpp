// Where a webhook leads: its name resolved, and every address that came of it checked.
//
// Whoever owns a name decides what it resolves to, and may change that at any time. So the addresses are
// looked up and checked for each delivery, and the connection goes to a checked address, not to the name.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/dns.hpp"

namespace countersign::agent::webhook {

/// Addresses that a delivery may connect to, IPv4 first; never empty.
using Addresses = std::vector<std::string>;

/// Thread-safe.
class Targets {
 public:
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;

  /// dns             used on `strand` alone; both outlive this.
  /// allow_private   for development only: addresses inside the network may be named.
  Targets(Strand strand, net::DnsResolver& dns, bool allow_private)
      : strand_(std::move(strand)), dns_(dns), allow_private_(allow_private) {}

  /// What the host leads to now, or why nothing may be sent there: one address that is not public refuses
  /// all, since the next question may be answered with it. Resumes on the awaiting executor.
  [[nodiscard]] boost::asio::awaitable<Result<Addresses, std::string>> find(std::string host);

 private:
  boost::asio::awaitable<Result<Addresses, std::string>> look_up(std::string host);

  Strand strand_;
  net::DnsResolver& dns_;
  bool allow_private_;
};

}  // namespace countersign::agent::webhook
