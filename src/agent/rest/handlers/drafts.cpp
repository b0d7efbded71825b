#include "agent/rest/handlers/drafts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <iterator>
#include <set>

#include "base/assert.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mailbox/limits.hpp"

namespace countersign::agent::rest {
namespace {

// Names longer than any file system keeps, and media types longer than RFC 6838 §4.2 admits, are of no use to
// anybody.
constexpr std::size_t kFilenameBytesMax = 1000;
constexpr std::size_t kContentTypeBytesMax = 255;

using Code = ErrorCode;
using mailbox::kAttachmentBytesMax;
using mailbox::kAttachmentsBytesMax;
using mailbox::kAttachmentsMax;
using mailbox::kComposedBytesMax;
using mailbox::kRecipientsMax;

bool has_line_break(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

// What no header field and no file name can carry is left out, as it is of a download's name (contract §13).
std::string without_control(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  return out;
}

std::string text_of(const Call& call, std::string_view member) {
  return std::string(call.body_text(member).value_or(""));
}

ApiError field_error(std::string location, std::string message) {
  std::vector<FieldError> fields;
  fields.push_back({std::move(location), std::move(message)});
  return invalid_request(std::move(fields), 400);
}

std::optional<ApiError> check_texts(const mailbox::Draft& draft) {
  if (draft.subject.empty()) return api_error(Code::invalid_request, "subject must not be empty");
  if (draft.text.empty()) return api_error(Code::invalid_request, "text must not be empty");
  if (has_line_break(draft.subject)) {
    return api_error(Code::invalid_request, "subject must not contain CR/LF");
  }
  if (draft.to.empty() && draft.cc.empty()) {
    return api_error(Code::invalid_request, "to or cc must name a recipient");
  }
  return std::nullopt;
}

// Trimmed, the address in lower case; a display name stays as it was written, because the mail carries it.
std::vector<std::string> normalised(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) {
    const std::string_view trimmed = trim(text);
    const std::size_t address = trimmed.ends_with('>') ? trimmed.rfind('<') : 0;
    if (address == std::string_view::npos) {
      out.push_back(mail::normalise(trimmed));
    } else {
      out.push_back(std::string(trimmed.substr(0, address)) + ascii_lower(trimmed.substr(address)));
    }
  }
  return out;
}

std::optional<ApiError> count_recipients(const mailbox::Draft& draft) {
  const std::size_t provided = draft.to.size() + draft.cc.size() + draft.bcc.size();
  if (provided <= kRecipientsMax) return std::nullopt;
  return too_many_recipients(kRecipientsMax, static_cast<std::int64_t>(provided));
}

std::optional<ApiError> check_recipients(const mailbox::Draft& draft) {
  for (const auto* list : {&draft.to, &draft.cc, &draft.bcc}) {
    for (const std::string& text : *list) {
      if (!mail::parse_mailbox(text)) {
        return api_error(Code::invalid_recipient, "a recipient is not a valid e-mail address");
      }
    }
  }
  return std::nullopt;
}

std::optional<ApiError> check_threading(const std::string& conversation_id, const std::string& reply_to) {
  if (code_points(conversation_id) > kConversationIdCharactersMax || has_line_break(conversation_id)) {
    return api_error(Code::invalid_request, "conversation_id must have at most 200 characters and no CR/LF");
  }
  if (!reply_to.empty() && !mail::parse_mailbox(reply_to)) {
    return api_error(Code::invalid_request, "reply_to must be exactly one e-mail address");
  }
  return std::nullopt;
}

Result<mailbox::DraftAttachment, ApiError> read_attachment(const boost::json::object& item) {
  mailbox::DraftAttachment attachment;
  attachment.filename = without_control(item.at("filename").as_string());
  attachment.content_type = without_control(item.at("content_type").as_string());
  if (attachment.filename.size() > kFilenameBytesMax ||
      attachment.content_type.size() > kContentTypeBytesMax) {
    return unexpected(api_error(Code::invalid_attachment,
                                "filename may have at most 1000 bytes and content_type at most 255"));
  }
  std::optional<std::string> content = base64_decode(item.at("data").as_string());
  if (!content) {
    return unexpected(api_error(Code::invalid_attachment, "the data of an attachment is not valid base64"));
  }
  if (std::cmp_greater(content->size(), kAttachmentBytesMax)) {
    return unexpected(payload_too_large(
        "attachment", content->size(), static_cast<std::uint64_t>(kAttachmentBytesMax), attachment.filename));
  }
  attachment.content = std::move(*content);
  return attachment;
}

ApiError too_many_attachments() {
  return field_error("body.attachments", "at most 10 attachments are taken");
}

// Number and size of all attachments of a draft; each fits by itself.
std::optional<ApiError> check_attachments(const std::vector<mailbox::DraftAttachment>& attachments) {
  if (attachments.size() > kAttachmentsMax) return too_many_attachments();
  std::size_t total = 0;
  for (const mailbox::DraftAttachment& attachment : attachments) total += attachment.content.size();
  if (std::cmp_less_equal(total, kAttachmentsBytesMax)) return std::nullopt;
  return payload_too_large("attachments_total", total, static_cast<std::uint64_t>(kAttachmentsBytesMax));
}

}  // namespace

std::optional<ApiError> check_template_shape(const Call& call) {
  const bool by_id = call.member("template_id") != nullptr;
  const bool by_alias = call.member("template_alias") != nullptr;
  if (by_id && by_alias) {
    return api_error(Code::invalid_request, "template_id and template_alias exclude each other");
  }
  if (!by_id && !by_alias) {
    if (!call.member("template_data")) return std::nullopt;
    return api_error(Code::invalid_request, "template_data needs template_id or template_alias");
  }
  if (call.member("subject") || call.member("text") || call.member("html")) {
    return api_error(Code::invalid_request, "a template excludes subject, text and html");
  }
  return std::nullopt;
}

bool refers_to_template(const Call& call) {
  return call.member("template_id") != nullptr || call.member("template_alias") != nullptr;
}

void settle_recipients(std::vector<std::string>& to, std::vector<std::string>& cc,
                       std::vector<std::string>& bcc, std::string_view own_address, OwnAddress own) {
  std::set<std::string> seen;
  for (auto* list : {&to, &cc, &bcc}) {
    std::erase_if(*list,
                  [&](const std::string& text) { return !seen.insert(mail::bare_address(text)).second; });
  }
  const auto is_own = [&](const std::string& text) { return mail::bare_address(text) == own_address; };
  if (to.size() == 1 && cc.empty() && bcc.empty() && is_own(to.front())) return;
  if (own == OwnAddress::left_out) std::erase_if(to, is_own);
  for (auto* list : {&cc, &bcc}) std::erase_if(*list, is_own);
}

std::vector<std::string> read_recipients(const Call& call, std::string_view member) {
  return normalised(call.body_texts(member));
}

SendRequest read_common(const Call& call) {
  SendRequest request;
  mailbox::Draft& draft = request.draft;
  draft.text = text_of(call, "text");
  draft.html = text_of(call, "html");
  draft.cc = normalised(call.body_texts("cc"));
  draft.bcc = normalised(call.body_texts("bcc"));
  draft.unsubscribe = call.member("unsubscribe") != nullptr;
  draft.reply_to = std::string(trim(text_of(call, "reply_to")));
  request.conversation_id = text_of(call, "conversation_id");
  return request;
}

Result<SendRequest, ApiError> checked_request(const Call& call, SendRequest request,
                                              std::string_view own_address, OwnAddress own) {
  mailbox::Draft& draft = request.draft;
  if (auto error = check_texts(draft)) return unexpected(std::move(*error));
  // A reply's are the other message's, too: of those the total counts that is left (contract §11).
  const bool reply = own == OwnAddress::kept_in_to;
  if (!reply) {
    if (auto error = count_recipients(draft)) return unexpected(std::move(*error));
  }
  if (auto error = check_recipients(draft)) return unexpected(std::move(*error));
  settle_recipients(draft.to, draft.cc, draft.bcc, own_address, own);
  if (reply) {
    if (auto error = count_recipients(draft)) return unexpected(std::move(*error));
  }
  if (draft.to.empty() && draft.cc.empty() && draft.bcc.empty()) {
    return unexpected(api_error(Code::invalid_request, "no recipient is left besides the agent itself"));
  }
  if (auto error = check_threading(request.conversation_id, draft.reply_to)) {
    return unexpected(std::move(*error));
  }

  Result<std::vector<mailbox::DraftAttachment>, ApiError> attachments = read_attachments(call);
  if (!attachments) return unexpected(std::move(attachments.error()));
  std::ranges::move(*attachments, std::back_inserter(draft.attachments));
  if (auto error = check_attachments(draft.attachments)) return unexpected(std::move(*error));
  if (const std::int64_t bytes = draft.bytes(); bytes > kComposedBytesMax) {
    return unexpected(payload_too_large("composed_message", static_cast<std::uint64_t>(bytes),
                                        static_cast<std::uint64_t>(kComposedBytesMax)));
  }
  return request;
}

Result<SendRequest, ApiError> read_send_request(const Call& call, std::string_view own_address) {
  SendRequest request = read_common(call);
  request.draft.subject = text_of(call, "subject");
  request.draft.to = normalised(call.body_texts("to"));
  return checked_request(call, std::move(request), own_address);
}

Result<std::vector<mailbox::DraftAttachment>, ApiError> read_attachments(const Call& call) {
  std::vector<mailbox::DraftAttachment> attachments;
  const boost::json::value* member = call.member("attachments");
  if (member == nullptr) return attachments;
  const boost::json::array& items = member->as_array();
  if (items.size() > kAttachmentsMax) return unexpected(too_many_attachments());
  for (const boost::json::value& item : items) {
    Result<mailbox::DraftAttachment, ApiError> attachment = read_attachment(item.as_object());
    if (!attachment) return unexpected(std::move(attachment.error()));
    attachments.push_back(std::move(*attachment));
  }
  if (auto error = check_attachments(attachments)) return unexpected(std::move(*error));
  return attachments;
}

Result<approve::PendingApprovalEdit, ApiError> read_edit(const Call& call) {
  approve::PendingApprovalEdit edit;
  const auto text = [&](std::string_view member) {
    return call.member(member) ? std::optional(text_of(call, member)) : std::nullopt;
  };
  const auto list = [&](std::string_view member) {
    return call.member(member) ? std::optional(normalised(call.body_texts(member))) : std::nullopt;
  };
  edit.subject = text("subject");
  edit.text = text("text");
  edit.html = text("html");
  edit.to = list("to");
  edit.cc = list("cc");
  edit.bcc = list("bcc");
  if (call.member("attachments")) {
    Result<std::vector<mailbox::DraftAttachment>, ApiError> attachments = read_attachments(call);
    if (!attachments) return unexpected(std::move(attachments.error()));
    edit.attachments = std::move(*attachments);
  }
  return edit;
}

bool valid_label(std::string_view label) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_' || c == '-';
  };
  return !label.empty() && label.size() <= 64 && std::all_of(label.begin(), label.end(), allowed);
}

Result<std::vector<std::string>, ApiError> read_labels(const Call& call, std::string_view member) {
  const std::vector<std::string> texts = call.body_texts(member);
  if (texts.size() > kLabelsPerListMax) {
    return unexpected(
        api_error(Code::invalid_request, fmt::format("{}: at most 50 labels are taken", member)));
  }
  std::set<std::string> labels;
  for (const std::string& text : texts) {
    std::string label = ascii_lower(trim(text));
    if (!valid_label(label)) {
      return unexpected(api_error(
          Code::invalid_request, fmt::format("{}: a label has 1 to 64 characters of a-z 0-9 : _ -", member)));
    }
    if (label.starts_with("e2a:")) {
      return unexpected(api_error(Code::invalid_request,
                                  fmt::format("{}: labels beginning with e2a: are reserved", member)));
    }
    labels.insert(std::move(label));
  }
  return std::vector<std::string>(labels.begin(), labels.end());
}

}  // namespace countersign::agent::rest
