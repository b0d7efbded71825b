#include "provider/resend/email_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <vector>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/parse.hpp"
#include "provider/tags.hpp"

namespace json = boost::json;

namespace countersign::provider::resend {
namespace {

// `"Name" <address>` in UTF-8: encoding it for the header is Resend's part.
std::string friendly(const mail::Mailbox& mailbox) {
  if (mailbox.display_name.empty()) return mailbox.address;
  std::string quoted;
  for (const char c : mailbox.display_name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("\"{}\" <{}>", quoted, mailbox.address);
}

// The envelope, by normalised address. What a header claims is taken out of it once.
class Envelope {
 public:
  explicit Envelope(const std::vector<std::string>& recipients) {
    for (const std::string& address : recipients) {
      if (left_.insert(mail::normalise(address)).second) order_.push_back(address);
    }
  }
  json::array take(const std::vector<mail::Mailbox>& mailboxes) {
    json::array out;
    for (const mail::Mailbox& mailbox : mailboxes) {
      if (left_.erase(mail::normalise(mailbox.address)) == 1) out.emplace_back(friendly(mailbox));
    }
    return out;
  }
  json::array take_rest() {
    json::array out;
    for (const std::string& address : order_) {
      if (left_.erase(mail::normalise(address)) == 1) out.emplace_back(address);
    }
    return out;
  }

 private:
  std::vector<std::string> order_;
  std::set<std::string> left_;
};

json::object other_headers(const mail::Decomposition& message) {
  json::object out;
  std::set<std::string> seen;
  for (const auto& [name, value] : message.headers) {
    if (seen.insert(ascii_lower(name)).second) out[name] = value;
  }
  return out;
}

json::array attachments_of(const mail::Decomposition& message) {
  json::array out;
  for (const mail::CarriedPart& part : message.parts) {
    json::object one{
        {"content", base64_encode(part.content)},
        {"filename", part.filename.empty() ? fmt::format("attachment-{}", out.size() + 1) : part.filename}};
    if (!part.content_type.empty()) one["content_type"] = part.content_type;
    if (!part.content_id.empty()) one["content_id"] = part.content_id;
    out.push_back(std::move(one));
  }
  return out;
}

std::string sender_of(const HandOver& message, const mail::Decomposition& parts) {
  return parts.from.size() == 1 ? friendly(parts.from.front()) : message.envelope_from;
}

}  // namespace

Result<std::string, std::string> email_json(const HandOver& message) {
  if (message.recipients.size() > kRecipientsMax) {
    return unexpected(fmt::format("Resend takes at most {} recipients, and this message has {}",
                                  kRecipientsMax, message.recipients.size()));
  }
  const mail::Decomposition parts = mail::decompose(*message.raw);
  Envelope envelope(message.recipients);
  json::array to = envelope.take(parts.to);
  json::array cc = envelope.take(parts.cc);
  json::array bcc = envelope.take_rest();
  if (to.empty()) to.swap(cc);
  if (to.empty() && bcc.size() == 1) to.swap(bcc);
  if (to.empty()) return unexpected(std::string("Resend takes no message that has blind recipients only"));

  json::object body{{"from", sender_of(message, parts)}, {"to", std::move(to)}, {"subject", parts.subject}};
  if (!cc.empty()) body["cc"] = std::move(cc);
  if (!bcc.empty()) body["bcc"] = std::move(bcc);
  if (!parts.reply_to.empty()) {
    json::array reply_to;
    for (const mail::Mailbox& mailbox : parts.reply_to) reply_to.emplace_back(friendly(mailbox));
    body["reply_to"] = std::move(reply_to);
  }
  if (!parts.html.empty()) body["html"] = parts.html;
  if (!parts.text.empty() || parts.html.empty()) body["text"] = parts.text;
  if (json::object headers = other_headers(parts); !headers.empty()) body["headers"] = std::move(headers);
  if (json::array attachments = attachments_of(parts); !attachments.empty()) {
    body["attachments"] = std::move(attachments);
  }
  if (is_tag_value(message.message_id)) {
    body["tags"] = json::array{json::object{{"name", kMessageTag}, {"value", message.message_id}}};
  }
  return json::serialize(body);
}

}  // namespace countersign::provider::resend
