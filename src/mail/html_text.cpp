#include "mail/html_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kQuoteDepthMax = 8;
constexpr std::size_t kReferenceMax = 12;  // longest character reference that is looked up
constexpr std::size_t kTagNameMax = 12;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

std::optional<char32_t> named_reference(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, char32_t>, 42> kNames = {{
      {"amp", U'&'},     {"lt", U'<'},      {"gt", U'>'},       {"quot", U'"'},    {"apos", U'\''},
      {"nbsp", U' '},    {"copy", 0xa9},    {"reg", 0xae},      {"trade", 0x2122}, {"euro", 0x20ac},
      {"pound", 0xa3},   {"yen", 0xa5},     {"cent", 0xa2},     {"sect", 0xa7},    {"deg", 0xb0},
      {"middot", 0xb7},  {"bull", 0x2022},  {"hellip", 0x2026}, {"ndash", 0x2013}, {"mdash", 0x2014},
      {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201c},  {"rdquo", 0x201d}, {"laquo", 0xab},
      {"raquo", 0xbb},   {"times", 0xd7},   {"auml", 0xe4},     {"ouml", 0xf6},    {"uuml", 0xfc},
      {"Auml", 0xc4},    {"Ouml", 0xd6},    {"Uuml", 0xdc},     {"szlig", 0xdf},   {"eacute", 0xe9},
      {"egrave", 0xe8},  {"agrave", 0xe0},  {"ccedil", 0xe7},   {"ntilde", 0xf1},  {"oacute", 0xf3},
      {"aacute", 0xe1},  {"zwnj", 0x200c},
  }};
  for (const auto& [known, value] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<char32_t> numeric_reference(std::string_view digits) {
  int base = 10;
  if (digits.starts_with('x') || digits.starts_with('X')) {
    base = 16;
    digits.remove_prefix(1);
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value == 0 ? kReplacement : static_cast<char32_t>(value);
}

// Collects text, one logical line at a time.
class Writer {
 public:
  explicit Writer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] bool full() const { return out_.size() >= bytes_max_; }
  void space() { space_wanted_ = true; }
  void quote_in() {
    block(1);
    ++quotes_;
  }
  void quote_out() {
    block(1);
    if (quotes_ > 0) --quotes_;
  }

  void text(std::string_view bytes) {
    begin_line();
    if (space_wanted_ && line_has_text_) out_.push_back(' ');
    space_wanted_ = false;
    line_has_text_ = true;
    out_ += bytes;
  }

  // Ends the line and leaves at least `blank` blank lines before the next text.
  void block(std::size_t blank) {
    space_wanted_ = false;
    line_has_text_ = false;
    if (!out_.empty()) breaks_wanted_ = std::max(breaks_wanted_, blank + 1);
  }

  void line_break() {
    space_wanted_ = false;
    line_has_text_ = false;
    if (!out_.empty() && breaks_wanted_ < 3) ++breaks_wanted_;
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void begin_line() {
    const bool at_start = out_.empty();
    if (breaks_wanted_ == 0 && !at_start) return;
    const std::string prefix = quote_prefix();
    for (; breaks_wanted_ > 1; --breaks_wanted_) {
      out_.push_back('\n');
      // A blank line inside one quote belongs to it; between quote and answer it does not.
      if (last_quotes_ == quotes_)
        out_ += std::string_view(prefix).substr(0, prefix.empty() ? 0 : prefix.size() - 1);
    }
    if (breaks_wanted_ == 1) out_.push_back('\n');
    breaks_wanted_ = 0;
    out_ += prefix;
    last_quotes_ = quotes_;
  }

  [[nodiscard]] std::string quote_prefix() const {
    if (quotes_ == 0) return {};
    return std::string(std::min(quotes_, kQuoteDepthMax), '>') + ' ';
  }

  std::string out_;
  std::size_t bytes_max_;
  std::size_t quotes_ = 0;
  std::size_t last_quotes_ = 0;
  std::size_t breaks_wanted_ = 0;
  bool space_wanted_ = false;
  bool line_has_text_ = false;
};

class Tokenizer {
 public:
  Tokenizer(std::string_view html, std::size_t bytes_max) : html_(html), writer_(bytes_max) {}

  std::string run() {
    while (at_ < html_.size() && !writer_.full()) {
      const char c = html_[at_];
      if (c == '<' && at_ + 1 < html_.size() && opens_markup(html_[at_ + 1])) {
        markup();
      } else if (c == '&') {
        reference();
      } else if (is_space(c)) {
        if (c == '\n' && preformatted_ > 0) {
          writer_.line_break();
        } else {
          writer_.space();
        }
        ++at_;
      } else {
        characters();
      }
    }
    return writer_.take();
  }

 private:
  static bool opens_markup(char next) { return is_letter(next) || next == '/' || next == '!' || next == '?'; }

  void characters() {
    const std::size_t start = at_++;
    while (at_ < html_.size() && html_[at_] != '<' && html_[at_] != '&' && !is_space(html_[at_])) ++at_;
    writer_.text(html_.substr(start, at_ - start));
  }

  void reference() {
    const auto end = html_.substr(at_, kReferenceMax).find(';');
    if (end != std::string_view::npos && end > 1) {
      const std::string_view name = html_.substr(at_ + 1, end - 1);
      const auto value = name.front() == '#' ? numeric_reference(name.substr(1)) : named_reference(name);
      if (value) {
        at_ += end + 1;
        if (*value == U' ' || *value == 0xa0) return writer_.space();
        std::string bytes;
        append_utf8(bytes, *value);
        return writer_.text(bytes);
      }
    }
    ++at_;
    writer_.text("&");
  }

  // Moves behind `end`, or to the end of the input: what is not closed hides the rest, as in a browser.
  void skip_past(std::string_view end) {
    const auto found = html_.find(end, at_);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
  }

  void markup() {
    if (html_.substr(at_).starts_with("<!--")) {
      at_ += 4;
      return skip_past("-->");
    }
    if (html_[at_ + 1] == '!' || html_[at_ + 1] == '?') return skip_past(">");
    const bool closing = html_[at_ + 1] == '/';
    at_ += closing ? 2 : 1;
    const std::size_t start = at_;
    while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '>' && html_[at_] != '/') ++at_;
    const std::string name = ascii_lower(html_.substr(start, std::min(at_ - start, kTagNameMax)));
    skip_attributes();
    if (!closing && (name == "script" || name == "style" || name == "title" || name == "template")) {
      return skip_raw(name);
    }
    tag(name, closing);
  }

  void skip_attributes() {
    char quote = '\0';
    for (; at_ < html_.size(); ++at_) {
      const char c = html_[at_];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '>') {
        ++at_;
        return;
      } else if ((c == '"' || c == '\'') && html_[at_ - 1] == '=') {
        quote = c;
      }
    }
  }

  // Behind the closing tag of an element whose content is not text.
  void skip_raw(std::string_view name) {
    while (at_ < html_.size()) {
      skip_past("</");
      if (ascii_lower(html_.substr(at_, name.size())) == name) return skip_past(">");
    }
  }

  void tag(std::string_view name, bool closing) {
    static constexpr std::array<std::string_view, 20> kBlocks = {
        "div",   "tr",  "table",   "section", "article", "header", "footer",  "main", "form", "center",
        "aside", "nav", "address", "dt",      "dd",      "tbody",  "caption", "body", "hr",   "figure"};
    static constexpr std::array<std::string_view, 10> kParagraphs = {"p",  "h1", "h2", "h3", "h4",
                                                                     "h5", "h6", "ul", "ol", "dl"};
    if (name == "br") {
      writer_.line_break();
    } else if (name == "blockquote") {
      closing ? writer_.quote_out() : writer_.quote_in();
    } else if (name == "pre") {
      writer_.block(1);
      preformatted_ = closing ? 0 : 1;
    } else if (name == "li") {
      writer_.block(0);
      if (!closing) writer_.text("-");
      writer_.space();
    } else if (name == "td" || name == "th") {
      writer_.space();
    } else if (std::ranges::find(kParagraphs, name) != kParagraphs.end()) {
      writer_.block(1);
    } else if (std::ranges::find(kBlocks, name) != kBlocks.end()) {
      writer_.block(0);
    }
  }

  std::string_view html_;
  std::size_t at_ = 0;
  int preformatted_ = 0;
  Writer writer_;
};

}  // namespace

std::string html_to_text(std::string_view html, std::size_t bytes_max) {
  return Tokenizer(html, bytes_max).run();
}

}  // namespace countersign::mail
