#include "console/attachment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "base/text.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;

constexpr std::size_t kHeaderFieldsMax = 500;
constexpr std::size_t kHeaderBytesMax = 256 * 1024;

// Types that a page may show from the bytes; everything else is for a program of the reader's choice.
constexpr std::array<std::string_view, 7> kShown{"image/png",  "image/jpeg",      "image/gif", "image/webp",
                                                 "image/avif", "application/pdf", "text/plain"};
// Endings that Windows, macOS or a browser runs.
constexpr std::array<std::string_view, 26> kPrograms{
    "exe", "com", "scr", "pif", "bat", "cmd", "msi", "msix", "ps1", "vbs", "vbe", "js",   "jse",
    "wsf", "hta", "jar", "lnk", "url", "cpl", "reg", "iso",  "img", "dmg", "app", "html", "svg"};
constexpr std::array<std::string_view, 16> kDocuments{"pdf",  "doc", "docx", "xls", "xlsx", "ppt",
                                                      "pptx", "txt", "csv",  "jpg", "jpeg", "png",
                                                      "gif",  "rtf", "zip",  "mp4"};

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

// Controls of Unicode that turn the direction of reading: U+202A–U+202E, U+2066–U+2069.
bool turns_direction(std::string_view text) {
  for (std::size_t at = text.find('\xe2'); at != std::string_view::npos && at + 2 < text.size();
       at = text.find('\xe2', at + 1)) {
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const auto third = static_cast<unsigned char>(text[at + 2]);
    if (second == 0x80 && third >= 0xaa && third <= 0xae) return true;
    if (second == 0x81 && third >= 0xa6 && third <= 0xa9) return true;
  }
  return false;
}

void warn(json::array& warnings, std::string_view code, std::string text) {
  warnings.push_back(json::object{{"code", code}, {"text", std::move(text)}});
}

void warn_of_attachment(json::array& warnings, const AttachmentEntry& attachment) {
  const std::string name = ascii_lower(attachment.filename);
  if (turns_direction(attachment.filename)) {
    warn(warnings, "attachment_direction",
         "The name of an attachment holds characters that reverse what is read: it may end otherwise than it "
         "looks.");
  }
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return;
  const std::string_view ending = trim(std::string_view(name).substr(dot + 1));
  if (!is_among(kPrograms, ending)) return;
  const std::string_view before = std::string_view(name).substr(0, dot);
  const std::size_t earlier = before.rfind('.');
  const bool pretends =
      earlier != std::string_view::npos && is_among(kDocuments, trim(before.substr(earlier + 1)));
  if (pretends) {
    warn(warnings, "attachment_pretends",
         fmt::format("“{}” is named like a document and is a program.", attachment.filename));
  } else {
    warn(warnings, "attachment_program", fmt::format("“{}” can run when it is opened.", attachment.filename));
  }
}

// Bytes of a header as text: what is no UTF-8 reads `?`.
std::string shown(std::string_view value) {
  std::string out(value);
  const bool text = is_utf8(value);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x80 && !text) || byte == 0x7f || (byte < 0x20 && c != '\t')) c = '?';
  }
  return out;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// `filename` is for ASCII, `filename*` for what is not (RFC 6266 §4.3, RFC 8187 §3.2).
std::string disposition_of(std::string_view filename) {
  std::string plain;
  std::string exact;
  for (const char c : filename) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\' || c == '/') continue;
    plain += byte < 0x80 ? c : '_';
    exact += is_plain(c) ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  if (plain.empty()) return "attachment; filename=\"attachment\"";
  return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain, exact);
}

}  // namespace

std::vector<AttachmentEntry> entries_of(const std::vector<mail::AttachmentInfo>& attachments) {
  std::vector<AttachmentEntry> out;
  for (const auto& one : attachments) {
    out.push_back({one.filename, one.content_type, one.size_bytes, one.content_id});
  }
  return out;
}

std::vector<AttachmentEntry> entries_of(const std::vector<mailbox::DraftAttachmentInfo>& attachments) {
  std::vector<AttachmentEntry> out;
  for (const auto& one : attachments) out.push_back({one.filename, one.content_type, one.size_bytes, ""});
  return out;
}

json::array attachments_view(const std::vector<AttachmentEntry>& attachments) {
  json::array out;
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    const AttachmentEntry& one = attachments[i];
    json::object view{
        {"index", i}, {"filename", one.filename}, {"content_type", one.content_type}, {"size", one.bytes}};
    if (!one.content_id.empty()) view["content_id"] = one.content_id;
    out.push_back(std::move(view));
  }
  return out;
}

json::array warnings_of(std::string_view subject, std::string_view text,
                        const std::vector<AttachmentEntry>& attachments) {
  json::array warnings;
  if (turns_direction(subject)) {
    warn(warnings, "subject_direction", "The subject holds characters that reverse what is read.");
  }
  if (turns_direction(text)) {
    warn(warnings, "text_direction", "The text holds characters that reverse what is read.");
  }
  for (const AttachmentEntry& attachment : attachments) warn_of_attachment(warnings, attachment);
  return warnings;
}

json::array raw_headers(std::string_view raw) {
  json::array out;
  raw = raw.substr(0, kHeaderBytesMax);
  std::string name;
  std::string value;
  const auto finish = [&] {
    if (!name.empty()) out.push_back(json::array{shown(name), shown(trim(value))});
    name.clear();
    value.clear();
  };
  while (!raw.empty() && out.size() < kHeaderFieldsMax) {
    const std::size_t end = raw.find('\n');
    std::string_view line = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      value += line;
      continue;
    }
    finish();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    name = trim(line.substr(0, colon));
    value = line.substr(colon + 1);
  }
  finish();
  return out;
}

std::optional<AttachmentBytes> load_attachment(store::ReadTx& tx, const mailbox::Message& message,
                                               std::int64_t index) {
  const mailbox::Content content = mailbox::load_content(tx, message.id);
  const auto at = static_cast<std::size_t>(index);
  if (message.direction == mailbox::Direction::outbound && content.has_draft) {
    mailbox::Draft draft = mailbox::load_draft(tx, message);
    if (at >= draft.attachments.size()) return std::nullopt;
    mailbox::DraftAttachment& one = draft.attachments[at];
    return AttachmentBytes{std::move(one.filename), std::move(one.content_type), std::move(one.content)};
  }
  const std::string raw = content.raw.value_or("");
  const std::vector<mail::AttachmentInfo> attachments = mail::parse(raw).attachments;
  auto bytes = mail::attachment_content(raw, index);
  if (at >= attachments.size() || !bytes) return std::nullopt;
  return AttachmentBytes{attachments[at].filename, attachments[at].content_type, std::move(*bytes)};
}

net::Response download_of(const AttachmentBytes& attachment) {
  const std::string type =
      ascii_lower(std::string_view(attachment.content_type).substr(0, attachment.content_type.find(';')));
  net::Response response;
  response.headers.add("Content-Type",
                       is_among(kShown, trim(type)) ? std::string(trim(type)) : "application/octet-stream");
  response.headers.add("Content-Disposition", disposition_of(attachment.filename));
  response.headers.add("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.add("Cache-Control", "private, no-store");
  response.body = attachment.content;
  return response;
}

}  // namespace countersign::console
