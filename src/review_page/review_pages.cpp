#include "review_page/review_pages.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"
#include "notify/compose.hpp"
#include "notify/review_mail.hpp"
#include "store/awaitable.hpp"

namespace countersign::review_page {
namespace {

namespace asio = boost::asio;
using approve::Refusal;
using mailbox::Direction;
using mailbox::Message;
using mailbox::ReviewStatus;
using notify::LinkAction;
using notify::one_line;
using notify::readable_time;

constexpr std::size_t kReasonMax = 2000;  // code points, contract §19
constexpr std::size_t kFactMax = 500;
constexpr std::size_t kFilesShown = 10;
constexpr std::int64_t kAwaySeconds = 30;
constexpr std::string_view kDefaultReason = "rejected by the reviewer";
constexpr std::string_view kActor = "review link: ";

constexpr store::Query kDetails(
    "review_page.details",
    "SELECT COALESCE(m.resolved_by, ''), a.hold_on_expiry FROM messages m JOIN agents "
    "a ON a.email = m.agent_email WHERE m.id = $1");
constexpr store::Query kRecipients(
    "review_page.recipients",
    "SELECT r.recipients FROM review_notifications n JOIN review_mails r ON r.id = "
    "n.mail_id WHERE n.message_id = $1");

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// A value of `application/x-www-form-urlencoded` (WHATWG URL §5.1); nothing when it is absent or not UTF-8.
std::optional<std::string> form_value(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    std::string raw(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    for (char& c : raw) {
      if (c == '+') c = ' ';
    }
    auto value = net::percent_decode(raw);
    if (!value || !is_utf8(*value) || value->find('\0') != std::string::npos) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::string clamped(std::string_view text, std::size_t code_points_max) {
  std::string out(trim(text));
  std::size_t count = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(out[i]) & 0xc0) != 0x80;
    if (begins && count++ == code_points_max) return out.substr(0, i);
  }
  return out;
}

Page notice(int status, std::string title, std::string message, Tone tone = Tone::trouble) {
  Page page;
  page.status = status;
  page.tone = tone;
  page.title = std::move(title);
  page.message = std::move(message);
  return page;
}

Page invalid_link() {
  return notice(
      400, "This link is not valid",
      "It may have been cut off on its way, or belong to another page. Copy the whole link out of the "
      "mail, or decide in the console.");
}

Page gone() {
  return notice(404, "There is nothing to decide any more",
                "The message, or the agent it belongs to, has been removed.");
}

std::string joined(const std::vector<std::string>& addresses) {
  std::string out;
  for (const std::string& address : addresses) out += (out.empty() ? "" : ", ") + address;
  return one_line(out, kFactMax);
}

std::vector<std::pair<std::string, std::string>> facts_of(const Message& message) {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("Agent", message.agent_email);
  if (message.direction == Direction::outbound) {
    facts.emplace_back("To", joined(message.to));
    if (!message.cc.empty()) facts.emplace_back("Cc", joined(message.cc));
    if (!message.bcc.empty()) facts.emplace_back("Bcc", joined(message.bcc));
  } else {
    facts.emplace_back("From", one_line(message.header_from.value_or(message.sender), kFactMax));
  }
  facts.emplace_back("Subject",
                     message.subject.empty() ? "(no subject)" : one_line(message.subject, kFactMax));
  facts.emplace_back("Held because", notify::why_held(message));
  return facts;
}

// What is held, as the one text a page shows.
struct Shown {
  std::string text;
  bool cut = false;
  bool has_html = false;
  std::vector<std::string> files;
};

Shown shown_of(store::ReadTx& tx, const Message& message) {
  Shown shown;
  const mailbox::Content content = mailbox::load_content(tx, message.id);
  if (message.direction == Direction::outbound) {
    shown.text = content.text;
    shown.has_html = !content.html.empty();
    for (const auto& file : mailbox::list_draft_attachments(tx, message.id)) {
      shown.files.push_back(fmt::format("{} ({} bytes)", one_line(file.filename, 120), file.size_bytes));
    }
  } else if (content.raw) {
    mail::Message parsed = mail::parse(*content.raw);
    shown.text = std::move(parsed.text);
    shown.cut = parsed.text_truncated;
    shown.has_html = !parsed.html.empty();
    for (const auto& file : parsed.attachments) {
      shown.files.push_back(fmt::format("{} ({} bytes)", one_line(file.filename, 120), file.size_bytes));
    }
  }
  if (shown.text.size() > kShownBytesMax) {
    shown.text.resize(kShownBytesMax);
    while (!is_utf8(shown.text)) shown.text.pop_back();
    shown.cut = true;
  }
  return shown;
}

std::string files_line(const std::vector<std::string>& files) {
  std::string out;
  for (std::size_t i = 0; i < files.size() && i < kFilesShown; ++i) out += (i > 0 ? ", " : "") + files[i];
  if (files.size() > kFilesShown) out += fmt::format(" and {} more", files.size() - kFilesShown);
  return out;
}

std::string who(std::string_view actor) {
  if (actor == "expiry") return "by the clock, since its time was up";
  if (actor.starts_with(kActor))
    return fmt::format("with the link mailed to {}", actor.substr(kActor.size()));
  if (actor.starts_with("apk_")) return fmt::format("with the API key {}", actor);
  return actor.empty() ? "" : fmt::format("by {}", actor);
}

std::string_view verb_of(ReviewStatus status) {
  switch (status) {
    case ReviewStatus::review_approved:
    case ReviewStatus::review_expired_approved:
      return "approved";
    case ReviewStatus::review_rejected:
    case ReviewStatus::review_expired_rejected:
      return "rejected";
    case ReviewStatus::pending_review:
      break;
  }
  CS_ASSERT(false);
}

// Where a message stands, as somebody who follows its link finds it.
struct Standing {
  Message message;
  std::string resolved_by;
  bool approves_on_expiry = false;
  Shown shown;
  std::string link_key;
};

std::string what_became(const Standing& standing) {
  const Message& message = standing.message;
  if (!message.review_status || *message.review_status == ReviewStatus::pending_review) return "";
  std::string out = fmt::format("The message was {}", verb_of(*message.review_status));
  if (const std::string by = who(standing.resolved_by); !by.empty()) out += " " + by;
  if (message.resolved_at) out += fmt::format(", {}", readable_time(*message.resolved_at));
  return out + ".";
}

Page decided_before(const Standing& standing) {
  CS_ASSERT(standing.message.review_status.has_value());
  Page page = notice(409, fmt::format("Already {}", verb_of(*standing.message.review_status)),
                     what_became(standing) + " Nothing was changed now.", Tone::closed);
  page.facts = facts_of(standing.message);
  return page;
}

Page expired(const Standing& standing, UtcTime at) {
  std::string message = what_became(standing);
  if (message.empty())
    message = "The message still waits: decide in the console, or with a newer mail's link.";
  Page page = notice(410, "This link has expired",
                     fmt::format("It was good until {}. {}", readable_time(at), message), Tone::closed);
  page.facts = facts_of(standing.message);
  return page;
}

Page time_is_up(const Standing& standing) {
  Page page =
      notice(410, "The time for this decision is over",
             "The message is about to be decided by the clock, as its agent is set up. Nobody else can "
             "decide about it now.",
             Tone::closed);
  page.facts = facts_of(standing.message);
  return page;
}

Page changed_since(const Standing& standing) {
  Page page = notice(409, "The message was changed after this mail was sent",
                     "What you would decide about is not what you were told of. Open it in the console.",
                     Tone::closed);
  page.facts = facts_of(standing.message);
  return page;
}

Page refused(const Refusal& refusal) {
  return std::visit(
      Overloaded{[](const approve::NotFound&) { return gone(); },
                 [](const approve::NotPending&) {
                   return notice(409, "Already decided", "Nothing was changed now.", Tone::closed);
                 },
                 [](const approve::StaleRevision&) {
                   return notice(409, "The message was changed meanwhile",
                                 "Nothing was changed now. Open it in the console.", Tone::closed);
                 },
                 [](const approve::InvalidDraft& invalid) {
                   return notice(422, "The message cannot be sent", invalid.message + ". It stays held.");
                 },
                 [](const approve::TooManyRecipients&) {
                   return notice(422, "The message cannot be sent",
                                 "It has too many recipients. It stays held.");
                 },
                 [](const approve::TooLarge&) {
                   return notice(413, "The message cannot be sent", "It is too large. It stays held.");
                 },
                 [](const approve::DomainNotVerified&) {
                   return notice(403, "The message cannot be sent yet",
                                 "The sender's domain is not verified. The message stays held.");
                 },
                 [](const approve::RecipientSuppressed& suppressed) {
                   return notice(422, "The message cannot be sent",
                                 fmt::format("Mail to {} is suppressed. The message stays held.",
                                             joined(suppressed.addresses)));
                 },
                 [](const approve::Unseen&) {
                   return notice(409, "Already decided", "Nothing was changed now.", Tone::closed);
                 }},
      refusal);
}

Page asking(LinkAction action, const Standing& standing, std::string token, const std::string& other_token) {
  const Message& message = standing.message;
  const bool out = message.direction == Direction::outbound;
  const bool approves = action == LinkAction::approve;
  Page page;
  page.tone = approves ? Tone::ask_approve : Tone::ask_reject;
  if (approves) {
    page.title = out ? "Approve and send this mail?" : "Let this mail in?";
    page.message = !out                      ? "The agent gets to see it."
                   : standing.shown.has_html ? "It goes out as it is held, with its HTML version."
                                             : "It goes out exactly as it stands here.";
  } else {
    page.title = out ? "Reject this mail?" : "Keep this mail out?";
    page.message = out ? "It is not sent." : "The agent does not get to see it.";
  }
  page.facts = facts_of(message);
  if (!standing.shown.files.empty()) page.facts.emplace_back("Attached", files_line(standing.shown.files));
  const std::string_view then = !standing.approves_on_expiry ? "rejected" : out ? "sent" : "let in";
  page.facts.emplace_back(
      "Decide before", fmt::format("{}; then it is {}", readable_time(*message.approval_expires_at), then));
  page.body_title = "Text";
  page.body = standing.shown.text;
  page.body_cut = standing.shown.cut;
  if (standing.shown.has_html) {
    page.note =
        "Most readers will see the HTML version of this mail, which may say something else and is not shown "
        "here. The console shows it.";
  }
  const std::string other_href = fmt::format("{}?t={}", approves ? "reject" : "approve", other_token);
  const std::string_view label =
      approves ? (out ? "Approve and send" : "Let it in") : (out ? "Reject" : "Keep it out");
  page.form = Form{std::string(notify::name_of(action)),
                   std::move(token),
                   std::string(label),
                   !approves,
                   approves ? "Reject instead" : "Approve instead",
                   other_href};
  return page;
}

std::optional<Standing> standing_of(store::ReadTx& tx, const MessageId& id) {
  const auto target = notify::link_target(tx, id);
  if (!target) return std::nullopt;
  Standing standing;
  standing.link_key = target->link_key;
  auto message = mailbox::find_for_review(tx, target->user, id);
  const store::Rows details = tx.query(kDetails, {id.str()});
  if (!message || details.empty()) return standing;
  standing.message = std::move(*message);
  standing.resolved_by = details.front().text(0);
  standing.approves_on_expiry = details.front().view(1) == "approve";
  return standing;
}

}  // namespace

struct ReviewPages::Asked {
  LinkAction action;
  std::string token;
  notify::LinkClaims claims;
  UtcTime now;
};

ReviewPages::ReviewPages(store::Database& database, const Clock& clock, outbox::SendStep& send,
                         notify::Links links, std::string shared_domain, Hooks hooks)
    : database_(database),
      clock_(clock),
      send_(send),
      links_(links),
      shared_domain_(std::move(shared_domain)),
      hooks_(std::move(hooks)) {}

asio::awaitable<net::Response> ReviewPages::respond(LinkAction action, net::Request request) {
  Page page = notice(503, "Not now", "Something here is away for the moment. Try again in a minute.");
  page.retry_after_seconds = kAwaySeconds;
  try {
    auto work = answer(action, request);
    page = co_await std::move(work);
  } catch (const store::OutcomeUnknown& error) {
    log::warn("review_page.failed", {{"request_id", request.request_id}, {"error", error.what()}});
    page.message =
        "Whether your decision was kept cannot be told right now. Open the link again in a minute: it "
        "says what became of it, and pressing twice never counts twice.";
  } catch (const EnvironmentError& error) {
    log::warn("review_page.failed", {{"request_id", request.request_id}, {"error", error.what()}});
  }
  net::Response response = render(page);
  if (page.status == 405) response.headers.add("Allow", "GET, POST");
  if (page.retry_after_seconds > 0) {
    response.headers.add("Retry-After", std::to_string(page.retry_after_seconds));
  }
  co_return response;
}

asio::awaitable<Page> ReviewPages::answer(LinkAction action, const net::Request& request) {
  const bool post = request.method == "POST";
  if (!post && request.method != "GET") {
    co_return notice(405, "This page can only be read, and its form be sent", "");
  }
  if (hooks_.too_many) {
    auto asking = hooks_.too_many(request.peer_address);
    if (const std::optional<std::int64_t> seconds = co_await std::move(asking)) {
      Page page = notice(429, "Too many requests", "Wait a minute, then open the link again.");
      page.retry_after_seconds = *seconds;
      co_return page;
    }
  }
  if (request.body_too_large) co_return notice(413, "Too much text", "The form holds more than it may.");
  const std::string_view form = post ? std::string_view(request.body) : std::string_view(request.query);
  std::optional<std::string> token = form_value(form, "t");
  if (!token) token = form_value(request.query, "t");
  if (!token) co_return invalid_link();
  const auto claims = notify::Links::read(*token);
  if (!claims || claims->action != action) co_return invalid_link();
  Asked asked{action, std::move(*token), *claims, clock_.now()};
  if (!post) {
    auto work = show(std::move(asked));
    co_return co_await std::move(work);
  }
  std::string reason = clamped(form_value(form, "reason").value_or(""), kReasonMax);
  auto work = decide(std::move(asked), std::move(reason));
  co_return co_await std::move(work);
}

namespace {

// What keeps the holder of a proven link from deciding.
std::optional<Page> obstacle(const Standing& standing, const notify::LinkClaims& claims, UtcTime now) {
  const Message& message = standing.message;
  if (message.id.empty()) return gone();
  if (claims.expires_at <= now) return expired(standing, claims.expires_at);
  if (!message.review_status) return gone();
  if (*message.review_status != ReviewStatus::pending_review) return decided_before(standing);
  if (*message.approval_expires_at <= now) return time_is_up(standing);
  if (message.revision != claims.revision) return changed_since(standing);
  return std::nullopt;
}

}  // namespace

asio::awaitable<Page> ReviewPages::show(Asked asked) {
  auto look = [this, asked](store::ReadTx& tx) {
    auto standing = standing_of(tx, asked.claims.message);
    if (standing && links_.proven(asked.token, standing->link_key) && !standing->message.id.empty()) {
      standing->shown = shown_of(tx, standing->message);
    }
    return standing;
  };
  const std::optional<Standing> standing = co_await store::read(database_, std::move(look));
  if (!standing) co_return gone();
  if (!links_.proven(asked.token, standing->link_key)) co_return invalid_link();
  if (auto page = obstacle(*standing, asked.claims, asked.now)) co_return std::move(*page);
  notify::LinkClaims other = asked.claims;
  other.action = asked.action == LinkAction::approve ? LinkAction::reject : LinkAction::approve;
  co_return asking(asked.action, *standing, asked.token, links_.make(other, standing->link_key));
}

asio::awaitable<Page> ReviewPages::decide(Asked asked, std::string reason) {
  if (reason.empty()) reason = kDefaultReason;
  // A page that refuses rolls back; one that tells of the decision commits with it.
  auto body = [this, asked, reason](store::Tx& tx) -> Result<Page, Page> {
    const auto target = notify::link_target(tx, asked.claims.message);
    if (!target) return unexpected(gone());
    if (!links_.proven(asked.token, target->link_key)) return unexpected(invalid_link());
    (void)mailbox::lock_for_review(tx, target->user, asked.claims.message);
    // Since the link was looked up, the message may have been left out of the mail, or removed.
    const auto standing = standing_of(tx, asked.claims.message);
    const store::Rows recipients = tx.query(kRecipients, {asked.claims.message.str()});
    if (!standing || recipients.empty()) return unexpected(gone());
    if (auto page = obstacle(*standing, asked.claims, asked.now)) return unexpected(std::move(*page));
    const std::string to = joined(from_json_list(recipients.front().view(0)));
    const std::string actor = fmt::format("{}{}", kActor, to);
    const bool out = standing->message.direction == Direction::outbound;
    Page done = notice(200, "", "You can close this page.", Tone::done);
    done.facts = facts_of(standing->message);
    if (asked.action == LinkAction::approve) {
      const approve::ApproveCommand command{
          target->user, asked.claims.message, actor, {}, asked.claims.revision};
      const auto decision = approve::approve_and_send(tx, command, send_, shared_domain_, asked.now);
      if (!decision) return unexpected(refused(decision.error()));
      done.title = out ? "Approved" : "Let in";
      done.message = out ? "The mail is on its way. You can close this page."
                         : "The agent has it. You can close this page.";
      return done;
    }
    const approve::RejectCommand command{target->user, asked.claims.message, actor, reason};
    const auto rejected = approve::reject(tx, command, asked.now);
    if (!rejected) return unexpected(refused(rejected.error()));
    done.title = out ? "Rejected" : "Kept out";
    done.facts.emplace_back("Reason given", one_line(reason, kFactMax));
    return done;
  };
  Result<Page, Page> page = co_await store::write(database_, std::move(body));
  if (!page) co_return std::move(page.error());
  const bool approved = asked.action == LinkAction::approve;
  log::info("review_page.decided",
            {{"message_id", asked.claims.message.str()}, {"as", approved ? "approved" : "rejected"}});
  if (hooks_.decided) hooks_.decided(approved ? "approved" : "rejected");
  co_return std::move(*page);
}

}  // namespace countersign::review_page
