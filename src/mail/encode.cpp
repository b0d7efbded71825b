#include "mail/encode.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::size_t kBase64LineBytes = 57;  // 76 digits
constexpr std::size_t kQuotedPrintableLineMax = 76;

// Two digits for every 12 bits: half the look-ups of the usual table.
constexpr auto kDigitPairs = [] {
  std::array<std::array<char, 2>, 4096> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = {kDigits[i >> 6], kDigits[i & 63]};
  return table;
}();

// Writes the digits of `bytes` to `to` and returns where they end.
char* write_base64(char* to, std::string_view bytes) {
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t bits = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
    const std::array<char, 2>& high = kDigitPairs[bits >> 12];
    const std::array<char, 2>& low = kDigitPairs[bits & 0xfff];
    *to++ = high[0];
    *to++ = high[1];
    *to++ = low[0];
    *to++ = low[1];
  }
  if (i == bytes.size()) return to;
  const bool two = i + 2 == bytes.size();
  const std::uint32_t bits = (at(i) << 16) | (two ? at(i + 1) << 8 : 0);
  *to++ = kDigits[bits >> 18];
  *to++ = kDigits[(bits >> 12) & 63];
  *to++ = two ? kDigits[(bits >> 6) & 63] : '=';
  *to++ = '=';
  return to;
}

void append_hex_octet(std::string& out, char octet) {
  const auto value = static_cast<unsigned char>(octet);
  out.push_back('=');
  out.push_back(kHex[value >> 4]);
  out.push_back(kHex[value & 15]);
}

bool is_word_literal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '!' || c == '*' ||
         c == '+' || c == '-' || c == '/';
}

// Octets one code point takes in the Q encoding.
std::size_t q_cost(std::string_view code_point) {
  const bool one = code_point.size() == 1 && (code_point[0] == ' ' || is_word_literal(code_point[0]));
  return one ? 1 : 3 * code_point.size();
}

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::optional<std::string> decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out.push_back(' ');
    } else if (text[i] != '=') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_value(text[i + 1]);
      const auto low = hex_value(text[i + 2]);
      if (!high || !low) return std::nullopt;
      out.push_back(static_cast<char>(*high * 16 + *low));
      i += 2;
    }
  }
  return out;
}

struct DecodedWord {
  std::string text;
  std::size_t consumed = 0;
};

// `=?charset?encoding?text?=` at the beginning of `text`. Looks ahead a fixed distance only, so that decoding
// stays linear.
std::optional<DecodedWord> decode_word(std::string_view text) {
  static constexpr std::size_t kLookaheadMax = 512;
  text = text.substr(0, kLookaheadMax);
  if (!text.starts_with("=?")) return std::nullopt;
  const auto charset_end = text.substr(0, kEncodedWordMax).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size()) return std::nullopt;
  if (text[charset_end + 2] != '?') return std::nullopt;
  const std::size_t begin = charset_end + 3;
  const auto end = text.find("?=", begin);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view encoded = text.substr(begin, end - begin);
  if (encoded.find_first_of(" ?") != std::string_view::npos) return std::nullopt;

  const char encoding = text[charset_end + 1];
  std::optional<std::string> bytes;
  if (encoding == 'q' || encoding == 'Q') bytes = decode_q(encoded);
  if (encoding == 'b' || encoding == 'B') bytes = base64_decode(encoded);
  if (!bytes) return std::nullopt;

  const std::string charset = ascii_lower(text.substr(2, charset_end - 2));
  if (charset == "utf-8" || charset == "us-ascii") return DecodedWord{*std::move(bytes), end + 2};
  if (charset != "iso-8859-1") return std::nullopt;
  std::string latin;
  for (const char c : *bytes) append_utf8(latin, static_cast<unsigned char>(c));
  return DecodedWord{std::move(latin), end + 2};
}

}  // namespace

void append_base64_lines(std::string& out, std::string_view bytes) {
  const std::size_t lines = (bytes.size() + kBase64LineBytes - 1) / kBase64LineBytes;
  if (lines == 0) return;
  const std::size_t digits = (bytes.size() + 2) / 3 * 4;
  const std::size_t before = out.size();
  out.resize(before + digits + 2 * (lines - 1));
  char* to = out.data() + before;
  for (std::size_t at = 0; at < bytes.size(); at += kBase64LineBytes) {
    if (at > 0) {
      *to++ = '\r';
      *to++ = '\n';
    }
    to = write_base64(to, bytes.substr(at, kBase64LineBytes));
  }
}

void append_quoted_printable(std::string& out, std::string_view text) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_end = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (line_end) {
      out += "\r\n";
      column = 0;
      ++i;
      continue;
    }
    const bool last_of_line =
        i + 1 == text.size() || (text[i + 1] == '\r' && i + 2 < text.size() && text[i + 2] == '\n');
    const bool blank = c == ' ' || c == '\t';
    const bool literal = (c > ' ' && c < 0x7f && c != '=') || (blank && !last_of_line);
    // One column stays free for the `=` of a soft line break.
    if (column + (literal ? 1 : 3) > kQuotedPrintableLineMax - (last_of_line ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (literal) {
      out.push_back(c);
      ++column;
    } else {
      append_hex_octet(out, c);
      column += 3;
    }
  }
}

EncodedWord next_encoded_word(std::string_view text, std::size_t room) {
  static constexpr std::string_view kPrefixB = "=?utf-8?b?";
  static constexpr std::string_view kPrefixQ = "=?utf-8?q?";
  const std::size_t payload = room - kPrefixB.size() - 2;
  const std::size_t bytes_b = payload / 4 * 3;

  // How far each encoding reaches, at code point boundaries (RFC 2047 §5: no split characters).
  std::size_t cost_q = 0;
  std::size_t end_q = 0;
  std::size_t end_b = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = code_point_at(text, i).bytes;
    const std::size_t cost = q_cost(text.substr(i, bytes));
    if (end_q == i && cost_q + cost <= payload) {
      cost_q += cost;
      end_q = i + bytes;
    }
    if (end_b == i && i + bytes <= bytes_b) end_b = i + bytes;
    if (end_q <= i && end_b <= i) break;
    i += bytes;
  }
  // The one that reaches further; at equal reach the readable one, unless it is far longer.
  if (end_q > end_b || (end_q == end_b && cost_q <= 2 * end_q)) {
    std::string word(kPrefixQ);
    for (const char c : text.substr(0, end_q)) {
      if (c == ' ') {
        word.push_back('_');
      } else if (is_word_literal(c)) {
        word.push_back(c);
      } else {
        append_hex_octet(word, c);
      }
    }
    word += "?=";
    return {std::move(word), end_q};
  }
  std::string word(kPrefixB);
  append_base64_lines(word, text.substr(0, end_b));
  word += "?=";
  return {std::move(word), end_b};
}

std::string decode_encoded_words(std::string_view text) {
  std::string out;
  bool after_word = false;
  for (std::size_t i = 0; i < text.size();) {
    if (auto word = decode_word(text.substr(i))) {
      out += word->text;
      i += word->consumed;
      after_word = true;
      continue;
    }
    const auto blank_end = std::min(text.find_first_not_of(' ', i), text.size());
    if (after_word && blank_end > i && decode_word(text.substr(blank_end))) {
      i = blank_end;
      continue;
    }
    after_word = false;
    out.push_back(text[i++]);
  }
  return out;
}

}  // namespace countersign::mail
