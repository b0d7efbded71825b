// What SPF, DKIM and DMARC say about one received message: the contract's `Authentication` (contract §26).
//
// Only what this server established itself is in here; Authentication-Results and like claims in the incoming
// header are never read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "net/dns.hpp"

namespace countersign::mailauth {

enum class SpfStatus : std::uint8_t { pass, fail, none, neutral, softfail, temperror, permerror };
enum class DkimStatus : std::uint8_t { pass, fail, none, neutral, policy, temperror, permerror };
enum class DmarcStatus : std::uint8_t { pass, fail, none, temperror, permerror };
enum class DmarcPolicy : std::uint8_t { none, quarantine, reject };
enum class ArcStatus : std::uint8_t { none, pass, fail };

struct SpfResult {
  SpfStatus status = SpfStatus::none;
  std::optional<std::string> domain;  // of MAIL FROM; of HELO for the null sender (RFC 7208 §2.4)
  std::optional<bool> aligned;        // nothing unless it passed and a DMARC record applies
  std::string detail;                 // for people, "" when there is nothing to say
};

struct DkimResult {
  DkimStatus status = DkimStatus::none;
  std::optional<std::string> domain;    // d=
  std::optional<std::string> selector;  // s=
  std::optional<bool> aligned;          // nothing unless it passed and a DMARC record applies
  std::string detail;
};

struct DmarcResult {
  DmarcStatus status = DmarcStatus::none;
  std::optional<std::string> domain;  // of the single From field
  std::optional<DmarcPolicy> policy;  // p=, or sp= when the record is the organisational domain's
  bool spf_aligned = false;           // only when it passed
  bool dkim_aligned = false;
  std::string detail;
};

/// The chain of RFC 8617 as it arrived, noted for people; it changes no verdict.
struct ArcNote {
  ArcStatus status = ArcStatus::none;
  std::string sealed_by;  // d= of the outermost seal
};

struct Authentication {
  SpfResult spf;
  std::vector<DkimResult> dkim;  // one per signature, in header order; empty for unsigned mail
  DmarcResult dmarc;
  ArcNote arc;

  /// The From domain if DMARC passed (contract `verified_domain`).
  [[nodiscard]] std::optional<std::string> verified_domain() const;
  /// Some result is a temporary error: asking again later may tell more.
  [[nodiscard]] bool temporary_error() const;
};

/// The contract's object; `arc` is added only when there is a chain.
[[nodiscard]] boost::json::object to_json(const Authentication& authentication);

/// Whom a message came from, as the SMTP session knows it.
struct Origin {
  boost::asio::ip::address client;
  std::string helo;
  std::string mail_from;  // "" for the null sender
  /// Handed on by a mail server of our own: what SPF says of its address says nothing of the sender.
  bool from_own_server = false;
};

/// Checks SPF, every DKIM signature (at most kSignaturesMax) and DMARC of a message as it was received,
/// before any field was added to it. Any bytes give a result. now   judges the times in signatures.
boost::asio::awaitable<Authentication> authenticate(net::DnsResolver& dns, Origin origin,
                                                    std::string_view raw, UtcTime now);

/// Signatures looked at per message; the others are reported as `policy`.
inline constexpr std::size_t kSignaturesMax = 8;

}  // namespace countersign::mailauth
