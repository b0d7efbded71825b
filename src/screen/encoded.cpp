#include "screen/encoded.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "mail/html_references.hpp"
#include "mail/utf8.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kBase64Min = 24;  // characters
constexpr std::size_t kHexMin = 32;     // digits
constexpr std::size_t kEscapesMin = 6;  // of one kind in a row
constexpr std::size_t kBitsMin = 40;
constexpr double kReadable = 0.85;  // share of letters and blanks

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

// Words rather than numbers: letters and blanks for the most part, and a blank somewhere.
bool readable(std::string_view bytes) {
  if (bytes.size() < 12 || !is_utf8(bytes)) return false;
  std::size_t good = 0;
  std::size_t blanks = 0;
  std::size_t points = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;
    ++points;
    if (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') return false;
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
    const bool blank = c == ' ' || is_line_end(c);
    good += static_cast<std::size_t>(letter || blank || c == '.' || c == ',' || c == '@');
    blanks += static_cast<std::size_t>(blank || byte >= 0xe3);
  }
  return blanks > 0 && static_cast<double>(good) >= kReadable * static_cast<double>(points);
}

class Finder {
 public:
  Finder(std::string_view text, DecodeBudget& budget) : text_(text), budget_(budget) {}

  std::vector<Payload> run() {
    while (at_ < text_.size() && !budget_.exceeded) {
      const char c = text_[at_];
      const std::size_t start = at_;
      if (c == ' ' || is_line_end(c)) word_ = at_ + 1;
      if (c == '%' || c == '=' || c == '\\' || c == '&') {
        escapes(c);
      } else if (base64_value(c) >= 0) {
        letters();
      }
      if (at_ == start) ++at_;
    }
    return std::move(out_);
  }

 private:
  void add(std::string_view kind, std::string text, std::size_t at) {
    if (!readable(text)) return;
    budget_.exceeded = budget_.payloads == 0 || budget_.bytes < text.size();
    if (budget_.payloads == 0) return;
    --budget_.payloads;
    text.resize(mail::cut_utf8(text, budget_.bytes).size());
    budget_.bytes -= text.size();
    out_.push_back({kind, std::move(text), at});
  }

  // A stretch without blanks, or with line ends between long lines, is tried as bits, as hexadecimal digits
  // and as base64.
  void letters() {
    const std::size_t start = at_;
    std::string run;
    std::size_t line = 0;
    std::size_t hex = 0;
    std::size_t bits = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (base64_value(c) >= 0) {
        run.push_back(c);
        hex += static_cast<std::size_t>(hex_value(c) >= 0);
        bits += static_cast<std::size_t>(c == '0' || c == '1');
        ++line;
      } else if (goes_on(line, run.size(), hex, bits)) {
        if (is_line_end(c)) line = 0;
      } else {
        break;
      }
      ++at_;
    }
    const bool all_hex = hex == run.size();
    if (bits == run.size() && bits >= kBitsMin) {
      add("bits", from_bits(run), start);
    } else if (all_hex && hex >= kHexMin) {
      add("hex", from_hex(run), start);
    } else if (run.size() >= kBase64Min) {
      add("base64", from_base64(run), start);
    }
  }

  // Whether a character outside the alphabet only separates pieces: a line end in wrapped base64, a blank
  // between pairs of hexadecimal digits or groups of bits.
  [[nodiscard]] bool goes_on(std::size_t line, std::size_t length, std::size_t hex, std::size_t bits) const {
    constexpr std::size_t kWrappedLine = 40;
    const char c = text_[at_];
    if (at_ + 1 >= text_.size()) return false;
    if (is_line_end(c))
      return line >= kWrappedLine || (c == '\n' && line == 0 && length > 0 && is_line_end(text_[at_ - 1]));
    if (c != ' ' && c != ':') return false;
    if (bits == length && length % 8 == 0) return text_[at_ + 1] == '0' || text_[at_ + 1] == '1';
    const bool pair = length >= 2 && length % 2 == 0 && hex == length;
    return pair && at_ + 2 < text_.size() && hex_value(text_[at_ + 1]) >= 0 &&
           hex_value(text_[at_ + 2]) >= 0 && (at_ < 3 || hex_value(text_[at_ - 3]) < 0 || length == 2);
  }

  static std::string from_base64(std::string_view run) {
    std::string out;
    unsigned value = 0;
    unsigned bits = 0;
    for (const char c : run) {
      value = (value << 6) | static_cast<unsigned>(base64_value(c));
      bits += 6;
      if (bits < 8) continue;
      bits -= 8;
      out.push_back(static_cast<char>((value >> bits) & 0xff));
    }
    return out;
  }

  static std::string from_hex(std::string_view run) {
    std::string out;
    for (std::size_t i = 0; i + 1 < run.size(); i += 2) {
      out.push_back(static_cast<char>(hex_value(run[i]) * 16 + hex_value(run[i + 1])));
    }
    return out;
  }

  static std::string from_bits(std::string_view run) {
    std::string out;
    for (std::size_t i = 0; i + 8 <= run.size(); i += 8) {
      unsigned value = 0;
      for (std::size_t bit = 0; bit < 8; ++bit) value = value * 2 + static_cast<unsigned>(run[i + bit] - '0');
      out.push_back(static_cast<char>(value));
    }
    return out;
  }

  // `%69`, `=69`, `\x69`, `\u0069`, `&#105;`, with characters between that need no escape.
  void escapes(char mark) {
    constexpr std::size_t kBeforeMax = 256;
    const std::size_t start = at_;
    std::string out;
    std::size_t count = 0;
    while (at_ < text_.size()) {
      if (text_[at_] == mark) {
        const std::size_t before = at_;
        if (!escape(mark, out)) break;
        ++count;
        if (before == at_) break;
      } else if (!is_line_end(text_[at_]) && text_[at_] != ' ' &&
                 static_cast<unsigned char>(text_[at_]) > 0x20) {
        out.push_back(text_[at_++]);
      } else {
        break;
      }
    }
    const std::string_view kind = mark == '%'   ? "percent"
                                  : mark == '=' ? "quoted-printable"
                                  : mark == '&' ? "references"
                                                : "escapes";
    if (count < kEscapesMin) return;
    const std::size_t word = std::max(word_, start > kBeforeMax ? start - kBeforeMax : 0);
    add(kind, mail::repair_utf8(std::string(text_.substr(word, start - word)) + out), start);
  }

  bool escape(char mark, std::string& out) {
    if (mark == '&') {
      if (!text_.substr(at_).starts_with("&#")) return false;
      const auto reference = mail::reference_at(text_.substr(at_), mail::ReferencePlace::text);
      if (!reference) return false;
      mail::append_utf8(out, reference->value);
      at_ += reference->bytes;
      return true;
    }
    std::size_t digits_at = at_ + 1;
    std::size_t digits = 2;
    if (mark == '\\') {
      if (digits_at >= text_.size() || (text_[digits_at] != 'x' && text_[digits_at] != 'u')) return false;
      digits = text_[digits_at++] == 'u' ? 4 : 2;
    }
    const std::string_view number = text_.substr(std::min(digits_at, text_.size()), digits);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, 16);
    if (number.size() < digits || error != std::errc() || end != number.data() + digits) return false;
    if (digits == 4) {
      mail::append_utf8(out, value);
    } else {
      out.push_back(static_cast<char>(value));
    }
    at_ = digits_at + digits;
    return true;
  }

  std::string_view text_;
  DecodeBudget& budget_;
  std::size_t at_ = 0;
  std::size_t word_ = 0;  // where the last one begins
  std::vector<Payload> out_;
};

}  // namespace

std::vector<Payload> find_payloads(std::string_view text, DecodeBudget& budget) {
  return Finder(text, budget).run();
}

std::string rot13(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>('a' + (c - 'a' + 13) % 26);
    if (c >= 'A' && c <= 'Z') c = static_cast<char>('A' + (c - 'A' + 13) % 26);
  }
  return out;
}

std::string backwards(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t start = end - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
    out += text.substr(start, end - start);
    end = start;
  }
  return out;
}

}  // namespace countersign::screen
