// HTML mail as a reader and as a program sees it: what is shown, what is there and not shown, and where links
// lead. Internal to the screen module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::screen {

/// Text that is not shown, and why.
struct Unseen {
  std::string_view reason;  // "display_none", "zero_font", "colour", …
  std::string text;
  bool at_start = false;  // before anything that is shown, as the preheader of a newsletter
};

struct Link {
  std::string url;   // of href, src, action, character references resolved
  std::string text;  // shown for it
};

struct Walk {
  std::string shown;
  std::vector<Unseen> unseen;  // at most kUnseenMax, joined by reason beyond
  std::string markup;          // comments, title and what attributes say, one a line
  std::string scripts;         // content of script, style and template
  std::vector<Link> links;     // at most kLinksMax, and as many of src
  bool links_cut = false;      // there are more
};
inline constexpr std::size_t kUnseenMax = 200;
inline constexpr std::size_t kLinksMax = 5000;

/// Linear in the input, whatever its nesting.
[[nodiscard]] Walk walk_html(std::string_view html);

}  // namespace countersign::screen
