// The DNS through libunbound: a validating, caching stub or recursive resolver in this process.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "net/dns.hpp"

namespace countersign::net {

struct UnboundOptions {
  /// Servers that are asked, "ADDRESS" or "ADDRESS@PORT". Empty: those of /etc/resolv.conf, and without any
  /// there the root servers.
  std::vector<std::string> servers;
  /// Records that stand beside the DNS, in zone file form (`a.example. TXT "v=spf1 -all"`).
  std::vector<std::string> local_data;
  /// How long one question may take; then it is failed.
  std::chrono::milliseconds timeout{5'000};
  /// Questions under way at a time; one more is failed at once.
  std::size_t in_flight_max = 2'000;
  /// Room for answers, and as much again for the records in them; what was not used for longest makes place.
  std::size_t cache_bytes_max = std::size_t{8} << 20U;
};

/// Answers are cached by their TTL, those that say no as well (RFC 2308). SERVFAIL, silence and what DNSSEC
/// finds forged are failed. It may be destroyed with questions under way: they never complete.
class UnboundResolver final : public DnsResolver {
 public:
  /// `executor` is a strand; every call comes from there. Throws EnvironmentError when an option cannot be
  /// used.
  UnboundResolver(boost::asio::any_io_executor executor, UnboundOptions options);
  ~UnboundResolver() override;

  boost::asio::awaitable<DnsAnswer<std::string>> txt(std::string name) override;
  boost::asio::awaitable<DnsAnswer<boost::asio::ip::address>> a(std::string name) override;
  boost::asio::awaitable<DnsAnswer<boost::asio::ip::address>> aaaa(std::string name) override;
  boost::asio::awaitable<DnsAnswer<MxRecord>> mx(std::string name) override;
  boost::asio::awaitable<DnsAnswer<std::string>> ptr(boost::asio::ip::address address) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::net
