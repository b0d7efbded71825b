// Who is told of holds, how often, and what the clock may do when nobody was. Our own addition to the
// contract, whose only word on it is an agent's `holds.suppress_notifications`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "store/tx.hpp"

namespace countersign::notify {

/// May the clock approve a hold about which no mail has left?
enum class OnUnseen : std::uint8_t { reject, approve };
[[nodiscard]] std::string_view name_of(OnUnseen on_unseen);
[[nodiscard]] std::optional<OnUnseen> on_unseen_of(std::string_view name);

inline constexpr std::chrono::seconds kDigestMax{24 * 3600};

/// What an account or an agent says; absent: the agent as its account, the account as the deployment.
struct Settings {
  bool mute = false;                           // of an account; an agent's is its suppress_notifications
  std::optional<std::int64_t> digest_seconds;  // ≥ 0, ≤ kDigestMax; 0: each hold at once
  std::optional<std::vector<std::string>> reviewers;  // bare addresses; absent: the account's own
  std::optional<OnUnseen> on_unseen;
};

[[nodiscard]] std::optional<Settings> account_settings(store::ReadTx& tx, const UserId& user);
/// False when there is no such account.
[[nodiscard]] bool set_account_settings(store::Tx& tx, const UserId& user, const Settings& settings);
/// Of a live agent of the account.
[[nodiscard]] std::optional<Settings> agent_settings(store::ReadTx& tx, const UserId& user,
                                                     std::string_view agent);
/// False when there is no such live agent. `mute` is the protection's `suppress_notifications`.
[[nodiscard]] bool set_agent_settings(store::Tx& tx, const UserId& user, std::string_view agent,
                                      const Settings& settings);

}  // namespace countersign::notify
