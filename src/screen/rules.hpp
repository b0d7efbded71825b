// What is said: ideas that stand close together, in one stretch of text. Internal to the screen module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

/// Where a text was found; what nobody sees counts more.
enum class Place : std::uint8_t { open, unseen, decoded };

/// What words alone can make of a finding: not even the plainest are certain.
inline constexpr double kSaidMax = 0.98;

/// A rule that applied: how much where it stands by itself, and how much inside quotation marks (0: nowhere).
/// At most kSaidMax.
struct Said {
  Finding finding;
  double plain = 0;
  double quoted = 0;
};

/// What the ideas of a text say about the whole message.
struct Reading {
  std::vector<Said> said;
  std::size_t discussion = 0;  // different words of those who write about attacks
  bool pressure = false;       // urgency
  bool credentials = false;    // asks for an account to be confirmed
  bool money = false;
  bool rot13 = false;  // worth reading in rot13
  bool reversed = false;
};

/// Linear. Each rule once, where it counted most.
[[nodiscard]] Reading read_text(std::string_view text, Place place);

/// Scores of what was said in a message, where quotations count little in a text about attacks. Of rules that
/// say the same more or less precisely, the strongest remains.
[[nodiscard]] std::vector<Finding> settle(std::vector<Said> said, bool discusses_attacks);

}  // namespace countersign::screen
