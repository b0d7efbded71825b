#include "mail/parse.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "mail/decode.hpp"
#include "mail/entity.hpp"
#include "mail/html_text.hpp"
#include "mail/quoted_history.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kTextBytesMax = 16 * 1024;    // contract §9.2
constexpr std::size_t kHtmlBytesMax = 1024 * 1024;  // contract §9.2
constexpr std::size_t kReadBytesMax = 512 * 1024;   // of text, before the history is cut off
constexpr std::size_t kMailboxesMax = 1000;         // per kind of field
constexpr std::size_t kReferencesMax = 200;         // the newest are kept

bool is_html(const Entity& entity) { return entity.media_type.name == "text/html"; }
bool is_said_plain(const Entity& entity) {
  return entity.media_type.name == "text/plain" || entity.media_type.name.empty();
}
// Kinds of text that nobody knows are read like plain text (RFC 2046 §4.1.4). Not those that are known to be
// no prose: pages for other readers, calendars, cards, styles, the header of a returned message.
bool is_plain_text(const Entity& entity) {
  static constexpr std::array<std::string_view, 6> kOthers = {
      "text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/css", "text/rfc822-headers"};
  const std::string& name = entity.media_type.name;
  if (is_said_plain(entity)) return true;
  return name.starts_with("text/") && !name.ends_with("html") &&
         std::ranges::find(kOthers, name) == kOthers.end();
}

std::string content_id(const Entity& entity) {
  const auto ids = message_ids(entity.field("content-id").value_or(""));
  return ids.empty() ? std::string() : ids.front();
}

// Contract §13.
bool is_attachment(const Entity& leaf) {
  if (!leaf.filename().empty() || leaf.disposition.attachment) return true;
  const bool text = leaf.media_type.name.empty() || leaf.media_type.name.starts_with("text/");
  return !text && !content_id(leaf).empty();
}

// Calls `visit` for every leaf in document order; recursion is bounded by kDepthMax.
template <typename Visit>
void for_each_leaf(const Entity& entity, Visit& visit) {
  if (!entity.multipart) return visit(entity);
  for (const Entity& part : entity.parts) for_each_leaf(part, visit);
}

std::string decoded_text(const Entity& leaf, std::size_t bytes_max) {
  // UTF-8 may take half of what UTF-16 took; nothing needs more than twice the room.
  const std::string bytes = decode_transfer(leaf.body, leaf.transfer_encoding(), 2 * bytes_max);
  const std::string text = decode_charset(bytes, leaf.media_type.charset);
  return std::string(cut_utf8(text, bytes_max));
}

std::string with_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out.push_back(text[i]);
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out.push_back('\n');
    }
  }
  return out;
}

// Whether there is nothing to see, decoded: blanks can be written in base64 too. Most texts show it at once.
bool is_blank(const Entity& leaf) {
  constexpr std::size_t kBeginning = 512;
  for (const std::size_t bytes_max : {kBeginning, kReadBytesMax}) {
    const std::string text = decoded_text(leaf, bytes_max);
    for (std::size_t i = 0; i < text.size();) {
      const CodePoint c = code_point_at(text, i);
      i += c.bytes;
      if (c.value == kReplacement || (c.value != U' ' && !is_invisible(c.value))) return false;
    }
  }
  return true;
}

// The leaves whose text a reader sees: of alternatives the plain one, else the first of HTML and what else
// can be read; of anything else all.
struct Readable {
  std::vector<const Entity*> leaves;
  bool plain = false;
};

Readable readable(const Entity& entity) {
  if (!entity.multipart) {
    const bool counts = (is_plain_text(entity) || is_html(entity)) && !is_attachment(entity);
    if (!counts || is_blank(entity)) return {};
    return {{&entity}, is_said_plain(entity)};
  }
  Readable out;
  const bool alternative = entity.media_type.name == "multipart/alternative";
  for (const Entity& part : entity.parts) {
    Readable next = readable(part);
    if (next.leaves.empty()) continue;
    if (!alternative) {
      out.leaves.insert(out.leaves.end(), next.leaves.begin(), next.leaves.end());
      out.plain = out.plain || next.plain;
    } else if (out.leaves.empty() || (next.plain && !out.plain)) {
      out = std::move(next);
    }
  }
  return out;
}

void read_text(const Entity& root, Message& message) {
  std::string text;
  for (const Entity* leaf : readable(root).leaves) {
    if (text.size() >= kReadBytesMax) break;
    if (!text.empty() && !text.ends_with('\n')) text.push_back('\n');
    text += is_html(*leaf) ? html_to_text(decoded_text(*leaf, kHtmlBytesMax), kReadBytesMax)
                           : with_lf(decoded_text(*leaf, kReadBytesMax));
  }
  const bool cut_before = text.size() > kReadBytesMax;
  text = strip_quoted_history(cut_utf8(text, kReadBytesMax), message.subject);
  message.text = cut_utf8(text, kTextBytesMax);
  message.text_truncated = cut_before || message.text.size() < text.size();
}

void read_bodies(const Entity& root, Message& message) {
  read_text(root, message);
  auto visit = [&](const Entity& leaf) {
    if (is_attachment(leaf)) {
      message.attachments.push_back(
          {static_cast<std::int64_t>(message.attachments.size()), leaf.filename(), leaf.media_type.name,
           content_id(leaf), static_cast<std::int64_t>(decoded_size(leaf.body, leaf.transfer_encoding()))});
    } else if (is_html(leaf) && message.html.size() < kHtmlBytesMax) {
      message.html +=
          cut_utf8(with_lf(decoded_text(leaf, kHtmlBytesMax)), kHtmlBytesMax - message.html.size());
    }
  };
  for_each_leaf(root, visit);
}

std::vector<Mailbox> mailboxes(const Entity& root, std::string_view field) {
  std::vector<Mailbox> out;
  for (const std::string& value : root.all(field)) {
    for (Mailbox& mailbox : decode_addresses(value, kMailboxesMax).mailboxes) {
      if (out.size() < kMailboxesMax) out.push_back(std::move(mailbox));
    }
  }
  return out;
}

std::vector<std::string> bare_addresses(const Entity& root, std::string_view field) {
  std::vector<std::string> out;
  for (const Mailbox& mailbox : mailboxes(root, field)) out.push_back(bare_address(mailbox.address));
  return out;
}

// RFC 5322 §3.6 allows one From; two of them, a list or a group name nobody in particular.
std::optional<Mailbox> single_from(const Entity& root) {
  const auto values = root.all("from");
  if (values.size() != 1) return std::nullopt;
  AddressList list = decode_addresses(values.front(), 2);
  // An address beside it that cannot be used is somebody else's all the same.
  if (list.has_group || list.mailboxes.size() != 1 || list.addresses != 1) return std::nullopt;
  return std::move(list.mailboxes.front());
}

std::string first_id(const Entity& root, std::string_view field) {
  auto ids = message_ids(root.field(field).value_or(""));
  return ids.empty() ? std::string() : std::move(ids.front());
}

void read_origin(const Entity& root, Message& message) {
  message.report = root.media_type.name == "multipart/report";
  const std::string submitted = ascii_lower(root.field("auto-submitted").value_or("no"));
  message.auto_submitted = !trim(submitted).starts_with("no") || root.field("x-autoreply").has_value() ||
                           root.field("x-autorespond").has_value();
  const std::string precedence = ascii_lower(trim(root.field("precedence").value_or("")));
  message.auto_submitted = message.auto_submitted || precedence == "auto_reply";
  message.list = root.field("list-id").has_value() || root.field("list-unsubscribe").has_value() ||
                 precedence == "bulk" || precedence == "list" || precedence == "junk";
}

// Fields that decompose() gives elsewhere, that belong to the transport, or that describe the form of the
// body.
bool is_carried_field(std::string_view name) {
  constexpr std::array<std::string_view, 14> kOthers{
      "from",   "to",         "cc",       "bcc",         "reply-to",       "subject",      "date",
      "sender", "message-id", "received", "return-path", "dkim-signature", "delivered-to", "mime-version"};
  return !name.starts_with("content-") && std::ranges::find(kOthers, name) == kOthers.end();
}

}  // namespace

Message parse(std::string_view raw) {
  const Entity root = read_entity(raw);
  Message message;
  message.from = single_from(root);
  message.to = bare_addresses(root, "to");
  message.cc = bare_addresses(root, "cc");
  message.reply_to = bare_addresses(root, "reply-to");
  message.subject = decode_header(root.field("subject").value_or(""));
  message.message_id = first_id(root, "message-id");
  message.in_reply_to = first_id(root, "in-reply-to");
  message.references = message_ids(root.field("references").value_or(""));
  if (message.references.size() > kReferencesMax) {
    message.references.erase(message.references.begin(), message.references.end() - kReferencesMax);
  }
  message.conversation_header = decode_header(root.field("x-e2a-conversation-id").value_or(""));
  read_origin(root, message);
  read_bodies(root, message);
  return message;
}

Author author_of(std::string_view raw) {
  const Entity header = read_header_only(raw);
  return {header.all("from").size(), single_from(header)};
}

Decomposition decompose(std::string_view raw) {
  const Entity root = read_entity(raw);
  Decomposition out;
  out.from = mailboxes(root, "from");
  out.to = mailboxes(root, "to");
  out.cc = mailboxes(root, "cc");
  out.reply_to = mailboxes(root, "reply-to");
  out.subject = decode_header(root.field("subject").value_or(""));
  for (const Field& field : root.fields) {
    if (is_carried_field(ascii_lower(field.name))) {
      out.headers.emplace_back(field.name, decode_header(unfold(field.value)));
    }
  }
  auto visit = [&](const Entity& leaf) {
    const bool text = is_plain_text(leaf) || is_html(leaf);
    if (!text || is_attachment(leaf)) {
      out.parts.push_back({leaf.filename(), leaf.media_type.name, content_id(leaf),
                           decode_transfer(leaf.body, leaf.transfer_encoding(), kRawBytesMax)});
      return;
    }
    std::string& whole = is_html(leaf) ? out.html : out.text;
    if (!whole.empty() && !whole.ends_with('\n')) whole.push_back('\n');
    whole += with_lf(decoded_text(leaf, kRawBytesMax));
  };
  for_each_leaf(root, visit);
  return out;
}

std::optional<std::string> attachment_content(std::string_view raw, std::int64_t index) {
  const Entity root = read_entity(raw);
  std::int64_t next = 0;
  std::optional<std::string> content;
  auto visit = [&](const Entity& leaf) {
    if (!is_attachment(leaf) || next++ != index) return;
    content = decode_transfer(leaf.body, leaf.transfer_encoding(), std::numeric_limits<std::size_t>::max());
  };
  for_each_leaf(root, visit);
  return content;
}

}  // namespace countersign::mail
