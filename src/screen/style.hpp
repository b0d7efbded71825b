// As much of CSS as it takes to tell whether text can be seen. Internal to the screen module.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::screen {

struct Colour {
  int red = 0;
  int green = 0;
  int blue = 0;
  double alpha = 1;
};

/// `#fff`, `rgb(…)`, `white`; nothing when unknown.
[[nodiscard]] std::optional<Colour> parse_colour(std::string_view text);
/// Hardly to be told apart.
[[nodiscard]] bool alike(const Colour& a, const Colour& b);

/// What some declarations set; what they do not mention is not set.
struct Style {
  std::optional<bool> display_none;
  std::optional<bool> invisible;    // visibility
  std::optional<double> font_size;  // px; negative: a share of the parent's size
  std::optional<double> opacity;
  std::optional<Colour> colour;
  std::optional<Colour> background;
  bool background_unknown = false;  // an image or gradient
  bool off_screen = false;
  bool no_height = false;
  bool no_width = false;
  bool clipped = false;  // overflow hidden
  bool clip_away = false;

  void add(const Style& stronger);
};

/// The declarations of a style attribute or of one block; at most kDeclarationsMax are read.
[[nodiscard]] Style parse_declarations(std::string_view text);

/// Rules of style blocks whose selector is a single class, id or element, with or without the element before
/// a class. Conditional blocks (@media) are left out.
class StyleSheet {
 public:
  void add(std::string_view css);
  /// selector   ".name", "#id", "div", "div.name"
  [[nodiscard]] const Style* find(std::string_view selector) const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  std::map<std::string, Style, std::less<>> rules_;
};

}  // namespace countersign::screen
