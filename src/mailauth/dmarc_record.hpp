// A DMARC record: RFC 7489 §6.3 and §6.4.
#pragma once

#include <optional>
#include <string_view>

#include "mailauth/authentication.hpp"

namespace countersign::mailauth {

enum class Alignment : std::uint8_t { relaxed, strict };

struct DmarcRecord {
  DmarcPolicy policy = DmarcPolicy::none;       // p
  std::optional<DmarcPolicy> subdomain_policy;  // sp
  Alignment dkim = Alignment::relaxed;          // adkim
  Alignment spf = Alignment::relaxed;           // aspf
};

/// The version tag comes first and is `DMARC1`, in capitals; other TXT records are none of DMARC's.
[[nodiscard]] bool is_dmarc_record(std::string_view text);

/// Reads a record for which is_dmarc_record holds. Tags that are unknown, malformed or repeated are passed
/// over, as is pct, which limits what is done and not what is true. Without a valid p, or with an invalid sp,
/// a record that asks for reports (rua) counts as p=none, and another as no record (§6.6.3).
[[nodiscard]] std::optional<DmarcRecord> parse_dmarc_record(std::string_view text);

}  // namespace countersign::mailauth
