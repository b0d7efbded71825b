#include "agent/ws/upgrade.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace countersign::agent::ws {
namespace {

// Whether a field that may come several times lists the token.
bool lists(const net::Headers& headers, std::string_view name, std::string_view token) {
  return std::ranges::any_of(headers, [&](const net::Header& field) {
    if (!net::equal_ignoring_case(field.name, name)) return false;
    std::string_view rest = field.value;
    while (true) {
      const std::size_t comma = rest.find(',');
      if (net::equal_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) return false;
      rest.remove_prefix(comma + 1);
    }
  });
}

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// 16 bytes: 22 characters and the padding.
bool is_key(std::string_view key) {
  constexpr std::size_t kCharacters = 22;
  return key.size() == kCharacters + 2 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kCharacters), is_base64);
}

}  // namespace

std::optional<UpgradeFault> fault_of_upgrade(const net::Headers& headers) {
  if (!lists(headers, "Upgrade", "websocket") || !lists(headers, "Connection", "upgrade")) {
    return UpgradeFault::no_upgrade;
  }
  if (headers.get("Sec-WebSocket-Version") != "13") return UpgradeFault::other_version;
  if (!is_key(headers.get("Sec-WebSocket-Key"))) return UpgradeFault::bad_key;
  return std::nullopt;
}

}  // namespace countersign::agent::ws
