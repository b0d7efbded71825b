// From a signature to its key: DNS questions of one message, each asked once. Internal to mailauth.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>
#include <string_view>

#include "mailauth/dkim_key.hpp"
#include "mailauth/dkim_signature.hpp"
#include "net/dns.hpp"

namespace countersign::mailauth {

struct Judgement {
  DkimStatus status = DkimStatus::permerror;
  std::string text;
};

class KeyFinder {
 public:
  explicit KeyFinder(net::DnsResolver& dns) : dns_(dns) {}

  /// TXT records of `name`.
  boost::asio::awaitable<net::DnsAnswer<std::string>> records(std::string name);

 private:
  net::DnsResolver& dns_;
  std::map<std::string, net::DnsAnswer<std::string>> answers_;
};

/// What one key says of a signature.
class KeyJudge {
 public:
  virtual ~KeyJudge() = default;
  [[nodiscard]] virtual Judgement judge(const KeyRecord& record) = 0;
};

/// Asks for the key of that name and type and lets every record that is one judge until one passes (RFC 6376
/// §6.1.2). Otherwise what the first of them said.
boost::asio::awaitable<Judgement> judge_by_key(KeyFinder& keys, std::string name, KeyType type,
                                               KeyJudge& judge);

/// The whole of RFC 6376 §6.1.2 and §6.1.3 for a signature without a fault, in field `own` of the message.
boost::asio::awaitable<Judgement> judge_signature(KeyFinder& keys, SignedMessage& message,
                                                  const Signature& signature, std::size_t own);

}  // namespace countersign::mailauth
