#include "mail/dsn.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/decode.hpp"
#include "mail/entity.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kAddressBytesMax = 320;
constexpr std::size_t kOriginalBytesMax = 256 * 1024;         // of the returned header
constexpr std::size_t kGroupsMax = 2 * kReportRecipientsMax;  // of fields, usable or not

std::string text_for_people(std::string_view bytes) {
  const std::string text = header_text(bytes);
  return std::string(cut_utf8(trim(text), kReportTextBytesMax));
}

// A field of the kind `type; value` (RFC 3464 §2.1.2).
struct Typed {
  std::string type;  // lower case
  std::string_view value;
};
Typed typed(std::string_view field) {
  const auto semicolon = field.find(';');
  if (semicolon == std::string_view::npos) return {"", trim(field)};
  return {ascii_lower(trim(field.substr(0, semicolon))), trim(field.substr(semicolon + 1))};
}

// `\x{HEXPOINT}` of utf-8-addr-xtext (RFC 6533 §3). Nothing when it is malformed.
std::optional<std::string> decode_embedded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto begin = text.find("\\x{");
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(begin + 3, end - begin - 3);
    std::uint32_t point = 0;
    const auto [rest, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
    if (fault != std::errc() || rest != digits.data() + digits.size() || digits.size() > 6)
      return std::nullopt;
    append_utf8(out, point);
    text.remove_prefix(end + 1);
  }
  return out;
}

// xtext (RFC 3461 §4): `+` and two upper-case hexadecimal digits. Nothing when it is not that.
std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '+') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    if (text.size() - i < 3) return std::nullopt;
    const auto [rest, fault] = std::from_chars(digits, digits + 2, value, 16);
    if (fault != std::errc() || rest != digits + 2) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

// The usable mailbox of one address, or empty. Angle brackets and a display name are forgiven.
std::string usable_address(const std::string& text) {
  if (text.size() > kAddressBytesMax) return {};
  const auto mailbox = parse_mailbox(text);
  return mailbox ? mailbox->address : std::string();
}

// RFC 3464 §2.3.1 and §2.3.2, RFC 6533 §4. Servers that copy the ORCPT parameter without decoding it leave
// xtext, which is told from an address by its missing `@`: `user+40example.org`.
std::string recipient_address(std::string_view field) {
  const Typed given = typed(field);
  if (given.type == "utf-8") {
    const auto decoded = decode_embedded(given.value);
    return decoded ? usable_address(*decoded) : std::string();
  }
  if (!given.type.empty() && given.type != "rfc822") return {};
  if (given.value.find('@') == std::string_view::npos) {
    const auto decoded = decode_xtext(given.value);
    return decoded ? usable_address(*decoded) : std::string();
  }
  return usable_address(std::string(given.value));
}

std::optional<ReportAction> action_of(std::string_view field) {
  // Some servers append a comment: `failed (…)`.
  const std::string word = ascii_lower(trim(field.substr(0, field.find_first_of(" (;"))));
  for (const ReportAction action : {ReportAction::failed, ReportAction::delayed, ReportAction::delivered,
                                    ReportAction::relayed, ReportAction::expanded}) {
    if (word == name_of(action)) return action;
  }
  return std::nullopt;
}

// The status at the beginning of the field (RFC 3463 §2), or empty.
std::string status_of(std::string_view field) {
  field = trim(field);
  const std::string_view word = field.substr(0, field.find_first_of(" (;"));
  int parts = 1;
  std::size_t digits = 0;
  for (const char c : word) {
    if (c == '.') {
      if (digits == 0) return {};
      ++parts;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return {};
    }
  }
  const bool known = word.starts_with("2.") || word.starts_with("4.") || word.starts_with("5.");
  return parts == 3 && digits > 0 && known ? std::string(word) : std::string();
}

std::optional<ReportRecipient> recipient_of(const Entity& group) {
  const auto action = action_of(group.field("action").value_or(""));
  if (!action) return std::nullopt;
  ReportRecipient recipient;
  recipient.action = *action;
  recipient.final_address = recipient_address(group.field("final-recipient").value_or(""));
  recipient.address = recipient_address(group.field("original-recipient").value_or(""));
  if (recipient.address.empty()) recipient.address = recipient.final_address;
  if (recipient.address.empty()) return std::nullopt;
  recipient.status = status_of(group.field("status").value_or(""));
  const std::string diagnostic = group.field("diagnostic-code").value_or("");
  recipient.detail = text_for_people(typed(diagnostic).value);
  const std::string remote = group.field("remote-mta").value_or("");
  recipient.remote_mta = text_for_people(typed(remote).value);
  return recipient;
}

// Calls `visit` for each group of fields that blank lines separate, until it returns false.
template <typename Visit>
void for_each_group(std::string_view fields, Visit visit) {
  std::size_t groups = 0;
  while (!fields.empty()) {
    const Entity group = read_header_only(fields);
    if (!group.fields.empty() && (++groups > kGroupsMax || !visit(group))) return;
    if (group.body.size() < fields.size()) {
      fields = group.body;
    } else {  // a line that is no field
      const auto end = fields.find('\n');
      fields = end == std::string_view::npos ? std::string_view() : fields.substr(end + 1);
    }
  }
}

std::string decoded(const Entity& part, std::size_t bytes_max) {
  return decode_transfer(part.body, part.transfer_encoding(), bytes_max).substr(0, bytes_max);
}

void read_delivery_status(const Entity& part, Report& report) {
  const std::string fields = decoded(part, kReportFieldsBytesMax);
  for_each_group(fields, [&](const Entity& group) {
    // The first group is about the message as a whole and holds no recipient.
    if (auto recipient = recipient_of(group)) report.recipients.push_back(std::move(*recipient));
    return report.recipients.size() < kReportRecipientsMax;
  });
}

void add_addresses(const std::vector<std::string>& fields, std::vector<std::string>& out) {
  for (const std::string& field : fields) {
    for (const Mailbox& mailbox : decode_addresses(field, kReportAddressesMax).mailboxes) {
      if (out.size() == kReportAddressesMax) return;
      const std::string address = usable_address(mailbox.address);
      if (!address.empty() && std::ranges::find(out, address) == out.end()) out.push_back(address);
    }
  }
}

// RFC 5965 §3.
void read_complaint(const Entity& part, Report& report) {
  const std::string fields = decoded(part, kReportFieldsBytesMax);
  for_each_group(fields, [&](const Entity& group) {
    report.feedback_type =
        ascii_lower(text_for_people(group.field("feedback-type").value_or("")).substr(0, 64));
    add_addresses(group.all("original-rcpt-to"), report.complained);
    std::vector<std::string> senders;
    add_addresses(group.all("original-mail-from"), senders);
    if (!senders.empty()) report.original_envelope_from = senders.front();
    return false;  // there is one group
  });
}

void read_original(const Entity& part, ReportedMessage& original) {
  const std::string bytes = decoded(part, kOriginalBytesMax);
  const Entity message = read_entity(bytes);
  const auto ids = message_ids(message.field("message-id").value_or(""));
  if (!ids.empty()) original.message_id = text_for_people(ids.front());
  original.e2a_message_id = text_for_people(message.field("x-e2a-message-id").value_or(""));
  add_addresses(message.all("to"), original.to);
  add_addresses(message.all("cc"), original.to);
}

void read_parts(const Entity& root, Report& report) {
  const Entity* status = nullptr;
  const Entity* complaint = nullptr;
  const Entity* original = nullptr;
  for (const Entity& part : root.parts) {
    const std::string& type = part.media_type.name;
    if (type == "message/delivery-status" || type == "message/global-delivery-status") {
      if (status == nullptr) status = &part;
    } else if (type == "message/feedback-report") {
      if (complaint == nullptr) complaint = &part;
    } else if (type == "message/rfc822" || type == "text/rfc822-headers" || type == "message/global" ||
               type == "message/global-headers") {
      if (original == nullptr) original = &part;
    }
  }
  if (status != nullptr) {
    report.kind = ReportKind::delivery_status;
    read_delivery_status(*status, report);
  } else if (complaint != nullptr) {
    report.kind = ReportKind::complaint;
    read_complaint(*complaint, report);
  }
  if (original != nullptr && report.kind != ReportKind::none) read_original(*original, report.original);
}

}  // namespace

std::string_view name_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::none:
      return "none";
    case ReportKind::delivery_status:
      return "delivery_status";
    case ReportKind::complaint:
      return "complaint";
  }
  return "";
}

std::string_view name_of(ReportAction action) {
  switch (action) {
    case ReportAction::failed:
      return "failed";
    case ReportAction::delayed:
      return "delayed";
    case ReportAction::delivered:
      return "delivered";
    case ReportAction::relayed:
      return "relayed";
    case ReportAction::expanded:
      return "expanded";
  }
  return "";
}

Report read_report(std::string_view raw) {
  const Entity root = read_entity(raw);
  Report report;
  for (const char* field : {"delivered-to", "x-original-to", "envelope-to", "to"}) {
    add_addresses(root.all(field), report.delivered_to);
  }
  report.null_sender = trim(root.field("return-path").value_or("")) == "<>";
  const std::string automatic = ascii_lower(root.field("auto-submitted").value_or("no"));
  report.auto_submitted = trim(automatic.substr(0, automatic.find(';'))) != "no";
  if (root.multipart && root.media_type.name == "multipart/report") read_parts(root, report);
  return report;
}

}  // namespace countersign::mail
