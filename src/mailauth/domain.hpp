// Domain names as SPF, DKIM and DMARC compare them. Pure; knows the public suffix list of the system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::mailauth {

/// Lower-case A-labels without a final dot (UTF-8 labels by IDNA 2008, RFC 5891), or nothing for what cannot
/// be asked of the DNS: an empty or overlong label, more than 253 octets, a byte below 33, invalid IDN.
[[nodiscard]] std::optional<std::string> to_ascii_domain(std::string_view domain);

/// The registered domain under a public suffix (RFC 7489 §3.2); the domain itself where there is none above.
/// Takes the form of to_ascii_domain.
[[nodiscard]] std::string organisational_domain(const std::string& domain);

/// Equal to `parent` or below it; both in the form of to_ascii_domain.
[[nodiscard]] bool is_within(std::string_view domain, std::string_view parent);

}  // namespace countersign::mailauth
