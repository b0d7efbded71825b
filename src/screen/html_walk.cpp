#include "screen/html_walk.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mail/html_references.hpp"
#include "mail/html_tokens.hpp"
#include "screen/style.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kDepthMax = 4096;        // elements deeper down inherit and are not tracked
constexpr std::size_t kClassesMax = 20;        // of one element
constexpr std::size_t kAttributeTextMin = 12;  // bytes of an attribute that is meant to be read
constexpr std::size_t kPhraseMin = 4;          // words in a row that are no list of classes or fonts
constexpr std::size_t kLooseMin = 3;           // names and words, each by itself, that may be a sentence
constexpr double kFontSize = 16;               // px, until told otherwise
constexpr double kTinyFont = 2;                // px
constexpr double kTransparent = 0.05;

template <std::size_t Size>
bool one_of(std::string_view name, const std::array<std::string_view, Size>& names) {
  return std::ranges::find(names, name) != names.end();
}

bool is_void(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kVoid{"br",     "img",   "hr",   "input", "meta",
                                                          "link",   "area",  "base", "col",   "embed",
                                                          "source", "track", "wbr",  "param"};
  return one_of(name, kVoid);
}

bool is_block(std::string_view name) {
  static constexpr std::array<std::string_view, 28> kBlocks{
      "p",       "div",    "table",  "tr",   "td",         "th",      "ul",  "ol",  "li",     "h1",
      "h2",      "h3",     "h4",     "h5",   "h6",         "dl",      "dt",  "dd",  "center", "section",
      "article", "header", "footer", "main", "blockquote", "caption", "pre", "body"};
  return one_of(name, kBlocks);
}

// Whether `name` ends an open element `open` that has no end tag of its own.
bool ends_implicitly(std::string_view open, std::string_view name) {
  if (open == "p") return is_block(name) && name != "td" && name != "th" && name != "tr";
  if (open == "li") return name == "li";
  if (open == "td" || open == "th") return name == "td" || name == "th" || name == "tr";
  if (open == "tr") return name == "tr";
  if (open == "dt" || open == "dd") return name == "dt" || name == "dd";
  return open == "option" && name == "option";
}

// What an element passes on.
struct State {
  std::string_view hidden;  // the reason; "" when it is shown
  bool invisible = false;
  double font_size = kFontSize;
  double opacity = 1;
  std::optional<Colour> colour;                                 // nothing: the reader's
  std::optional<Colour> background = Colour{255, 255, 255, 1};  // nothing: not known
};

struct Open {
  std::string name;
  State state;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// Words that follow each other, as no style and no list of classes holds them; scripts that set no blanks
// need none.
bool holds_phrase(std::string_view text) {
  std::size_t words = 0;
  bool in_word = false;
  bool blank = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return true;
    if (is_letter(c)) {
      if (!in_word && ++words >= kPhraseMin) return true;
      in_word = true;
      blank = false;
    } else {
      if (!is_blank(c) || blank) words = 0;
      blank = is_blank(c);
      in_word = false;
    }
  }
  return false;
}

class Walker final : public mail::HtmlSink {
 public:
  explicit Walker(const StyleSheet& sheet) : sheet_(sheet) {}

  void text(std::string_view bytes) override {
    const std::string_view reason = reason_of(state());
    if (reason.empty()) {
      put(walk_.shown, bytes, space_);
      shown_any_ = shown_any_ || !trim(bytes).empty();
      if (link_) put(walk_.links[*link_].text, bytes, space_);
    } else {
      put(unseen(reason).text, bytes, space_ || reason != last_reason_);
    }
    last_reason_ = reason;
    space_ = false;
  }
  void space() override { space_ = true; }

  void tag(const mail::HtmlTag& tag) override {
    if (tag.name == "code" || tag.name == "pre") mark_code();
    if (is_block(tag.name) || tag.name == "br") line_break();
    if (tag.closing) return close(tag.name);
    while (!open_.empty() && ends_implicitly(open_.back().name, tag.name)) pop();
    State next = state();
    read_attributes(tag, next);
    if (is_void(tag.name) || tag.self_closing) return;
    if (open_.size() >= kDepthMax) return;
    ++counts_[std::string(tag.name)];
    open_.push_back({std::string(tag.name), std::move(next)});
  }

  void comment(std::string_view content) override { note(content); }

  void raw(std::string_view element, std::string_view content) override {
    if (element == "title") return note(content);
    walk_.scripts += content;
    walk_.scripts.push_back('\n');
  }

  Walk take() { return std::move(walk_); }

 private:
  [[nodiscard]] State state() const { return open_.empty() ? State{} : open_.back().state; }

  static void put(std::string& out, std::string_view bytes, bool space) {
    if (space && !out.empty() && out.back() != '\n' && out.back() != ' ') out.push_back(' ');
    out += bytes;
  }

  void line_break() {
    space_ = true;
    if (!walk_.shown.empty() && walk_.shown.back() != '\n') walk_.shown.push_back('\n');
  }

  void mark_code() { walk_.shown += walk_.shown.empty() || walk_.shown.back() == '\n' ? "`" : " `"; }

  // Whole, and however short: a sentence may be cut into comments of one word.
  void note(std::string_view text) {
    text = trim(text);
    if (text.empty()) return;
    walk_.markup += text;
    walk_.markup.push_back('\n');
  }

  Unseen& unseen(std::string_view reason) {
    auto& all = walk_.unseen;
    const bool at_start = !shown_any_;
    if (!all.empty() && all.back().reason == reason && all.back().at_start == at_start) return all.back();
    if (all.size() >= kUnseenMax) {
      const auto first = first_unseen_.find(reason);
      return first == first_unseen_.end() ? all.back() : all[first->second];
    }
    first_unseen_.try_emplace(reason, all.size());
    return all.emplace_back(Unseen{reason, "", at_start});
  }

  [[nodiscard]] static std::string_view reason_of(const State& state) {
    if (!state.hidden.empty()) return state.hidden;
    if (state.invisible) return "visibility_hidden";
    if (state.font_size < kTinyFont) return "zero_font";
    if (state.opacity <= kTransparent) return "transparent";
    if (state.colour && state.colour->alpha <= kTransparent) return "transparent";
    if (state.colour && state.background && alike(*state.colour, *state.background)) return "same_colour";
    return {};
  }

  void pop() {
    if (open_.back().name == "a") link_.reset();
    --counts_[open_.back().name];
    open_.pop_back();
  }

  // An end tag without its start tag is ignored, so each element is looked at once when it goes.
  void close(std::string_view name) {
    const auto count = counts_.find(name);
    if (count == counts_.end() || count->second == 0) return;
    while (open_.back().name != name) pop();
    pop();
  }

  void read_attributes(const mail::HtmlTag& tag, State& next) {
    Style style;
    Style own;
    if (!sheet_.empty()) {
      if (const Style* found = sheet_.find(tag.name)) style.add(*found);
    }
    mail::HtmlAttributes attributes(tag.attributes);
    bool target = false;
    std::string loose(tag.name);
    std::size_t loose_words = 0;
    while (attributes.next()) {
      const std::string& name = attributes.name();
      if (const std::string_view word = loose_word(attributes); !word.empty()) {
        loose.push_back(' ');
        loose += word;
        ++loose_words;
      } else if (speaks(attributes)) {
        note(attributes.value());
      }
      if (name == "style") {
        own = parse_declarations(attributes.value());
      } else if (name == "class" || name == "id") {
        apply_rules(tag.name, name == "id" ? '#' : '.', attributes.raw_value(), style);
      } else if (name == "hidden") {
        own.display_none = true;
      } else if (name == "color") {
        if (const auto colour = parse_colour(attributes.value())) style.colour = colour;
      } else if (name == "bgcolor") {
        if (const auto colour = parse_colour(attributes.value())) style.background = colour;
      } else if (name == "background") {
        style.background_unknown = true;
      } else if (name == "href" || name == "src" || name == "action" || name == "formaction") {
        // Of an attribute that is there twice the first counts (WHATWG HTML §13.2.5.33).
        const bool opens = tag.name == "a" && name == "href" && !target;
        target |= opens;
        add_link(attributes.value(), name == "src", opens);
      }
    }
    if (loose_words >= kLooseMin) note(loose);
    style.add(own);
    if (tag.name == "noscript" || tag.name == "noembed" || tag.name == "object") style.display_none = true;
    inherit(style, next);
  }

  void apply_rules(std::string_view element, char kind, std::string_view names, Style& style) const {
    if (sheet_.empty()) return;
    for (std::size_t i = 0; i < kClassesMax && !names.empty(); ++i) {
      const std::size_t end = std::min(names.find_first_of(" \t\r\n"), names.size());
      const std::string selector = kind + ascii_lower(names.substr(0, end));
      names.remove_prefix(std::min(end + 1, names.size()));
      if (selector.size() == 1) continue;
      if (const Style* found = sheet_.find(selector)) style.add(*found);
      if (const Style* found = sheet_.find(std::string(element) + selector)) style.add(*found);
    }
  }

  void add_link(std::string url, bool source, bool opens) {
    if (opens) link_.reset();
    std::size_t& count = source ? sources_ : targets_;
    if (count >= kLinksMax) {
      walk_.links_cut = true;
      return;
    }
    ++count;
    if (opens) link_ = walk_.links.size();
    walk_.links.push_back({std::move(url), ""});
  }

  // A name without a value, or a value of ASCII letters only.
  static std::string_view loose_word(const mail::HtmlAttributes& attributes) {
    const std::string_view value = attributes.raw_value();
    if (value.empty()) return attributes.raw_name();
    const auto plain = [](char c) { return is_letter(c) && static_cast<unsigned char>(c) < 0x80; };
    return std::ranges::all_of(value, plain) ? value : std::string_view();
  }

  // Whether an attribute may say something to whoever reads the source.
  static bool speaks(const mail::HtmlAttributes& attributes) {
    const std::string& name = attributes.name();
    const std::string_view value = attributes.raw_value();
    if (name == "style" || name == "class" || name == "id") return holds_phrase(value);
    const bool meant = name == "alt" || name == "title" || name == "content" || name == "placeholder" ||
                       name == "value" || name == "summary" || name == "label" || name.starts_with("aria-") ||
                       name.starts_with("data-");
    if (meant && value.size() >= kAttributeTextMin) return true;
    // A blank may be written as a reference; a URL holds neither.
    const auto apart = [](char c) { return is_blank(c) || static_cast<unsigned char>(c) >= 0x80; };
    return std::ranges::any_of(value, apart) || (value.find('&') != std::string_view::npos &&
                                                 std::ranges::any_of(mail::resolve_references(value), apart));
  }

  static void inherit(const Style& style, State& next) {
    if (style.invisible) next.invisible = *style.invisible;
    if (style.font_size)
      next.font_size = *style.font_size < 0 ? -*style.font_size * next.font_size : *style.font_size;
    if (style.font_size && *style.font_size == 0) next.font_size = 0;
    if (style.opacity) next.opacity *= *style.opacity;
    if (style.colour) next.colour = style.colour;
    if (style.background_unknown) next.background.reset();
    if (style.background && style.background->alpha > 0.5) next.background = style.background;
    if (style.display_none.value_or(false)) {
      next.hidden = "display_none";
    } else if (style.off_screen) {
      next.hidden = "off_screen";
    } else if ((style.no_height || style.no_width) && style.clipped) {
      next.hidden = "no_size";
    } else if (style.clip_away) {
      next.hidden = "clipped";
    }
  }

  const StyleSheet& sheet_;
  Walk walk_;
  std::vector<Open> open_;
  std::map<std::string, std::size_t, std::less<>> counts_;
  std::map<std::string_view, std::size_t> first_unseen_;  // of a reason, in walk_.unseen
  bool space_ = false;
  bool shown_any_ = false;           // something that is not blank
  std::optional<std::size_t> link_;  // the one that is open, in walk_.links
  std::size_t targets_ = 0;          // of walk_.links
  std::size_t sources_ = 0;
  std::string_view last_reason_;
};

// Style blocks may stand behind what they style, so they are read first.
class Styles final : public mail::HtmlSink {
 public:
  explicit Styles(StyleSheet& sheet) : sheet_(sheet) {}
  void text(std::string_view) override {}
  void space() override {}
  void tag(const mail::HtmlTag&) override {}
  void raw(std::string_view element, std::string_view content) override {
    if (element == "style") sheet_.add(content);
  }

 private:
  StyleSheet& sheet_;
};

}  // namespace

Walk walk_html(std::string_view html) {
  StyleSheet sheet;
  Styles styles(sheet);
  mail::read_html(html, styles);
  Walker walker(sheet);
  mail::read_html(html, walker);
  return walker.take();
}

}  // namespace countersign::screen
