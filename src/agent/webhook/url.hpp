// The URL of a webhook: what it may look like, before anybody asks where it leads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::agent::webhook {

/// The host of `https://HOST[:PORT][/PATH][?QUERY]` in lower case; nothing for anything else: another scheme,
/// a user name, a fragment, an address in place of a name in whatever notation, characters that have to be
/// escaped (RFC 3986 §2). Names are ASCII (RFC 5890 A-labels).
[[nodiscard]] std::optional<std::string> host_of(std::string_view url);

}  // namespace countersign::agent::webhook
