#include "provider/smtp/response.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "provider/transport.hpp"

namespace countersign::provider::smtp {
namespace {

constexpr std::size_t kQueueIdBytesMax = 128;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Length of `d.d{1,3}.d{1,3}` at the start of `text` when followed by a blank or the end, else 0.
std::size_t status_length(std::string_view text) noexcept {
  std::size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t digits_max = part == 0 ? 1 : 3;
    std::size_t digits = 0;
    while (at < text.size() && digits < digits_max && is_digit(text[at])) ++at, ++digits;
    if (digits == 0) return 0;
    if (part < 2 && (at == text.size() || text[at++] != '.')) return 0;
  }
  return at == text.size() || text[at] == ' ' ? at : 0;
}

std::string_view without_status(std::string_view line, int code) noexcept {
  const std::size_t length = status_length(line);
  if (length == 0 || line[0] - '0' != code / 100) return line;
  return trim(line.substr(length));
}

std::size_t code_point_length(std::string_view bytes) noexcept {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, bytes.size()); ++length) {
    if (is_utf8(bytes.substr(0, length))) return length;
  }
  return 0;
}

bool is_id_character(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.' || c == '+' || c == '@';
}

std::string id_at(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_id_character(text[length])) ++length;
  if (length > kQueueIdBytesMax) return {};
  std::string_view id = text.substr(0, length);
  while (!id.empty() && id.back() == '.') id.remove_suffix(1);
  return std::string(id);
}

// Index just behind `phrase` (lower case) in `lower`, or nothing.
std::optional<std::size_t> behind(std::string_view lower, std::string_view phrase) noexcept {
  const std::size_t at = lower.find(phrase);
  if (at == std::string_view::npos) return std::nullopt;
  return at + phrase.size();
}

}  // namespace

std::string presentable(std::string_view bytes, std::size_t bytes_max) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = code_point_length(bytes.substr(at));
    std::string_view piece = length == 0 ? kReplacement : bytes.substr(at, length);
    const auto first = static_cast<unsigned char>(bytes[at]);
    const bool c1_control = length == 2 && first == 0xc2 && static_cast<unsigned char>(bytes[at + 1]) < 0xa0;
    if (first < 0x20 || first == 0x7f || c1_control) piece = " ";
    if (out.size() + piece.size() > bytes_max) break;
    out.append(piece);
    at += std::max<std::size_t>(1, length);
  }
  return out;
}

std::string Response::enhanced() const {
  if (lines.empty()) return {};
  const std::size_t length = status_length(lines.front());
  if (length == 0 || lines.front()[0] - '0' != code / 100) return {};
  return lines.front().substr(0, length);
}

std::string Response::text() const {
  std::string joined;
  for (const std::string& line : lines) {
    const std::string_view words = without_status(line, code);
    if (words.empty()) continue;
    if (!joined.empty()) joined += ' ';
    joined.append(words);
    if (joined.size() > kReplyTextBytesMax) break;
  }
  return presentable(joined, kReplyTextBytesMax);
}

std::string Response::queue_id() const {
  const std::string words = text();
  const std::string lower = ascii_lower(words);
  const std::string_view view(words);
  if (const auto at = behind(lower, "queued as ")) return id_at(view.substr(*at));              // Postfix
  if (const auto at = behind(lower, "ok id=")) return id_at(view.substr(*at));                  // Exim
  if (const auto at = lower.find(" message accepted for delivery"); at != std::string::npos) {  // OpenSMTPD,
    const std::size_t blank = view.substr(0, at).rfind(' ');                                    // Sendmail
    const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
    return id_at(view.substr(begin, at - begin));
  }
  if (lower.starts_with("ok ") && view.find(' ', 3) == std::string_view::npos && view.size() >= 3 + 32) {
    return id_at(view.substr(3));  // Amazon SES: "Ok 0100…-000000"
  }
  return {};
}

ResponseParser::State ResponseParser::next(Response& response) {
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end == std::string::npos) {
      return buffer_.size() > kResponseLineBytesMax ? State::malformed : State::incomplete;
    }
    if (end > kResponseLineBytesMax || lines_.size() == kResponseLinesMax) return State::malformed;
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();

    // RFC 5321 §4.2: three digits, then a blank, a hyphen, or nothing.
    const bool code_read = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                           is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
    if (!code_read) return State::malformed;
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (!lines_.empty() && code != code_) return State::malformed;
    code_ = code;
    const bool last = line.size() == 3 || line[3] == ' ';
    lines_.push_back(line.size() > 4 ? line.substr(4) : std::string());
    if (!last) continue;
    response.code = code_;
    response.lines = std::move(lines_);
    lines_.clear();
    return State::complete;
  }
}

}  // namespace countersign::provider::smtp
