#include "mail/compose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/attachment_header.hpp"
#include "mail/encode.hpp"
#include "mail/header_writer.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kLineMax = 998;        // RFC 5322 §2.1.1
constexpr std::size_t kReferencesMax = 100;  // the oldest and the newest are kept
constexpr std::size_t kFieldNameMax = 76;
constexpr std::size_t kBoundaryDigits = 24;

// Every boundary begins like this, and no body holds it at the start of a line: base64 has no `-`,
// quoted-printable never has `=_` (RFC 2045 §6.7), and 7bit text that has it becomes quoted-printable. So no
// content can end its part, whatever its author knows.
constexpr std::string_view kBoundaryStart = "--=_";

std::string boundary(std::string_view message_id, char level) {
  return fmt::format("=_{}{}", level, std::string_view(sha256_hex(message_id)).substr(0, kBoundaryDigits));
}

// Appends with every line end (CRLF, CR or LF) as CRLF.
void append_crlf(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    out += text.substr(0, end);
    if (end == std::string_view::npos) return;
    out += "\r\n";
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

// True when the text can stand as it is: ASCII without controls other than tab, lines ≤ 998 octets, nothing
// that looks like a boundary (RFC 2045 §2.7).
bool fits_7bit(std::string_view text) {
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= ' ' && c < 0x7f) continue;
    if (c == '\t') continue;
    if (c != '\r' && c != '\n') return false;
    const std::string_view line = text.substr(line_start, i - line_start);
    if (line.size() > kLineMax || line.starts_with(kBoundaryStart)) return false;
    line_start = i + 1;
  }
  const std::string_view last = text.substr(line_start);
  return last.size() <= kLineMax && !last.starts_with(kBoundaryStart);
}

// A text part: its two header fields, the blank line and the body.
void append_text(std::string& out, std::string_view subtype, std::string_view text) {
  const bool plain = fits_7bit(text);
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: text/{}; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: {}\r\n\r\n",
                 subtype, plain ? "7bit" : "quoted-printable");
  if (plain) {
    append_crlf(out, text);
    return;
  }
  std::string lines;
  lines.reserve(text.size() + text.size() / 32);
  const bool sound = is_utf8(text) && text.find('\0') == std::string_view::npos;
  append_crlf(lines, sound ? text : repair_utf8(text));
  append_quoted_printable(out, lines);
}

// text/plain, text/html, or both as multipart/alternative, plainest first (RFC 2046 §5.1.4). A message
// without plain text stays without: nothing is sent that nobody wrote.
void append_texts(std::string& out, const Composition& composition) {
  if (composition.html.empty()) return append_text(out, "plain", composition.text);
  if (composition.text.empty()) return append_text(out, "html", composition.html);
  const std::string between = boundary(composition.message_id, 'a');
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: multipart/alternative;\r\n boundary=\"{0}\"\r\n\r\n--{0}\r\n", between);
  append_text(out, "plain", composition.text);
  fmt::format_to(std::back_inserter(out), "\r\n--{}\r\n", between);
  append_text(out, "html", composition.html);
  fmt::format_to(std::back_inserter(out), "\r\n--{}--\r\n", between);
}

void append_body(std::string& out, const Composition& composition) {
  if (composition.attachments.empty()) {
    append_texts(out, composition);
    if (!out.ends_with("\r\n")) out += "\r\n";
    return;
  }
  const std::string between = boundary(composition.message_id, 'm');
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: multipart/mixed;\r\n boundary=\"{0}\"\r\n\r\n--{0}\r\n", between);
  append_texts(out, composition);
  for (const AttachmentPart& attachment : composition.attachments) {
    fmt::format_to(std::back_inserter(out), "\r\n--{}\r\n", between);
    append_attachment_header(out, attachment.content_type, attachment.filename);
    append_base64_lines(out, attachment.content);
  }
  fmt::format_to(std::back_inserter(out), "\r\n--{}--\r\n", between);
}

std::vector<Mailbox> mailboxes_of(std::span<const std::string> texts) {
  std::vector<Mailbox> mailboxes;
  mailboxes.reserve(texts.size());
  for (const std::string& text : texts) {
    mailboxes.push_back(parse_mailbox(text).value_or(Mailbox{"", text}));
  }
  return mailboxes;
}

// A field name of RFC 5322 §2.2 that neither doubles a field written here nor changes the structure of the
// message nor names hidden recipients.
bool is_extra_field(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kOwn = {
      "from", "to",         "cc",          "bcc",        "reply-to",    "sender",      "subject",
      "date", "message-id", "in-reply-to", "references", "return-path", "mime-version"};
  if (name.empty() || name.size() > kFieldNameMax) return false;
  if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; })) return false;
  const std::string lower = ascii_lower(name);
  return !lower.starts_with("content-") && !lower.starts_with("resent-") &&
         std::ranges::find(kOwn, lower) == kOwn.end();
}

void append_references(HeaderWriter& header, const std::vector<std::string>& references) {
  if (references.size() <= kReferencesMax) return header.message_ids("References", references);
  std::vector<std::string> kept = {references.front()};
  kept.insert(kept.end(), references.end() - (kReferencesMax - 1), references.end());
  header.message_ids("References", kept);
}

void append_header(std::string& out, const Composition& composition) {
  HeaderWriter header(out);
  header.mailboxes("From", std::span(&composition.from, 1));
  header.mailboxes("To", mailboxes_of(composition.to));
  header.mailboxes("Cc", mailboxes_of(composition.cc));
  if (!composition.reply_to.empty())
    header.mailboxes("Reply-To", mailboxes_of(std::span(&composition.reply_to, 1)));
  header.unstructured("Subject", composition.subject);
  header.verbatim("Date", to_rfc5322(composition.date));
  header.message_ids("Message-ID", std::span(&composition.message_id, 1));
  header.message_ids("In-Reply-To", std::span(&composition.in_reply_to, 1));
  append_references(header, composition.references);
  for (const auto& [name, value] : composition.extra_headers) {
    if (is_extra_field(name)) header.unstructured(name, value);
  }
  header.verbatim("MIME-Version", "1.0");
}

std::size_t estimated_size(const Composition& composition) {
  std::size_t size = 2048 + composition.text.size() + composition.html.size();
  size += (composition.text.size() + composition.html.size()) / 8;
  for (const AttachmentPart& attachment : composition.attachments)
    size += attachment.content.size() * 7 / 5 + 512;
  return size;
}

}  // namespace

std::string compose(const Composition& composition) {
  std::string out;
  out.reserve(estimated_size(composition));
  append_header(out, composition);
  append_body(out, composition);
  return out;
}

}  // namespace countersign::mail
