#include "mail/html_tokens.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kReferenceMax = 12;  // longest character reference that is looked up
constexpr std::size_t kTagNameMax = 12;
constexpr std::size_t kAttributeNameMax = 32;

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

struct Reference {
  char32_t value;
  std::size_t bytes;
};

// The reference that `text` begins with, if it is one that is known.
std::optional<Reference> reference_at(std::string_view text) {
  const auto end = text.substr(0, kReferenceMax).find(';');
  if (end == std::string_view::npos || end < 2) return std::nullopt;
  const std::string_view name = text.substr(1, end - 1);
  const auto value = name.front() == '#' ? numeric_reference(name.substr(1)) : named_reference(name);
  if (!value) return std::nullopt;
  return Reference{*value, end + 1};
}

class Tokenizer {
 public:
  Tokenizer(std::string_view html, HtmlSink& sink) : html_(html), sink_(sink) {}

  void run() {
    while (at_ < html_.size() && !sink_.full()) {
      const char c = html_[at_];
      if (c == '<' && at_ + 1 < html_.size() && opens_markup(html_[at_ + 1])) {
        markup();
      } else if (c == '&') {
        reference();
      } else if (is_space(c)) {
        c == '\n' ? sink_.line_end() : sink_.space();
        ++at_;
      } else {
        characters();
      }
    }
  }

 private:
  static bool opens_markup(char next) { return is_letter(next) || next == '/' || next == '!' || next == '?'; }

  void characters() {
    const std::size_t start = at_++;
    while (at_ < html_.size() && html_[at_] != '<' && html_[at_] != '&' && !is_space(html_[at_])) ++at_;
    sink_.text(html_.substr(start, at_ - start));
  }

  void reference() {
    const auto found = reference_at(html_.substr(at_, kReferenceMax));
    if (!found) {
      ++at_;
      return sink_.text("&");
    }
    at_ += found->bytes;
    if (found->value == U' ' || found->value == 0xa0) return sink_.space();
    std::string bytes;
    append_utf8(bytes, found->value);
    sink_.text(bytes);
  }

  // What stands before `end`. Moves behind it, or to the end of the input: what is not closed hides the rest,
  // as in a browser.
  std::string_view take_past(std::string_view end) {
    const std::size_t start = at_;
    const auto found = html_.find(end, at_);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
    return html_.substr(start, std::min(found, html_.size()) - start);
  }

  void markup() {
    if (html_.substr(at_).starts_with("<!--")) {
      at_ += 4;
      return sink_.comment(take_past("-->"));
    }
    if (html_[at_ + 1] == '!' || html_[at_ + 1] == '?') {
      take_past(">");
      return;
    }
    HtmlTag tag;
    tag.closing = html_[at_ + 1] == '/';
    at_ += tag.closing ? 2 : 1;
    const std::size_t start = at_;
    while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '>' && html_[at_] != '/') ++at_;
    const std::string name = ascii_lower(html_.substr(start, std::min(at_ - start, kTagNameMax)));
    tag.name = name;
    const std::string_view attributes = take_attributes();
    tag.self_closing = attributes.ends_with('/');
    if (!tag.closing) tag.attributes = attributes;
    if (!tag.closing && (name == "script" || name == "style" || name == "title" || name == "template")) {
      return take_raw(name);
    }
    sink_.tag(tag);
  }

  std::string_view take_attributes() {
    const std::size_t start = at_;
    char quote = '\0';
    for (; at_ < html_.size(); ++at_) {
      const char c = html_[at_];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '>') {
        return html_.substr(start, at_++ - start);
      } else if ((c == '"' || c == '\'') && html_[at_ - 1] == '=') {
        quote = c;
      }
    }
    return html_.substr(start);
  }

  // Behind the closing tag of an element whose content is not text.
  void take_raw(std::string_view name) {
    const std::size_t start = at_;
    std::size_t end = html_.size();
    while (at_ < html_.size()) {
      take_past("</");
      if (ascii_lower(html_.substr(at_, name.size())) != name) continue;
      end = at_ - 2;
      take_past(">");
      break;
    }
    sink_.raw(name, html_.substr(start, end - start));
  }

  std::string_view html_;
  std::size_t at_ = 0;
  HtmlSink& sink_;
};

}  // namespace

void read_html(std::string_view html, HtmlSink& sink) { Tokenizer(html, sink).run(); }

bool HtmlAttributes::next() {
  const auto at_edge = [](char c) { return is_space(c) || c == '/'; };
  while (!rest_.empty() && at_edge(rest_.front())) rest_.remove_prefix(1);
  if (rest_.empty()) return false;
  std::size_t end = 1;
  while (end < rest_.size() && !at_edge(rest_[end]) && rest_[end] != '=') ++end;
  name_ = ascii_lower(rest_.substr(0, std::min(end, kAttributeNameMax)));
  rest_.remove_prefix(end);
  raw_value_ = {};
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  if (!rest_.starts_with('=')) return true;
  rest_.remove_prefix(1);
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  if (rest_.empty()) return true;
  const char quote = rest_.front();
  if (quote == '"' || quote == '\'') {
    rest_.remove_prefix(1);
    end = std::min(rest_.find(quote), rest_.size());
    raw_value_ = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
  } else {
    end = 0;
    while (end < rest_.size() && !is_space(rest_[end])) ++end;
    raw_value_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
  }
  return true;
}

std::string HtmlAttributes::value() const { return resolve_references(raw_value_); }

std::string resolve_references(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto found = reference_at(text);
    if (found) append_utf8(out, found->value);
    if (!found) out.push_back('&');
    text.remove_prefix(found ? found->bytes : 1);
  }
  return out;
}

}  // namespace countersign::mail
