#include "screen/outgoing.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "mail/address.hpp"
#include "mail/utf8.hpp"
#include "screen/disclosure.hpp"
#include "screen/encoded.hpp"
#include "screen/fold.hpp"
#include "screen/html_walk.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kSniffed = 8 * 1024;  // bytes that tell text from other files
constexpr double kAsksReader = 0.6;
constexpr double kTooLong = 0.3;      // long logs and tables are sent all day
constexpr double kEncodedMore = 0.1;  // whoever encodes a secret hides it

// Spreadsheets and Windows write text in UTF-16, with a byte order mark. Nothing for other bytes.
std::optional<std::string> text_of_utf16(std::string_view bytes) {
  const bool little = bytes.starts_with("\xff\xfe");
  if (!little && !bytes.starts_with("\xfe\xff")) return std::nullopt;
  const auto unit_at = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(little ? first | second << 8U : first << 8U | second);
  };
  std::string out;
  for (std::size_t at = 2; at + 1 < bytes.size(); at += 2) {
    char32_t point = unit_at(at);
    if (point >= 0xd800 && point < 0xdc00 && at + 3 < bytes.size()) {  // RFC 2781 §2.2
      const char32_t low = unit_at(at + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
        at += 2;
      }
    }
    const bool lone = point >= 0xd800 && point < 0xe000;
    mail::append_utf8(out, lone ? U'\ufffd' : point);
  }
  return out;
}

class Leaving {
 public:
  void read(std::string_view text) {
    keep_strongest(findings_, find_disclosures(text));
    const std::string repaired = mail::repair_utf8(text);
    for (const Payload& payload : find_payloads(repaired, budget_)) {
      std::vector<Finding> inside = find_disclosures(payload.text);
      for (Finding& one : inside) {
        one.score = std::min(1.0, one.score + kEncodedMore);
        one.summary = fmt::format("Encoded as {}: {}", payload.kind, one.summary);
      }
      keep_strongest(findings_, std::move(inside));
    }
    if (budget_.exceeded) {
      keep_strongest(findings_, {{"exfiltration.too_many", Category::exfiltration, kTooLong,
                                  "Too much encoded text to be screened to its end.", ""}});
    }
  }

  void read_html(std::string_view html) {
    const Walk walk = walk_html(html);
    read(walk.shown);
    read(walk.markup);
    for (const Unseen& unseen : walk.unseen) read(unseen.text);
  }

  void read_attachment(const OutgoingAttachment& attachment) {
    keep_strongest(findings_, find_disclosing_file(attachment.filename, attachment.content));
    const std::string_view bytes = attachment.content.substr(0, room_);
    if (const auto text = text_of_utf16(bytes)) {
      spend(attachment, bytes);
      read(*text);
      return;
    }
    if (attachment.content.substr(0, kSniffed).find('\0') != std::string_view::npos) return;
    spend(attachment, bytes);
    read(bytes);
  }

  [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }

 private:
  void spend(const OutgoingAttachment& attachment, std::string_view bytes) {
    room_ -= bytes.size();
    if (bytes.size() == attachment.content.size()) return;
    keep_strongest(findings_, {{"exfiltration.too_long", Category::exfiltration, kTooLong,
                                "Attached text is too long to be screened to its end.",
                                visible_excerpt(attachment.filename, 80)}});
  }

  std::vector<Finding> findings_;
  DecodeBudget budget_;
  std::size_t room_ = kScreenBytesMax;
};

}  // namespace

Report screen_outgoing(const Outgoing& message) {
  Content content;
  content.subject = message.subject;
  content.from_address = message.author;
  content.text = message.text;
  content.html = message.html;
  const std::string domain(mail::domain_of(message.author));
  content.verified_domain = domain;  // it is its agent's own word
  Leaving leaving;
  leaving.read(message.subject);
  leaving.read(message.text.substr(0, kScreenBytesMax));
  leaving.read_html(message.html.substr(0, kScreenBytesMax));
  for (const OutgoingAttachment& one : message.attachments) {
    leaving.read_attachment(one);
    mail::AttachmentInfo info;
    info.filename = one.filename;
    info.content_type = one.content_type;
    content.attachments.push_back(std::move(info));
  }
  const Report read = screen(content);
  std::vector<Finding> all = leaving.take();
  for (const Finding& one : read.findings) {
    // The same keys, which count less in what others write.
    if (one.code == "exfiltration.access_token" || one.code == "exfiltration.private_key") continue;
    all.push_back(one);
    // Asking readers to send a key somewhere is what manuals do; an agent leaks nothing by it.
    if (one.code == "exfiltration.secrets_to_url") all.back().score *= kAsksReader;
  }
  Report report;
  for (Finding& one : all) add_finding(report, std::move(one));
  return report;
}

}  // namespace countersign::screen
