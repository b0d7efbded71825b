// A name server on the loopback that misbehaves as the name it is asked for says.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace countersign::test {

/// Answers over UDP and TCP on one port. The first label of a name, up to its first hyphen, says how:
///
///     good       an address of 192.0.2.1, or the TXT record "v=spf1 -all"
///     long       a TXT record of 900 octets, so that few of them fill a cache
///     silent     nothing at all
///     servfail refused formerr nxdomain nodata     what they say (RFC 1035 §4.1.1)
///     truncated  over UDP only that it does not fit (TC), over TCP the answer of `good`
///     cut        that it does not fit; over TCP the connection ends without an answer
///     huge       a TXT record of 30000 octets, over TCP
///     many       300 addresses, over TCP
///     garbage    octets that are no message
///     short      a message that ends within its answer
///     wrongid    the answer of `good` to another question's number
///     wrongname  the answer of `good` to another question
///     ring       an alias of ringback.…, which is one of ring.…
///     endless    an alias of endless-x.…, that one of endless-x-x.…, and so on
class BrokenDnsServer {
 public:
  BrokenDnsServer();
  ~BrokenDnsServer();
  BrokenDnsServer(const BrokenDnsServer&) = delete;
  BrokenDnsServer& operator=(const BrokenDnsServer&) = delete;

  /// "127.0.0.1@PORT", as resolvers take it.
  [[nodiscard]] std::string address() const;
  /// Questions that arrived, those without an answer as well.
  [[nodiscard]] int questions() const { return questions_; }

 private:
  void serve();
  void serve_udp();
  void serve_tcp();
  [[nodiscard]] std::string answer(std::string_view query, bool over_tcp);

  int udp_ = -1;
  int tcp_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> questions_ = 0;
  std::thread thread_;
};

}  // namespace countersign::test
