// The table of settings: the one place that names them. Loading, checking and both references read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/config.hpp"

namespace countersign::daemon {

enum class SettingType : std::uint8_t { text, number, flag, choice };
/// How a value may be shown: whole, not at all, or as a URL without its password.
enum class Shown : std::uint8_t { whole, hidden, without_password };

/// The value of a choice is the index of its name.
using SettingValue = std::variant<std::string, std::int64_t, bool>;

using ApplyText = void (*)(Config&, const std::string&);
using ApplyNumber = void (*)(Config&, std::int64_t);
using ApplyFlag = void (*)(Config&, bool);
/// What is wrong with a text, or empty.
using CheckText = std::string (*)(const std::string&);

struct Setting {
  std::string_view key;
  SettingType type;
  SettingValue fallback;  // the default
  std::string_view doc;   // one line
  std::variant<ApplyText, ApplyNumber, ApplyFlag> apply;
  CheckText check = nullptr;
  std::int64_t min = 0;  // numbers; both inclusive
  std::int64_t max = 0;
  std::span<const std::string_view> choices{};
  std::string_view fallback_note{};  // what an empty default stands for
  Shown shown = Shown::whole;
};

/// In the order of the reference.
[[nodiscard]] std::span<const Setting> settings();

/// The row of that key, or nullptr.
[[nodiscard]] const Setting* find_setting(std::string_view key);

/// `store.url` → `COUNTERSIGN_STORE_URL`.
[[nodiscard]] std::string environment_name(std::string_view key);
/// What one setting is, for a reference: `number, 1 to 256`.
[[nodiscard]] std::string describe_type(const Setting& setting);
/// As TOML writes it: text in quotes, choices by name.
[[nodiscard]] std::string to_toml(const Setting& setting, const SettingValue& value);

}  // namespace countersign::daemon
