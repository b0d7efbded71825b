// What the SMTP receiver needs of the rest: whether a recipient exists, and somebody who takes a message.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace countersign::inbound {

/// One client's session, as the trace field and authentication need it.
struct Client {
  boost::asio::ip::address address;
  std::string helo;      // as given to HELO, EHLO or LHLO
  std::string protocol;  // SMTP, ESMTP, ESMTPS, LMTP, UTF8SMTP, … (RFC 3848, RFC 6531)
  std::string tls;       // "TLSv1.3 TLS_AES_256_GCM_SHA384", "" in clear
};

struct Envelope {
  Client client;
  std::string mail_from;                // "" for the null sender
  bool smtputf8 = false;                // asked for by the client (RFC 6531)
  std::vector<std::string> recipients;  // as accepted, without duplicates, in the order given
};

enum class RecipientAnswer : std::uint8_t {
  ok,
  unknown,      // no such agent, in the trash, domain not verified: 550 5.1.1
  over_quota,   // 552 5.2.2
  unavailable,  // cannot be told now: 451 4.3.0
};

enum class AcceptAnswer : std::uint8_t {
  taken,        // durable, with all that must follow; or known to be a repeat of what is
  unknown,      // the recipient went away since RCPT: 550 5.1.1
  over_quota,   // 552 5.2.2
  refused,      // a mail loop: 554 5.4.6
  unavailable,  // nothing was kept, or nobody can tell: 451 4.3.0
};

/// Calls come from the receiver's executor. Neither throws for what the store does: that is `unavailable`.
class Intake {
 public:
  virtual ~Intake() = default;
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  /// `address` is a syntactically valid forward-path without angle brackets and source route.
  virtual boost::asio::awaitable<RecipientAnswer> recipient(std::string address) = 0;

  /// Takes a message for its recipients: one answer each, in their order. Returns after the commit, and only
  /// then may anybody say 250. `raw` is the content as the client sent it: dot-unstuffed, line ends CRLF.
  virtual boost::asio::awaitable<std::vector<AcceptAnswer>> accept(
      Envelope envelope, std::shared_ptr<const std::string> raw) = 0;

 protected:
  Intake() = default;
};

}  // namespace countersign::inbound
