#include "daemon/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

#include "daemon/setting_rows.hpp"

namespace countersign::daemon {

std::span<const Setting> settings() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> all;
    for (auto part : {general_settings, store_settings, http_settings, inbound_settings, protection_settings,
                      notification_settings, outbound_settings, webhook_settings, websocket_settings,
                      console_settings, relay_settings, ses_settings, resend_settings, feedback_settings}) {
      std::ranges::copy(part(), std::back_inserter(all));
    }
    return all;
  }();
  return table;
}

const Setting* find_setting(std::string_view key) {
  const auto table = settings();
  const auto found = std::ranges::find(table, key, &Setting::key);
  return found == table.end() ? nullptr : &*found;
}

std::string environment_name(std::string_view key) {
  std::string name = "COUNTERSIGN_";
  for (const char c : key) {
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string describe_type(const Setting& setting) {
  switch (setting.type) {
    case SettingType::text:
      return "text";
    case SettingType::number:
      return setting.max == std::numeric_limits<std::int64_t>::max()
                 ? fmt::format("number, {} or more", setting.min)
                 : fmt::format("number, {} to {}", setting.min, setting.max);
    case SettingType::flag:
      return "true or false";
    case SettingType::choice:
      return fmt::format("{}", fmt::join(setting.choices, ", "));
  }
  return "";
}

std::string to_toml(const Setting& setting, const SettingValue& value) {
  switch (setting.type) {
    case SettingType::text: {
      std::string out = "\"";
      for (const char c : std::get<std::string>(value)) {
        if (c == '"' || c == '\\') {
          out += '\\';
          out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
      }
      return out + '"';
    }
    case SettingType::number:
      return std::to_string(std::get<std::int64_t>(value));
    case SettingType::flag:
      return std::get<bool>(value) ? "true" : "false";
    case SettingType::choice:
      return fmt::format("\"{}\"", setting.choices[static_cast<std::size_t>(std::get<std::int64_t>(value))]);
  }
  return "";
}

}  // namespace countersign::daemon
