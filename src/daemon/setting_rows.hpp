// What the table of settings is written with: rows by type, and checks that several sections share. Internal
// to the daemon module.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/settings.hpp"

namespace countersign::daemon {

// Rows of the table, by type.

struct Range {
  std::int64_t min;
  std::int64_t max;
};
inline constexpr std::int64_t kMillion = 1'000'000;
inline constexpr Range kAnyLimit{1, 1000 * kMillion};
inline constexpr Range kAnyQuota{0, std::numeric_limits<std::int64_t>::max()};
inline constexpr Range kTimeout{100, 3'600'000};  // in milliseconds

[[nodiscard]] Setting text(std::string_view key, std::string fallback, std::string_view doc, CheckText check,
                           ApplyText apply);
[[nodiscard]] Setting number(std::string_view key, std::int64_t fallback, Range range, std::string_view doc,
                             ApplyNumber apply);
[[nodiscard]] Setting flag(std::string_view key, bool fallback, std::string_view doc, ApplyFlag apply);
[[nodiscard]] Setting choice(std::string_view key, std::span<const std::string_view> choices,
                             std::int64_t fallback, std::string_view doc, ApplyNumber apply);
/// What an empty or automatic default stands for.
[[nodiscard]] Setting else_is(std::string_view note, Setting setting);
[[nodiscard]] Setting shown(Shown how, Setting setting);

// Checks: what is wrong with a text, or empty.

[[nodiscard]] std::string check_any(const std::string& value);
[[nodiscard]] std::string check_not_empty(const std::string& value);
[[nodiscard]] std::string check_store_url(const std::string& value);
[[nodiscard]] std::string check_public_url(const std::string& value);
[[nodiscard]] std::string check_domain(const std::string& value);
/// Where secrets are sent to.
[[nodiscard]] std::string check_endpoint(const std::string& value);
[[nodiscard]] std::string check_header_value(const std::string& value);
[[nodiscard]] std::string check_host(const std::string& value);
[[nodiscard]] std::string check_secret(const std::string& value);
[[nodiscard]] std::string check_listen(const std::string& value);
[[nodiscard]] std::string check_listen_or_off(const std::string& value);
[[nodiscard]] std::string check_networks(const std::string& value);
[[nodiscard]] std::string check_servers(const std::string& value);

/// A list in one text: its entries, without blanks around them.
[[nodiscard]] std::vector<std::string> entries_of(const std::string& value);

struct Endpoint {
  std::string address;  // numeric, without brackets
  std::uint16_t port = 0;
};
[[nodiscard]] std::optional<Endpoint> read_endpoint(const std::string& value);
/// An empty value leaves nothing to listen on.
void listen_on(const std::string& value, std::string& address, std::uint16_t& port);

// Sections, in the order of the reference.

[[nodiscard]] std::vector<Setting> general_settings();
[[nodiscard]] std::vector<Setting> store_settings();
[[nodiscard]] std::vector<Setting> http_settings();
[[nodiscard]] std::vector<Setting> inbound_settings();
[[nodiscard]] std::vector<Setting> protection_settings();
[[nodiscard]] std::vector<Setting> notification_settings();
[[nodiscard]] std::vector<Setting> outbound_settings();
[[nodiscard]] std::vector<Setting> webhook_settings();
[[nodiscard]] std::vector<Setting> websocket_settings();
[[nodiscard]] std::vector<Setting> console_settings();
[[nodiscard]] std::vector<Setting> relay_settings();
[[nodiscard]] std::vector<Setting> ses_settings();
[[nodiscard]] std::vector<Setting> resend_settings();
[[nodiscard]] std::vector<Setting> feedback_settings();

}  // namespace countersign::daemon
