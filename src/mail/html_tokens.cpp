#include "mail/html_tokens.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/html_references.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kTagNameMax = 12;
constexpr std::size_t kAttributeNameMax = 32;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

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
    const auto found = reference_at(html_.substr(at_), ReferencePlace::text);
    if (!found) {
      ++at_;
      return sink_.text("&");
    }
    at_ += found->bytes;
    if (found->value == U'\n') return sink_.line_end();
    if (found->value == 0xa0 || (found->value < 0x80 && is_space(static_cast<char>(found->value))))
      return sink_.space();
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

  // Behind `<!--` (WHATWG HTML §13.2.5.43 to 51): `>` and `->` end a comment at once, `--!>` ends it like
  // `-->`.
  std::string_view take_comment() {
    const std::size_t start = at_;
    const std::string_view rest = html_.substr(at_);
    if (rest.starts_with('>') || rest.starts_with("->")) {
      at_ += rest.front() == '>' ? 1 : 2;
      return {};
    }
    for (at_ = html_.find("--", at_); at_ != std::string_view::npos; at_ = html_.find("--", at_ + 1)) {
      const std::string_view behind = html_.substr(at_ + 2, 2);
      if (!behind.starts_with('>') && behind != "!>") continue;
      const std::string_view content = html_.substr(start, at_ - start);
      at_ += behind.front() == '>' ? 3 : 4;
      return content;
    }
    at_ = html_.size();
    return html_.substr(start);
  }

  // Whether a bogus comment begins here: `<!doctype …>`, `<?xml …?>`, `</1>` (§13.2.5.6, §13.2.5.7).
  [[nodiscard]] bool at_bogus_comment() const {
    if (html_[at_ + 1] != '/') return !is_letter(html_[at_ + 1]);
    return at_ + 2 < html_.size() && !is_letter(html_[at_ + 2]);
  }

  void markup() {
    if (html_.substr(at_).starts_with("<!--")) {
      at_ += 4;
      return sink_.comment(take_comment());
    }
    if (at_bogus_comment()) {
      at_ += 2;
      return sink_.comment(take_past(">"));
    }
    HtmlTag tag;
    tag.closing = html_[at_ + 1] == '/';
    at_ += tag.closing ? 2 : 1;
    const std::size_t start = at_;
    while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '>' && html_[at_] != '/') ++at_;
    const std::string_view whole_name = html_.substr(start, at_ - start);
    const std::string name = ascii_lower(whole_name.substr(0, kTagNameMax));
    if (whole_name.size() > kTagNameMax) sink_.comment(whole_name);
    tag.name = name;
    const std::string_view attributes = take_attributes();
    tag.self_closing = attributes.ends_with('/');
    if (!tag.closing) {
      tag.attributes = attributes;
    } else if (!attributes.empty()) {
      sink_.comment(attributes);  // they mean nothing there
    }
    if (!tag.closing && (name == "script" || name == "style" || name == "title" || name == "template")) {
      return take_raw(name);
    }
    sink_.tag(tag);
  }

  // Up to the `>` outside of quotes. A quote opens as the first character of a value only; inside of a name
  // or of a value without quotes it is a character like any other (WHATWG HTML §13.2.5.32 to 39).
  std::string_view take_attributes() {
    enum class State : unsigned char { before_name, name, after_name, before_value, value };
    State state = State::before_name;
    const std::size_t start = at_;
    for (; at_ < html_.size(); ++at_) {
      const char c = html_[at_];
      if (c == '>') return html_.substr(start, at_++ - start);
      if (is_space(c)) {
        if (state == State::name) state = State::after_name;
        if (state == State::value) state = State::before_name;
      } else if (state == State::before_value && (c == '"' || c == '\'')) {
        at_ = std::min(html_.find(c, at_ + 1), html_.size() - 1);
        state = State::before_name;
      } else if (state == State::before_value || state == State::value) {
        state = State::value;
      } else if (c == '/') {
        state = State::before_name;
      } else {
        state = c == '=' && state != State::before_name ? State::before_value : State::name;
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
      at_ += name.size();
      if (const auto attributes = take_attributes(); !attributes.empty()) sink_.comment(attributes);
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
  raw_name_ = rest_.substr(0, end);
  name_ = ascii_lower(raw_name_.substr(0, kAttributeNameMax));
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

}  // namespace countersign::mail
