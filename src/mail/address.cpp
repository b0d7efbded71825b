#include "mail/address.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/encode.hpp"
#include "mail/header_writer.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kTextCodePointsMax = 320;
constexpr std::size_t kLocalPartMax = 64;  // RFC 5321 §4.5.3.1.1
constexpr std::size_t kAddressMax = 254;   // what fits a path with its brackets (RFC 5321 §4.5.3.1.3)
constexpr std::size_t kDomainMax = 255;    // RFC 5321 §4.5.3.1.2
constexpr std::size_t kLabelMax = 63;      // RFC 1035 §2.3.4
constexpr int kCommentDepthMax = 8;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_non_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// atext of RFC 5322 §3.2.3, with UTF8-non-ascii (RFC 6532 §3.2).
bool is_atext(char c) {
  static constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
  return is_alphanumeric(c) || is_non_ascii(c) || kMarks.find(c) != std::string_view::npos;
}

bool holds_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (!c.valid || is_control(c.value)) return true;
    i += c.bytes;
  }
  return false;
}

bool holds_invisible(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (is_invisible(c.value)) return true;
    i += c.bytes;
  }
  return false;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  // A U-label is as long as its A-label allows: fewer than 63 characters, whatever their octets (RFC 5890
  // §2.3.2.1). What the characters may be is settled where the name is looked up.
  if (code_points(label) > kLabelMax) return false;
  return std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || is_non_ascii(c); });
}

bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kDomainMax) return false;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = domain.find('.', begin);
    if (!is_label(domain.substr(begin, dot == std::string_view::npos ? dot : dot - begin))) return false;
    if (dot == std::string_view::npos) return true;
    begin = dot + 1;
  }
}

// Reads one mailbox from left to right, each character at most twice.
class Reader {
 public:
  enum class LocalPart : unsigned char { of_standard, as_received };
  Reader(std::string_view text, LocalPart local_part)
      : text_(text), long_(local_part == LocalPart::as_received) {}

  std::optional<Mailbox> mailbox() {
    if (!skip_blanks()) return std::nullopt;
    const std::size_t start = at_;
    Mailbox out;
    if (auto address = addr_spec()) {
      out.address = *std::move(address);
    } else {
      at_ = start;
      auto name = phrase();
      if (!name || !take('<')) return std::nullopt;
      auto bracketed = addr_spec();
      if (!bracketed || !take('>')) return std::nullopt;
      out.display_name = *std::move(name);
      out.address = *std::move(bracketed);
    }
    if (!skip_blanks() || !at_end()) return std::nullopt;
    return out;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  // Spaces and comments (CFWS, RFC 5322 §3.2.2). False for a comment that does not end.
  bool skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '(')) {
      if (take(' ')) continue;
      int depth = 0;
      do {
        const char c = text_[at_++];
        if (c == '\\' && !at_end()) ++at_;
        if (c == '(' && ++depth > kCommentDepthMax) return false;
        if (c == ')') --depth;
      } while (depth > 0 && !at_end());
      if (depth > 0) return false;
    }
    return true;
  }

  // The content of a quoted-string, unescaped; the cursor stands on the opening quote.
  std::optional<std::string> quoted_string() {
    std::string out;
    ++at_;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (at_end()) return std::nullopt;
      out.push_back(text_[at_++]);
    }
    return std::nullopt;
  }

  std::string_view run_of_atext() {
    const std::size_t start = at_;
    while (!at_end() && is_atext(peek())) ++at_;
    return text_.substr(start, at_ - start);
  }

  bool local_part() {
    const std::size_t start = at_;
    if (peek() == '"') {
      const auto content = quoted_string();
      if (!content || content->empty()) return false;
    } else {
      do {
        if (run_of_atext().empty()) return false;
      } while (take('.'));
    }
    return at_ - start <= (long_ ? kAddressMax : kLocalPartMax);
  }

  // addr-spec as written. No blanks around the `@`: RFC 5322 §3.4.1 says they should not be there, and they
  // hide addresses.
  std::optional<std::string> addr_spec() {
    const std::size_t start = at_;
    if (!local_part() || !take('@')) return std::nullopt;
    const std::size_t domain = at_;
    while (!at_end() && (is_alphanumeric(peek()) || is_non_ascii(peek()) || peek() == '-' || peek() == '.'))
      ++at_;
    if (!is_domain(text_.substr(domain, at_ - domain))) return std::nullopt;
    const std::string_view whole = text_.substr(start, at_ - start);
    if (domain - start - 1 > kLocalPartMax && whole.size() > kAddressMax) return std::nullopt;
    if (holds_invisible(whole)) return std::nullopt;
    return std::string(whole);
  }

  // Words up to `<`, joined by single spaces. A period in a name is obsolete by grammar and written by
  // everyone (`John Q. Public`), so it is read (RFC 5322 §4.1: must be accepted).
  std::optional<std::string> phrase() {
    std::string out;
    bool quoted = false;
    while (true) {
      if (!skip_blanks()) return std::nullopt;
      if (peek() == '<') break;
      std::string word;
      if (peek() == '"') {
        auto content = quoted_string();
        if (!content) return std::nullopt;
        word = *std::move(content);
        quoted = true;
      } else {
        const std::size_t start = at_;
        while (!at_end() && (is_atext(peek()) || peek() == '.')) ++at_;
        if (at_ == start) return std::nullopt;
        word = text_.substr(start, at_ - start);
      }
      if (!out.empty()) out.push_back(' ');
      out += word;
    }
    // Encoded-words mean something outside quotes only (RFC 2047 §5).
    if (!quoted && out.find("=?") != std::string::npos) out = decode_encoded_words(out);
    if (holds_control(out)) return std::nullopt;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool long_;  // local parts of more than 64 octets as well
};

std::optional<Mailbox> read_mailbox(std::string_view text, Reader::LocalPart local_part) {
  if (!is_utf8(text) || code_points(text) > kTextCodePointsMax || holds_control(text)) return std::nullopt;
  return Reader(text, local_part).mailbox();
}

// Without quotes and escapes around a local part that needs none: `"bob"@x` and `bob@x` are one mailbox (RFC
// 5321 §4.1.2), and quotes must not get an address past a list that names it.
std::string without_needless_quotes(std::string address) {
  const auto at = address.rfind('@');
  if (!address.starts_with('"') || at == std::string::npos || at < 2) return address;
  std::string local;
  for (std::size_t i = 1; i + 1 < at; ++i) {
    if (address[i] == '\\' && i + 2 < at) ++i;
    local.push_back(address[i]);
  }
  const bool dots_in_place = !local.empty() && !local.starts_with('.') && !local.ends_with('.') &&
                             local.find("..") == std::string::npos;
  const bool atoms = std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
  return dots_in_place && atoms ? local + address.substr(at) : address;
}

}  // namespace

std::optional<Mailbox> parse_mailbox(std::string_view text) {
  return read_mailbox(text, Reader::LocalPart::of_standard);
}

std::optional<Mailbox> parse_received_mailbox(std::string_view text) {
  return read_mailbox(text, Reader::LocalPart::as_received);
}

std::string normalise(std::string_view address) { return ascii_lower(trim(address)); }

std::string bare_address(std::string_view mailbox_text) {
  const auto mailbox = parse_received_mailbox(mailbox_text);
  return mailbox ? without_needless_quotes(ascii_lower(mailbox->address)) : normalise(mailbox_text);
}

std::vector<std::string> bare_addresses(const std::vector<std::string>& mailbox_texts) {
  std::vector<std::string> out;
  out.reserve(mailbox_texts.size());
  for (const std::string& text : mailbox_texts) out.push_back(bare_address(text));
  return out;
}

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string() : ascii_lower(address.substr(at + 1));
}

bool needs_smtputf8(std::string_view address) { return !is_ascii(address); }

std::string to_header(const Mailbox& mailbox) {
  std::string out;
  for (const std::string& word : mailbox_words(mailbox)) {
    if (!out.empty()) out.push_back(' ');
    out += word;
  }
  return out;
}

}  // namespace countersign::mail
