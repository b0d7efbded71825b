// The names under which protection settings are stored and travel (contract vocabulary §3).
#include <array>

#include "account/agent.hpp"
#include "base/assert.hpp"

namespace countersign::account {
namespace {

// In the order of the enums.
constexpr std::array<std::string_view, 3> kPolicies{"open", "allowlist", "domain"};
constexpr std::array<std::string_view, 3> kActions{"flag", "review", "block"};
constexpr std::array<std::string_view, 2> kOnExpiry{"approve", "reject"};
constexpr std::array<std::string_view, 4> kSensitivities{"off", "low", "medium", "high"};

template <class Enum, std::size_t Count>
std::string_view name_in(const std::array<std::string_view, Count>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  CS_ASSERT(index < Count);
  return names[index];
}

template <class Enum, std::size_t Count>
std::optional<Enum> value_in(const std::array<std::string_view, Count>& names, std::string_view name) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(GatePolicy policy) { return name_in(kPolicies, policy); }
std::string_view name_of(GateAction action) { return name_in(kActions, action); }
std::string_view name_of(OnExpiry on_expiry) { return name_in(kOnExpiry, on_expiry); }
std::string_view name_of(Sensitivity sensitivity) { return name_in(kSensitivities, sensitivity); }

std::optional<GatePolicy> gate_policy_of(std::string_view name) {
  return value_in<GatePolicy>(kPolicies, name);
}
std::optional<GateAction> gate_action_of(std::string_view name) {
  return value_in<GateAction>(kActions, name);
}
std::optional<OnExpiry> on_expiry_of(std::string_view name) { return value_in<OnExpiry>(kOnExpiry, name); }
std::optional<Sensitivity> sensitivity_of(std::string_view name) {
  return value_in<Sensitivity>(kSensitivities, name);
}

}  // namespace countersign::account
