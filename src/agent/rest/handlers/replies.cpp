#include "agent/rest/handlers/replies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "mail/parse.hpp"

namespace countersign::agent::rest {
namespace {

using mailbox::Direction;

// RFC 5322 §3.6.4 sets no end to References. The first and the newest are what others thread by.
constexpr std::size_t kReferencesMax = 50;
// A longer one, or one that is no `dot-atom@dot-atom` of printable ASCII, cannot stand in our header.
constexpr std::size_t kMessageIdBytesMax = 400;
constexpr std::string_view kForwardMark = "---------- Forwarded message ----------";

bool usable_id(std::string_view id) {
  const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>'; };
  return !id.empty() && id.size() <= kMessageIdBytesMax && std::ranges::all_of(id, allowed);
}

std::vector<std::string> trimmed_chain(std::vector<std::string> chain) {
  std::erase_if(chain, [](const std::string& id) { return !usable_id(id); });
  if (chain.size() > kReferencesMax) {
    chain.erase(chain.begin() + 1, chain.end() - static_cast<std::ptrdiff_t>(kReferencesMax - 1));
  }
  return chain;
}

// One line, and never a line break (contract §11).
std::string one_line(std::string_view text) {
  std::string line(trim(text));
  std::ranges::replace_if(line, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return line;
}

bool begins_with(std::string_view text, std::string_view lower_prefix) {
  return ascii_lower(text.substr(0, lower_prefix.size())) == lower_prefix;
}

std::string reply_subject(std::string_view original) {
  std::string subject = one_line(original);
  if (subject.empty()) return "Re: your message";
  return begins_with(subject, "re: ") ? subject : "Re: " + subject;
}

std::string forward_subject(std::string_view original) {
  std::string subject = one_line(original);
  if (subject.empty()) return "Fwd: (no subject)";
  return begins_with(subject, "fwd:") || begins_with(subject, "fw:") ? subject : "Fwd: " + subject;
}

// Outbound parents: the id that their recipients saw.
std::string id_as_seen(const mailbox::Message& message, std::string_view provider_id_domain) {
  if (provider_id_domain.empty() || message.provider_message_id.empty()) return message.rfc_message_id;
  return fmt::format("{}@{}", message.provider_message_id, provider_id_domain);
}

Result<ReplyPlan, ApiError> reply_to_own(const mailbox::Message& message, Audience audience,
                                         std::string_view provider_id_domain) {
  ReplyPlan plan;
  plan.to = message.to;
  if (audience == Audience::everybody) plan.cc = message.cc;
  plan.in_reply_to = id_as_seen(message, provider_id_domain);
  plan.references = message.references;
  return plan;
}

// Reply-To before From (RFC 5322 §3.6.2), the header before what was stored of it.
std::vector<std::string> writers_of(const Parent& parent, const mail::Message& parsed) {
  if (!parsed.reply_to.empty()) return parsed.reply_to;
  if (parsed.from) return {mail::bare_address(parsed.from->address)};
  const mailbox::Message& message = parent.message;
  if (!message.reply_to_list.empty()) return {message.reply_to_list.front()};
  if (message.header_from && !message.header_from->empty()) return {*message.header_from};
  return {};
}

Result<ReplyPlan, ApiError> reply_to_received(const Parent& parent, Audience audience) {
  // The null reverse-path is for mail that must not be answered (RFC 5321 §4.5.5, RFC 3834 §2); whoever
  // answers it makes loops. Mail between agents here has no reverse-path at all.
  const mailbox::Message& message = parent.message;
  if (message.automatic == mailbox::Automatic::bounce ||
      (message.method == mailbox::Method::smtp && !message.envelope_from)) {
    return unexpected(api_error(ErrorCode::invalid_request,
                                "the message is a bounce (a report, or mail from the null sender of a mail "
                                "system), which is never answered; send a new message instead"));
  }
  if (audience == Audience::everybody && parent.raw.empty()) {
    return unexpected(api_error(ErrorCode::invalid_recipient, "the message's recipients cannot be read"));
  }
  const mail::Message parsed = mail::parse(parent.raw);
  ReplyPlan plan;
  plan.to = writers_of(parent, parsed);
  if (audience == Audience::everybody) {
    plan.cc = parsed.to;
    plan.cc.insert(plan.cc.end(), parsed.cc.begin(), parsed.cc.end());
  }
  plan.in_reply_to = parsed.message_id.empty() ? message.rfc_message_id : parsed.message_id;
  plan.references = parsed.references;
  // Without References, what the parent answered is its only ancestor (RFC 5322 §3.6.4).
  if (plan.references.empty() && !parsed.in_reply_to.empty()) plan.references = {parsed.in_reply_to};
  return plan;
}

std::string addresses_text(const std::vector<std::string>& addresses) {
  return fmt::format("{}", fmt::join(addresses, ", "));
}

std::string from_text(const std::vector<mail::Mailbox>& from) {
  std::vector<std::string> texts;
  for (const mail::Mailbox& mailbox : from) {
    texts.push_back(mailbox.display_name.empty()
                        ? mailbox.address
                        : fmt::format("{} <{}>", mailbox.display_name, mailbox.address));
  }
  return addresses_text(texts);
}

std::string heading(const mailbox::Message& message, const mail::Decomposition& original) {
  std::string from = from_text(original.from);
  if (from.empty()) from = message.header_from.value_or(message.sender);
  std::string out =
      fmt::format("{}\nFrom: {}\nDate: {}\nSubject: {}\nTo: {}\n", kForwardMark, one_line(from),
                  to_rfc5322(message.created_at), one_line(message.subject), addresses_text(message.to));
  if (!message.cc.empty()) out += fmt::format("Cc: {}\n", addresses_text(message.cc));
  return out;
}

}  // namespace

Result<ReplyPlan, ApiError> plan_reply(const Parent& parent, Audience audience,
                                       std::string_view provider_id_domain) {
  Result<ReplyPlan, ApiError> plan = parent.message.direction == Direction::outbound
                                         ? reply_to_own(parent.message, audience, provider_id_domain)
                                         : reply_to_received(parent, audience);
  if (!plan) return plan;
  if (plan->to.empty()) {
    return unexpected(api_error(ErrorCode::invalid_recipient, "the message names nobody to reply to"));
  }
  plan->subject = reply_subject(parent.message.subject);
  if (!usable_id(plan->in_reply_to)) plan->in_reply_to.clear();
  std::erase(plan->references, plan->in_reply_to);
  plan->references.push_back(plan->in_reply_to);
  plan->references = trimmed_chain(std::move(plan->references));
  return plan;
}

ForwardPlan plan_forward(const Parent& parent) {
  mail::Decomposition original = mail::decompose(parent.raw);
  ForwardPlan plan;
  plan.subject = forward_subject(parent.message.subject);
  const std::string head = heading(parent.message, original);
  // Mail that is HTML only is quoted as its readers see it.
  const std::string text = original.text.empty() ? mail::parse(parent.raw).text : original.text;
  plan.text = head + "\n" + text;
  plan.html = text_as_html(head) + "<br>\n" + (original.html.empty() ? text_as_html(text) : original.html);
  for (mail::CarriedPart& part : original.parts) {
    plan.attachments.push_back(
        {std::move(part.filename), std::move(part.content_type), std::move(part.content)});
  }
  return plan;
}

std::string text_as_html(std::string_view text) {
  const std::string escaped = escape_html(text);
  std::string out;
  out.reserve(escaped.size());
  for (const char c : escaped) {
    if (c == '\r') continue;
    if (c == '\n') out += "<br>";
    out += c;
  }
  return out;
}

}  // namespace countersign::agent::rest
