#include "mail/attachment_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::string_view kOctetStream = "application/octet-stream";
constexpr std::size_t kContentTypeMax = 500;
constexpr std::size_t kTypeNameMax = 127;        // RFC 6838 §4.2
constexpr std::size_t kPlainFilenameMax = 60;    // longer names are continued by RFC 2231 §3
constexpr std::size_t kFilenameSectionMax = 54;  // with ` filename*999*=` and `;` in 78 columns
constexpr std::size_t kFilenameMax = 4096;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// restricted-name of RFC 6838 §4.2.
bool is_type_name(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$&-^_.+";
  return !name.empty() && name.size() <= kTypeNameMax && is_alphanumeric(name.front()) &&
         std::ranges::all_of(
             name, [](char c) { return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos; });
}

// token of RFC 2045 §5.1.
bool is_token_char(char c) {
  static constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
  return c > ' ' && c < 0x7f && kSpecials.find(c) == std::string_view::npos;
}

std::size_t token_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_char) - text.begin());
}

// Length of the quoted-string at the beginning of `text`, printable ASCII only; nothing when it is none.
std::optional<std::size_t> quoted_length(std::string_view text) {
  if (!text.starts_with('"')) return std::nullopt;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i >= text.size() || text[i] < ' ' || text[i] >= 0x7f) return std::nullopt;
  }
  return std::nullopt;
}

std::string_view skip_blanks(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

// The parameters behind `type/subtype`, each as `;\r\n attribute=value`; nothing when malformed.
std::optional<std::string> rewritten_parameters(std::string_view rest) {
  std::string out;
  rest = skip_blanks(rest);
  while (!rest.empty()) {
    if (rest.front() != ';') return std::nullopt;
    rest = skip_blanks(rest.substr(1));
    if (rest.empty()) break;  // a lone `;` at the end is common and harmless
    const std::string_view attribute = rest.substr(0, token_length(rest));
    rest.remove_prefix(attribute.size());
    if (attribute.empty() || !rest.starts_with('=')) return std::nullopt;
    rest.remove_prefix(1);
    const std::size_t length = quoted_length(rest).value_or(token_length(rest));
    if (length == 0) return std::nullopt;
    const std::string_view value = rest.substr(0, length);
    rest = skip_blanks(rest.substr(length));
    const std::string name = ascii_lower(attribute);
    if (name == "name" || name.starts_with("name*")) continue;
    fmt::format_to(std::back_inserter(out), ";\r\n {}={}", attribute, value);
  }
  return out;
}

// ASCII for readers without RFC 2231: other characters become `_`; short enough for one line.
std::string ascii_fallback(std::string_view filename) {
  std::string out;
  for (std::size_t i = 0; i < filename.size();) {
    const CodePoint c = code_point_at(filename, i);
    const bool encoded_word = c.value == '?' && out.ends_with('=');
    const bool usable = c.value < 0x80 && c.value != '"' && !encoded_word;
    out.push_back(usable ? static_cast<char>(c.value) : '_');
    i += c.bytes;
  }
  if (out.size() <= kPlainFilenameMax) return out;
  // The extension tells the type of the file, so it outlives the cut.
  const auto dot = out.rfind('.');
  const std::string extension = dot != std::string::npos && out.size() - dot <= 12 ? out.substr(dot) : "";
  return out.substr(0, kPlainFilenameMax - extension.size()) + extension;
}

// attribute-char of RFC 2231 §7.
bool is_attribute_char(char c) { return is_token_char(c) && c != '*' && c != '\'' && c != '%'; }

void append_extended_filename(std::string& out, std::string_view filename) {
  std::string section;
  std::vector<std::string> sections;
  for (std::size_t i = 0; i < filename.size();) {
    const std::size_t bytes = code_point_at(filename, i).bytes;
    std::string piece;
    for (const char c : filename.substr(i, bytes)) {
      if (is_attribute_char(c)) {
        piece.push_back(c);
      } else {
        fmt::format_to(std::back_inserter(piece), "%{:02X}", static_cast<unsigned char>(c));
      }
    }
    if (section.size() + piece.size() > kFilenameSectionMax) sections.push_back(std::exchange(section, {}));
    section += piece;
    i += bytes;
  }
  sections.push_back(std::move(section));

  if (sections.size() == 1) {
    fmt::format_to(std::back_inserter(out), ";\r\n filename*=utf-8''{}", sections[0]);
    return;
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    fmt::format_to(std::back_inserter(out), ";\r\n filename*{}*={}{}", i, i == 0 ? "utf-8''" : "",
                   sections[i]);
  }
}

}  // namespace

std::string safe_filename(std::string_view filename) {
  std::string out;
  filename = cut_utf8(filename, kFilenameMax);
  for (std::size_t i = 0; i < filename.size();) {
    const CodePoint c = code_point_at(filename, i);
    i += c.bytes;
    // Joiners shape emoji and Indic or Persian words; what else has no glyph only disguises a name.
    const bool joiner = c.value == 0x200c || c.value == 0x200d;
    const bool blank = c.value == 0xa0 || c.value == 0x3000 || c.value == kReplacement;
    if (c.value == '/' || c.value == '\\' || (is_invisible(c.value) && !joiner && !blank)) continue;
    append_utf8(out, c.value);
  }
  const auto start = out.find_first_not_of(' ');
  if (start == std::string::npos) return "attachment";
  out = out.substr(start, out.find_last_not_of(' ') - start + 1);
  if (out.find_first_not_of('.') == std::string::npos) return "attachment";
  return out;
}

std::string safe_content_type(std::string_view content_type) {
  content_type = trim(content_type);
  const auto slash = content_type.find('/');
  if (content_type.size() > kContentTypeMax || slash == std::string_view::npos)
    return std::string(kOctetStream);
  const std::string_view type = content_type.substr(0, slash);
  std::string_view rest = content_type.substr(slash + 1);
  const std::string_view subtype = rest.substr(0, std::min(rest.find_first_of("; \t"), rest.size()));
  rest.remove_prefix(subtype.size());
  if (!is_type_name(type) || !is_type_name(subtype)) return std::string(kOctetStream);
  const std::string lower = ascii_lower(type);
  if (lower == "message" || lower == "multipart") return std::string(kOctetStream);
  const auto parameters = rewritten_parameters(rest);
  if (!parameters) return std::string(kOctetStream);
  return fmt::format("{}/{}{}", type, subtype, *parameters);
}

void append_attachment_header(std::string& out, std::string_view content_type, std::string_view filename) {
  const std::string name = safe_filename(filename);
  const std::string fallback = ascii_fallback(name);
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: {};\r\n name=\"{}\"\r\n"
                 "Content-Transfer-Encoding: base64\r\n"
                 "Content-Disposition: attachment",
                 safe_content_type(content_type), fallback);
  if (fallback == name) {
    fmt::format_to(std::back_inserter(out), ";\r\n filename=\"{}\"", name);
  } else {
    append_extended_filename(out, name);
  }
  out += "\r\n\r\n";
}

}  // namespace countersign::mail
