#include "mail/quoted_history.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kLeadInLinesMax = 3;  // mail programs wrap `On … wrote:`
constexpr std::size_t kLeadInBytesMax = 400;
constexpr std::size_t kOutlookBlockLines = 8;  // From, Sent, To, Cc, Subject, and wrapped recipients

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (true) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

bool is_blank(std::string_view line) { return trim(line).empty(); }
bool is_quoted(std::string_view line) { return line.starts_with('>'); }
bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// `prefix` in lower case at the beginning of the line, letters compared without case.
bool starts_like(std::string_view line, std::string_view prefix) {
  return ascii_lower(line.substr(0, prefix.size())) == prefix;
}

// Whether a subject is that of a forwarded message, by the prefixes that mail programs put before it; behind
// the mark of a gateway (`[External] Fw: …`) too.
bool is_forward_subject(std::string_view subject) {
  static constexpr std::array<std::string_view, 9> kPrefixes = {
      "fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "doorst:", "vs:", "i:"};
  constexpr std::size_t kMarkMax = 40;
  subject = trim(subject);
  if (subject.starts_with('[')) {
    const auto end = subject.substr(0, kMarkMax).find(']');
    if (end != std::string_view::npos) subject = trim(subject.substr(end + 1));
  }
  return std::ranges::any_of(kPrefixes, [&](auto prefix) { return starts_like(subject, prefix); });
}

// `-----Original Message-----` and its relatives, whatever the number of dashes.
bool is_original_message_line(std::string_view line) {
  line = trim(line);
  if (!line.starts_with("--") || !line.ends_with("--") || line.size() > 80) return false;
  const auto first = line.find_first_not_of('-');
  if (first == std::string_view::npos) return false;
  const std::string title = ascii_lower(trim(line.substr(first, line.find_last_not_of('-') - first + 1)));
  static constexpr std::array<std::string_view, 5> kTitles = {"original message", "ursprüngliche nachricht",
                                                              "message d'origine", "mensaje original",
                                                              "messaggio originale"};
  return std::ranges::find(kTitles, title) != kTitles.end();
}

// What follows is content somebody passed on, not history.
bool is_forward_line(std::string_view line) {
  line = trim(line);
  return line.size() <= 80 && (ascii_lower(line).find("forwarded message") != std::string::npos) &&
         (line.starts_with("--") || line.ends_with(':'));
}

// From:, then Sent: or Date:, then Subject: within a few lines, below a blank line or a rule.
bool starts_outlook_block(const Lines& lines, std::size_t at) {
  const std::string_view line = lines[at];
  if (!starts_like(line, "from:") && !starts_like(line, "*from:*")) return false;
  const bool set_off = at == 0 || is_blank(lines[at - 1]) || trim(lines[at - 1]).starts_with("____");
  if (!set_off) return false;
  bool dated = false;
  for (std::size_t i = at + 1; i < std::min(lines.size(), at + kOutlookBlockLines); ++i) {
    std::string_view next = lines[i];
    if (is_blank(next)) return false;
    if (next.starts_with('*')) next.remove_prefix(1);
    if (starts_like(next, "sent:") || starts_like(next, "date:")) dated = true;
    if (starts_like(next, "subject:")) return dated;
  }
  return false;
}

// Where the lead-in begins that ends in line `last`: the line itself, or up to two lines further up when the
// sentence was wrapped. Nothing when line `last` does not end one.
std::optional<std::size_t> lead_in_start(const Lines& lines, std::size_t last) {
  if (!trim(lines[last]).ends_with(':')) return std::nullopt;
  static constexpr std::array<std::string_view, 7> kStarts = {"on ", "am ", "le ", "el ",
                                                              "il ", "em ", "op "};
  std::size_t bytes = 0;
  bool digits = false;
  for (std::size_t up = 0; up < kLeadInLinesMax && up <= last; ++up) {
    const std::string_view line = lines[last - up];
    if (is_blank(line) || is_quoted(line)) return std::nullopt;
    bytes += line.size();
    digits = digits || has_digit(line);
    if (bytes > kLeadInBytesMax) return std::nullopt;
    if (digits && std::ranges::any_of(kStarts, [&](auto start) { return starts_like(line, start); })) {
      return last - up;
    }
  }
  return std::nullopt;
}

// Number of lines that stay when the block of quoted lines at the end goes, with its lead-in.
std::size_t without_trailing_quote(const Lines& lines, std::size_t end) {
  std::size_t keep = end;
  bool quoted = false;
  while (keep > 0 && (is_blank(lines[keep - 1]) || is_quoted(lines[keep - 1]))) {
    quoted = quoted || is_quoted(lines[keep - 1]);
    --keep;
  }
  if (!quoted) return end;
  if (keep > 0) keep = lead_in_start(lines, keep - 1).value_or(keep);
  return keep;
}

// `On … wrote:` with an unmarked original below it, as some phones send: only in English, with an address,
// and with no marked quote further down that would tell the two apart.
bool is_bare_lead_in(const Lines& lines, std::size_t start, std::size_t last) {
  bool address = false;
  for (std::size_t i = start; i <= last; ++i)
    address = address || lines[i].find('@') != std::string_view::npos;
  return address && starts_like(lines[start], "on ") && trim(lines[last]).ends_with("wrote:");
}

}  // namespace

std::string strip_quoted_history(std::string_view text, std::string_view subject) {
  const Lines lines = lines_of(text);
  const bool forwarded = is_forward_subject(subject);
  const auto last_quoted = std::ranges::find_if(lines.rbegin(), lines.rend(), is_quoted);
  const auto quotes_end = static_cast<std::size_t>(lines.rend() - last_quoted);  // lines up to the last quote

  std::size_t end = lines.size();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_forward_line(lines[i])) break;
    if (is_original_message_line(lines[i]) || starts_outlook_block(lines, i)) {
      if (forwarded) break;
      end = i;
      if (end > 0 && trim(lines[end - 1]).starts_with("____")) --end;
      break;
    }
    if (i < quotes_end) continue;
    const auto start = lead_in_start(lines, i);
    if (start && is_bare_lead_in(lines, *start, i)) {
      end = *start;
      break;
    }
  }
  end = without_trailing_quote(lines, end);
  if (end == lines.size()) return std::string(text);

  while (end > 0 && is_blank(lines[end - 1])) --end;
  if (end == 0) return std::string(text);
  const std::string_view& last = lines[end - 1];
  return std::string(text.substr(0, static_cast<std::size_t>(last.data() + last.size() - text.data())));
}

}  // namespace countersign::mail
