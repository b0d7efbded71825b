// An SPF record, read whole before any of it is evaluated (RFC 7208 §4.6).
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mailauth/authentication.hpp"
#include "mailauth/spf_macro.hpp"

namespace countersign::mailauth {

enum class MechanismKind : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

struct Mechanism {
  std::string text;  // as it stands in the record
  MechanismKind kind = MechanismKind::all;
  SpfStatus qualifier = SpfStatus::pass;  // what a match means: pass, fail, softfail or neutral
  std::optional<MacroString> domain;      // nothing: the domain that is checked
  boost::asio::ip::address network;       // of ip4 and ip6
  unsigned prefix4 = 32;
  unsigned prefix6 = 128;
};

struct SpfRecord {
  std::vector<Mechanism> mechanisms;
  std::optional<MacroString> redirect;
  std::optional<MacroString> explanation;
};

/// `v=spf1`, whatever its case, followed by a space or nothing (§4.5).
[[nodiscard]] bool is_spf_record(std::string_view text);

/// Reads a record for which is_spf_record holds. The refusal is the term that is wrong.
[[nodiscard]] Result<SpfRecord, std::string> parse_spf_record(std::string_view text);

/// True when the first `prefix` bits agree. An address of the other family never matches.
[[nodiscard]] bool in_network(const boost::asio::ip::address& address,
                              const boost::asio::ip::address& network, unsigned prefix4, unsigned prefix6);

}  // namespace countersign::mailauth
