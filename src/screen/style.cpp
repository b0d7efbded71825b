#include "screen/style.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/text.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kDeclarationsMax = 100;
constexpr std::size_t kSelectorsMax = 2000;
constexpr double kOffScreenPx = 400;
constexpr int kColourDistanceMax = 36;  // sum over the three channels

std::optional<double> parse_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// In px; negative numbers stay negative.
std::optional<double> parse_length(std::string_view text) {
  text = trim(text);
  const auto value = parse_number(text);
  if (!value) return std::nullopt;
  const std::string_view unit = text.substr(0, text.find_first_of(" \t!"));
  if (unit == "pt") return *value * 4 / 3;
  if (unit == "em" || unit == "rem") return *value * 16;
  if (unit == "vw" || unit == "vh" || unit == "%") return *value * 8;
  return value;
}

std::optional<double> parse_font_size(std::string_view text) {
  text = trim(text);
  std::string_view rest = text;
  const auto value = parse_number(rest);
  if (!value) return std::nullopt;
  if (rest.starts_with('%')) return -*value / 100;
  if (rest.starts_with("em")) return -*value;
  return parse_length(text);
}

std::optional<Colour> parse_hex(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const auto byte = [&](unsigned shift) { return static_cast<int>((value >> shift) & 0xff); };
  const auto nibble = [&](unsigned shift) { return static_cast<int>((value >> shift) & 0xf) * 17; };
  if (digits.size() == 3) return Colour{nibble(8), nibble(4), nibble(0), 1};
  if (digits.size() == 4) return Colour{nibble(12), nibble(8), nibble(4), nibble(0) / 255.0};
  if (digits.size() == 6) return Colour{byte(16), byte(8), byte(0), 1};
  if (digits.size() == 8) return Colour{byte(24), byte(16), byte(8), byte(0) / 255.0};
  return std::nullopt;
}

std::optional<Colour> parse_rgb(std::string_view text) {
  std::array<double, 4> values{0, 0, 0, 1};
  std::size_t count = 0;
  while (!text.empty() && count < values.size()) {
    const auto digit = text.find_first_of("0123456789.");
    if (digit == std::string_view::npos) break;
    text.remove_prefix(digit);
    auto value = parse_number(text);
    if (!value) break;
    if (text.starts_with('%')) value = count < 3 ? *value * 2.55 : *value / 100;
    values[count++] = *value;
  }
  if (count < 3) return std::nullopt;
  const auto channel = [&](std::size_t i) { return static_cast<int>(std::clamp(values[i], 0.0, 255.0)); };
  return Colour{channel(0), channel(1), channel(2), std::clamp(values[3], 0.0, 1.0)};
}

bool is_none(std::optional<double> length) { return length && *length >= 0 && *length <= 1; }

void declare_box(Style& style, std::string_view name, std::string_view value) {
  const auto length = parse_length(value);
  if (name == "height" || name == "max-height") style.no_height |= is_none(length);
  if (name == "width" || name == "max-width") style.no_width |= is_none(length);
  if (name == "overflow") style.clipped |= value.starts_with("hidden") || value.starts_with("clip");
  if (name == "clip")
    style.clip_away |=
        value.find("rect(0") != std::string_view::npos || value.find("rect(1px") != std::string_view::npos;
  if (name == "clip-path")
    style.clip_away |= value.find("inset(50%") != std::string_view::npos ||
                       value.find("inset(100%") != std::string_view::npos;
  if (name == "transform")
    style.clip_away |=
        value.find("scale(0") != std::string_view::npos && value.find("scale(0.") == std::string_view::npos;
  const bool shift = name == "left" || name == "top" || name == "text-indent" || name == "margin-left" ||
                     name == "margin-top" || name == "right";
  if (shift && length && *length <= -kOffScreenPx) style.off_screen = true;
  if ((name == "left" || name == "text-indent") && length && *length >= 5000) style.off_screen = true;
}

void declare(Style& style, std::string_view name, std::string_view value) {
  if (name == "display") {
    style.display_none = value.starts_with("none");
  } else if (name == "visibility") {
    style.invisible = value.starts_with("hidden") || value.starts_with("collapse");
  } else if (name == "font-size") {
    if (const auto size = parse_font_size(value)) style.font_size = size;
  } else if (name == "font") {
    const auto px = value.find("px");
    const auto digit =
        px == std::string_view::npos ? px : value.find_last_not_of("0123456789.", px - (px > 0 ? 1 : 0));
    if (px != std::string_view::npos && px > 0) {
      if (const auto size = parse_font_size(value.substr(digit == std::string_view::npos ? 0 : digit + 1)))
        style.font_size = size;
    }
  } else if (name == "opacity") {
    std::string_view rest = value;
    if (auto opacity = parse_number(rest)) style.opacity = rest.starts_with('%') ? *opacity / 100 : *opacity;
  } else if (name == "color" || name == "-webkit-text-fill-color") {
    style.colour = parse_colour(value);
  } else if (name == "background-color") {
    style.background = parse_colour(value);
    style.background_unknown = !style.background;
  } else if (name == "background" || name == "background-image") {
    const bool picture =
        value.find("url(") != std::string_view::npos || value.find("gradient") != std::string_view::npos;
    if (name == "background" || picture) {
      style.background = picture ? std::nullopt : parse_colour(value);
      style.background_unknown = picture || !style.background;
    }
  } else {
    declare_box(style, name, value);
  }
}

std::string without_comments(std::string_view css) {
  std::string out;
  while (!css.empty()) {
    const auto open = std::min(css.find("/*"), css.size());
    out += css.substr(0, open);
    css.remove_prefix(open);
    if (css.empty()) break;
    const auto close = css.find("*/", 2);
    css.remove_prefix(close == std::string_view::npos ? css.size() : close + 2);
  }
  return out;
}

bool is_simple_selector(std::string_view text) {
  return !text.empty() && text.size() <= 80 &&
         text.find_first_of(" \t\r\n>+~:[*&\\") == std::string_view::npos;
}

}  // namespace

std::optional<Colour> parse_colour(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Colour>, 20> kNames{{
      {"white", {255, 255, 255, 1}},       {"black", {0, 0, 0, 1}},
      {"transparent", {0, 0, 0, 0}},       {"red", {255, 0, 0, 1}},
      {"green", {0, 128, 0, 1}},           {"blue", {0, 0, 255, 1}},
      {"gray", {128, 128, 128, 1}},        {"grey", {128, 128, 128, 1}},
      {"silver", {192, 192, 192, 1}},      {"yellow", {255, 255, 0, 1}},
      {"orange", {255, 165, 0, 1}},        {"navy", {0, 0, 128, 1}},
      {"whitesmoke", {245, 245, 245, 1}},  {"snow", {255, 250, 250, 1}},
      {"ivory", {255, 255, 240, 1}},       {"ghostwhite", {248, 248, 255, 1}},
      {"lightgray", {211, 211, 211, 1}},   {"lightgrey", {211, 211, 211, 1}},
      {"floralwhite", {255, 250, 240, 1}}, {"none", {0, 0, 0, 0}},
  }};
  const std::string lower = ascii_lower(trim(text));
  const std::string_view value = lower;
  if (value.starts_with('#')) return parse_hex(value.substr(1, value.find_first_of(" \t!;", 1) - 1));
  if (value.starts_with("rgb")) return parse_rgb(value);
  const std::string_view word = value.substr(0, value.find_first_of(" \t!;"));
  for (const auto& [name, colour] : kNames) {
    if (name == word) return colour;
  }
  return std::nullopt;
}

bool alike(const Colour& a, const Colour& b) {
  return std::abs(a.red - b.red) + std::abs(a.green - b.green) + std::abs(a.blue - b.blue) <=
         kColourDistanceMax;
}

void Style::add(const Style& stronger) {
  const auto take = [](auto& mine, const auto& other) {
    if (other) mine = other;
  };
  take(display_none, stronger.display_none);
  take(invisible, stronger.invisible);
  take(font_size, stronger.font_size);
  take(opacity, stronger.opacity);
  take(colour, stronger.colour);
  if (stronger.background || stronger.background_unknown) {
    background = stronger.background;
    background_unknown = stronger.background_unknown;
  }
  off_screen |= stronger.off_screen;
  no_height |= stronger.no_height;
  no_width |= stronger.no_width;
  clipped |= stronger.clipped;
  clip_away |= stronger.clip_away;
}

Style parse_declarations(std::string_view text) {
  Style style;
  const std::string lower = ascii_lower(text);
  std::string_view rest = lower;
  for (std::size_t i = 0; i < kDeclarationsMax && !rest.empty(); ++i) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto colon = one.find(':');
    if (colon != std::string_view::npos)
      declare(style, trim(one.substr(0, colon)), trim(one.substr(colon + 1)));
  }
  return style;
}

void StyleSheet::add(std::string_view css) {
  const std::string plain = without_comments(css);
  std::string_view rest = plain;
  while (!rest.empty() && rules_.size() < kSelectorsMax) {
    const auto open = rest.find('{');
    if (open == std::string_view::npos) return;
    const std::string_view selectors = trim(rest.substr(0, open));
    rest.remove_prefix(open + 1);
    if (selectors.starts_with('@')) {
      // To the brace that closes the block.
      std::size_t depth = 1;
      std::size_t at = 0;
      for (; at < rest.size() && depth > 0; ++at) {
        if (rest[at] == '{') ++depth;
        if (rest[at] == '}') --depth;
      }
      rest.remove_prefix(at);
      continue;
    }
    const std::size_t close = std::min(rest.find('}'), rest.size());
    const Style style = parse_declarations(rest.substr(0, close));
    rest.remove_prefix(std::min(close + 1, rest.size()));
    for (std::string_view list = selectors; !list.empty() && rules_.size() < kSelectorsMax;) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view selector = trim(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
      if (is_simple_selector(selector)) rules_[ascii_lower(selector)].add(style);
    }
  }
}

const Style* StyleSheet::find(std::string_view selector) const {
  const auto found = rules_.find(selector);
  return found == rules_.end() ? nullptr : &found->second;
}

}  // namespace countersign::screen
