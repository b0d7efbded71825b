#include "notify/compose.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <boost/json/parse.hpp>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/compose.hpp"

namespace countersign::notify {
namespace {

using mailbox::Direction;

constexpr std::size_t kSubjectMax = 100;  // code points of the held subject in ours
constexpr std::size_t kLineMax = 300;
constexpr std::size_t kRecipientsShown = 5;

// The layout of a mail that every client shows: a table, styles in place, and the two that read dark schemes
// from the head. Nothing is fetched from anywhere.
constexpr std::string_view kHead =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
    "dark\"><meta "
    "name=\"supported-color-schemes\" content=\"light dark\"><style>\n"
    "@media (prefers-color-scheme: dark) {\n"
    " .page { background:#15171c !important } .card { background:#1f232b !important; border-color:#343a46 "
    "!important }\n"
    " .strong, .value { color:#eef0f4 !important } .label, .foot { color:#a2a9b6 !important }\n"
    " .plain { color:#eef0f4 !important; border-color:#59606e !important }\n"
    "}\n</style></head>"
    "<body class=\"page\" style=\"margin:0;background:#f3f4f6\"><table role=\"presentation\" width=\"100%\" "
    "cellpadding=\"0\" cellspacing=\"0\" class=\"page\" style=\"background:#f3f4f6\"><tr><td "
    "align=\"center\" "
    "style=\"padding:24px 12px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
    "cellspacing=\"0\" style=\"max-width:560px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,"
    "sans-serif;font-size:15px;line-height:22px\">";
constexpr std::string_view kFoot = "</table></td></tr></table></body></html>\n";

struct Row {
  std::string label;
  std::string value;
};

std::string listed(const std::vector<std::string>& addresses) {
  std::string out;
  for (std::size_t i = 0; i < addresses.size() && i < kRecipientsShown; ++i) {
    if (i > 0) out += ", ";
    out += one_line(addresses[i], kLineMax);
  }
  if (addresses.size() > kRecipientsShown) {
    out += fmt::format(" and {} more", addresses.size() - kRecipientsShown);
  }
  return out;
}

std::string subject_of(const mailbox::Message& message, std::size_t max) {
  std::string subject = one_line(message.subject, max);
  return subject.empty() ? "(no subject)" : subject;
}

std::string end_of(const HoldNote& hold) {
  CS_ASSERT(hold.message.approval_expires_at.has_value());
  const std::string when = readable_time(*hold.message.approval_expires_at);
  if (!hold.approves_on_expiry) return fmt::format("{}; then it is rejected", when);
  return fmt::format("{}; then it is {}", when,
                     hold.message.direction == Direction::outbound ? "sent" : "let in");
}

std::vector<Row> rows_of(const HoldNote& hold) {
  const mailbox::Message& message = hold.message;
  std::vector<Row> rows;
  rows.push_back({"Agent", message.agent_email});
  if (message.direction == Direction::outbound) {
    rows.push_back({"To", listed(message.to)});
    if (!message.cc.empty()) rows.push_back({"Cc", listed(message.cc)});
    if (!message.bcc.empty()) rows.push_back({"Bcc", listed(message.bcc)});
  } else {
    rows.push_back({"From", one_line(message.header_from.value_or(message.sender), kLineMax)});
  }
  rows.push_back({"Subject", subject_of(message, kLineMax)});
  rows.push_back({"Held because", why_held(message)});
  rows.push_back({"Decide before", end_of(hold)});
  return rows;
}

struct HoldLinks {
  std::string approve;
  std::string reject;
  std::string open;
};

HoldLinks links_of(const HoldNote& hold, const ReviewMail& mail, const Sender& sender, const Links& links) {
  if (sender.public_url.empty()) return {};
  const auto link = [&](LinkAction action) {
    const LinkClaims claims{hold.message.id, action, *hold.message.approval_expires_at + kLinkGrace,
                            hold.message.revision};
    return fmt::format("{}/v1/{}?t={}", sender.public_url, name_of(action),
                       links.make(claims, mail.link_key));
  };
  return {link(LinkAction::approve), link(LinkAction::reject),
          fmt::format("{}/console/reviews/{}", sender.public_url, hold.message.id.str())};
}

std::string_view kind_of(const mailbox::Message& message) {
  return message.direction == Direction::outbound ? "Outgoing mail waits for you"
                                                  : "Incoming mail waits for you";
}

std::string subject_line(const ReviewMail& mail) {
  const mailbox::Message& first = mail.holds.front().message;
  if (mail.holds.size() > 1) return fmt::format("Review: {} messages wait for you", mail.holds.size());
  return fmt::format("Review: {} {}: {}", first.direction == Direction::outbound ? "from" : "for",
                     first.agent_email, subject_of(first, kSubjectMax));
}

std::string as_text(const ReviewMail& mail, const Sender& sender, const Links& links) {
  std::string out;
  for (const HoldNote& hold : mail.holds) {
    if (!out.empty()) out += "\n----------------------------------------\n\n";
    out += fmt::format("{}.\n\n", kind_of(hold.message));
    for (const Row& row : rows_of(hold)) out += fmt::format("{}: {}\n", row.label, row.value);
    const HoldLinks to = links_of(hold, mail, sender, links);
    out += fmt::format("Review id: {}\n", hold.message.id.str());
    if (to.approve.empty()) continue;
    out += fmt::format("\nApprove: {}\n\nReject: {}\n\nOpen: {}\n", to.approve, to.reject, to.open);
  }
  out += sender.public_url.empty()
             ? "\nDecide with your API key or in the console.\n"
             : "\nA link first shows a page; nothing happens until you press its button. "
               "Whoever has this mail can decide: do not forward it.\n";
  return out;
}

std::string button(std::string_view href, std::string_view label, std::string_view style,
                   std::string_view kind) {
  return fmt::format(
      "<a href=\"{}\" class=\"{}\" style=\"display:inline-block;padding:10px 18px;margin:0 8px 8px 0;"
      "border-radius:8px;font-weight:600;text-decoration:none;{}\">{}</a>",
      escape_html(href), kind, style, label);
}

std::string as_card(const HoldNote& hold, const HoldLinks& to) {
  std::string out =
      "<tr><td class=\"card\" style=\"background:#ffffff;border:1px solid #dfe2e8;border-radius:12px;"
      "padding:20px\">";
  out += fmt::format(
      "<div class=\"label\" style=\"color:#5c6370;font-size:13px\">{}</div><div class=\"strong\" "
      "style=\"color:#16181d;font-size:18px;line-height:25px;font-weight:600;padding:2px 0 12px;"
      "word-break:break-word\">{}</div>",
      kind_of(hold.message), escape_html(subject_of(hold.message, kLineMax)));
  for (const Row& row : rows_of(hold)) {
    if (row.label == "Subject") continue;
    out += fmt::format(
        "<div style=\"padding:0 0 8px;word-break:break-word\"><span class=\"label\" "
        "style=\"color:#5c6370\">{}: "
        "</span><span class=\"value\" style=\"color:#16181d\">{}</span></div>",
        row.label, escape_html(row.value));
  }
  if (!to.approve.empty()) {
    out += "<div style=\"padding:10px 0 0\">";
    out += button(to.approve, "Approve&hellip;", "background:#1a7f4b;color:#ffffff;border:1px solid #1a7f4b",
                  "go");
    out += button(to.reject, "Reject&hellip;", "background:#b42318;color:#ffffff;border:1px solid #b42318",
                  "stop");
    out += button(to.open, "Open", "color:#16181d;border:1px solid #b9bfc9", "plain");
    out += "</div>";
  }
  return out + "</td></tr><tr><td style=\"height:16px;line-height:16px\">&nbsp;</td></tr>";
}

std::string as_html(const ReviewMail& mail, const Sender& sender, const Links& links) {
  std::string out(kHead);
  for (const HoldNote& hold : mail.holds) out += as_card(hold, links_of(hold, mail, sender, links));
  out += "<tr><td class=\"foot\" style=\"color:#5c6370;font-size:13px;line-height:19px;padding:0 4px\">";
  out += sender.public_url.empty() ? "Decide with your API key or in the console."
                                   : "A link first shows a page; nothing happens until you press its button. "
                                     "Whoever has this mail can "
                                     "decide: do not forward it.";
  out += "</td></tr>";
  return out + std::string(kFoot);
}

// Characters that people do not see and that change what they see: bidirectional controls (UAX #9),
// zero-width characters, the byte order mark.
bool is_deceptive(std::string_view at) {
  static constexpr std::array<std::string_view, 5> kPrefixes{"\xe2\x80\x8b", "\xe2\x80\x8e", "\xe2\x80\x8f",
                                                             "\xef\xbb\xbf", "\xd8\x9c"};
  for (const std::string_view prefix : kPrefixes) {
    if (at.starts_with(prefix)) return true;
  }
  if (at.size() < 3 || at[0] != '\xe2') return false;
  const auto third = static_cast<unsigned char>(at[2]);
  return (at[1] == '\x80' && third >= 0xa8 && third <= 0xae) ||  // U+2028–U+202E
         (at[1] == '\x81' && third >= 0xa6 && third <= 0xa9);    // U+2066–U+2069
}

std::size_t length_at(std::string_view at) {
  const auto lead = static_cast<unsigned char>(at[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(length, at.size());
}

}  // namespace

std::string one_line(std::string_view text, std::size_t code_points_max) {
  std::string out;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t length = length_at(text);
    const std::string_view one = text.substr(0, length);
    const auto lead = static_cast<unsigned char>(one[0]);
    const bool control = lead < 0x20 || lead == 0x7f || (lead == 0xc2 && length == 2 && one[1] < '\xa0');
    const bool hidden = is_deceptive(text);
    text.remove_prefix(length);
    if (hidden || (control && out.ends_with(' '))) continue;
    if (count++ == code_points_max) return out + "\xe2\x80\xa6";
    if (control) {
      out += ' ';
    } else {
      out += one;
    }
  }
  return std::string(trim(out));
}

std::string readable_time(UtcTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

std::string why_held(const mailbox::Message& message) {
  if (!message.hold_reason) return "a rule asks for it";
  const boost::json::value reason = boost::json::parse(*message.hold_reason);
  std::string out(reason.at("summary").as_string());
  if (const auto* detail = reason.as_object().if_contains("detail");
      detail != nullptr && detail->is_string()) {
    out += fmt::format(" ({})", std::string_view(detail->as_string()));
  }
  return one_line(out, kLineMax);
}

std::string message_id_of(const ReviewMailId& mail, const Sender& sender) {
  return mail.str() + "@" + mail::domain_of(sender.from.address);
}

std::string compose(const ReviewMail& mail, const Sender& sender, const Links& links) {
  CS_ASSERT(!mail.holds.empty() && !mail.recipients.empty());
  mail::Composition composition;
  composition.from = sender.from;
  composition.to = mail.recipients;
  composition.subject = subject_line(mail);
  composition.text = as_text(mail, sender, links);
  composition.html = as_html(mail, sender, links);
  composition.message_id = message_id_of(mail.id, sender);
  composition.date = mail.created_at;
  composition.extra_headers = {
      {"Auto-Submitted", "auto-generated"},  // RFC 3834 §5: nobody answers it by machine
      {"X-Auto-Response-Suppress", "All"},
      {"X-Countersign-Review-Mail", mail.id.str()}};
  return mail::compose(composition);
}

}  // namespace countersign::notify
