// Questions to the DNS, asynchronously and within a time limit.
//
// A resolver says four things apart, because mail authentication must: there is an answer, the name has no
// such records, the name does not exist, and nobody could tell (RFC 7208 §4.4, RFC 6376 §6.1.2). What nobody
// could tell is a temporary error and never counts as an answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace countersign::net {

enum class DnsStatus : std::uint8_t { found, no_data, no_such_name, failed };

template <class Record>
struct DnsAnswer {
  DnsStatus status = DnsStatus::failed;
  std::vector<Record> records;  // in the order of the answer; empty unless found
};

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  // lower case, without the final dot; "" is the null MX of RFC 7505
};

/// Names are given in ASCII (A-labels), with or without a final dot; a name that is none (an empty or
/// overlong label, more than 253 octets) is answered no_such_name without asking. Never throws for what the
/// network does. One executor's objects: call it from there.
class DnsResolver {
 public:
  virtual ~DnsResolver() = default;
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  /// TXT records, the character strings of each joined without a space (RFC 7208 §3.3); any bytes.
  virtual boost::asio::awaitable<DnsAnswer<std::string>> txt(std::string name) = 0;
  virtual boost::asio::awaitable<DnsAnswer<boost::asio::ip::address>> a(std::string name) = 0;
  virtual boost::asio::awaitable<DnsAnswer<boost::asio::ip::address>> aaaa(std::string name) = 0;
  virtual boost::asio::awaitable<DnsAnswer<MxRecord>> mx(std::string name) = 0;
  /// Names of an address (in-addr.arpa, ip6.arpa), lower case, without the final dot.
  virtual boost::asio::awaitable<DnsAnswer<std::string>> ptr(boost::asio::ip::address address) = 0;

 protected:
  DnsResolver() = default;
};

}  // namespace countersign::net
