#include "provider/smtp/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "provider/verdict.hpp"

namespace asio = boost::asio;

namespace countersign::provider::smtp {
namespace {

// Commands in one flight. Their answers must fit the relay's send buffer, because nothing is read until all
// of them are written (RFC 2920 §3.1).
constexpr std::size_t kRecipientsPerFlight = 50;
constexpr std::size_t kBlockBytes = 64 * 1024;

Reply refusal(Phase phase, int code, std::string_view enhanced, std::string text) {
  Reply reply;
  reply.verdict = Verdict::refused;
  reply.phase = phase;
  reply.scope = Scope::message;
  reply.code = code;
  reply.enhanced = enhanced;
  reply.text = std::move(text);
  return reply;
}

}  // namespace

Transaction::Transaction(Session& session, const HandOver& message, const Fence& fence)
    : session_(session),
      message_(message),
      fence_(fence),
      content_(examine(*message.raw)),
      smtputf8_(message.needs_smtputf8 || !is_ascii(message.envelope_from)) {
  for (const std::string& address : message.recipients) {
    if (is_wire_address(address)) {
      recipients_.push_back(address);
      smtputf8_ = smtputf8_ || !is_ascii(address);
    } else {
      const std::string text = "not handed over: the address cannot stand in an SMTP command";
      refused_.push_back({address, Verdict::refused, 553, "5.1.3", text});
    }
  }
}

std::optional<Reply> Transaction::refuse_locally() const {
  const Capabilities& relay = session_.relay_;
  if (!message_.envelope_from.empty() && !is_wire_address(message_.envelope_from)) {
    return refusal(Phase::mail, 553, "5.1.7",
                   "not handed over: the sender's address cannot stand in an SMTP command");
  }
  if (recipients_.empty()) return nobody_accepted();
  if (relay.size_max != 0 && content_.octets > relay.size_max) {
    return refusal(Phase::mail, 552, "5.3.4",
                   fmt::format("not handed over: {} octets, and the relay takes at most {}", content_.octets,
                               relay.size_max));
  }
  if (smtputf8_ && !relay.smtputf8) {
    return refusal(Phase::mail, 553, "5.6.7",
                   "not handed over: an address or header outside ASCII, and the relay offers no SMTPUTF8");
  }
  if (content_.eight_bit && !relay.eight_bit) {  // RFC 6152 §3
    return refusal(Phase::mail, 554, "5.6.3",
                   "not handed over: 8-bit content, and the relay offers no 8BITMIME");
  }
  return std::nullopt;
}

asio::awaitable<Reply> Transaction::run() {
  Reply reply;
  std::optional<Reply> failed = refuse_locally();
  if (!failed) {
    session_.needs_reset_ = true;
    failed = co_await envelope();
    CS_FAULT("smtp.envelope_answered");
    if (!failed) failed = co_await send_content();
    CS_FAULT("smtp.content_sent");
    if (!failed) failed = co_await interruption();
  }
  if (failed) {
    reply = std::move(*failed);
  } else {
    reply = co_await finish();
  }
  const bool nothing_decided =
      reply.verdict == Verdict::session_fault || reply.verdict == Verdict::lost_lease;
  if (!nothing_decided) reply.recipients = std::move(refused_);
  session_.usable_ = !broken_ && !nothing_decided && reply.verdict != Verdict::unknown;
  ++session_.messages_;
  co_return reply;
}

asio::awaitable<std::optional<Reply>> Transaction::envelope() {
  if (session_.relay_.pipelining) co_return co_await pipelined();
  co_return co_await one_by_one();
}

std::string Transaction::mail_line() const {
  return mail_command(message_.envelope_from, session_.relay_, content_, smtputf8_);
}

std::string Transaction::rcpt_line(std::size_t recipient) const {
  return "RCPT TO:<" + recipients_[recipient] + ">";
}

asio::awaitable<Session::Answer> Transaction::read(Phase phase) {
  const Deadlines& deadlines = session_.options_.deadlines;
  switch (phase) {
    case Phase::mail:
      co_return co_await session_.read_response(deadlines.mail);
    case Phase::rcpt:
      co_return co_await session_.read_response(deadlines.rcpt);
    case Phase::data:
      co_return co_await session_.read_response(deadlines.data);
    case Phase::body:
      co_return co_await session_.read_response(deadlines.reset);
    case Phase::final_dot:
      co_return co_await session_.read_response(deadlines.final_dot);
    case Phase::connect:
    case Phase::tls:
    case Phase::greeting:
    case Phase::hello:
    case Phase::auth:
    case Phase::reset:
    case Phase::request:
    case Phase::write:
      break;
  }
  CS_ASSERT(!"a phase of a transaction");
}

std::optional<Reply> Transaction::judge(Phase phase, const Session::Answer& answer) {
  Reply reply = to_reply(phase, answer);
  broken_ = broken_ || !answer || reply.scope == Scope::session;
  if (reply.verdict == Verdict::accepted) return std::nullopt;
  return reply;
}

std::optional<Reply> Transaction::take_rcpt(std::size_t recipient, const Session::Answer& answer) {
  std::optional<Reply> reply = judge(Phase::rcpt, answer);
  if (!reply) {
    ++accepted_;
    return std::nullopt;
  }
  if (reply->scope == Scope::session) return reply;
  refused_.push_back({recipients_[recipient], reply->verdict, reply->code, std::move(reply->enhanced),
                      std::move(reply->text)});
  return std::nullopt;
}

// Deferred when a later attempt may still reach somebody.
Reply Transaction::nobody_accepted() const {
  CS_ASSERT(!refused_.empty());
  const auto deferred = std::ranges::find(refused_, Verdict::deferred, &RecipientReply::verdict);
  const RecipientReply& first = deferred == refused_.end() ? refused_.front() : *deferred;
  Reply reply;
  reply.verdict = first.verdict;
  reply.phase = Phase::rcpt;
  reply.scope = Scope::recipient;
  reply.code = first.code;
  reply.enhanced = first.enhanced;
  reply.text = first.text;
  return reply;
}

asio::awaitable<std::optional<Reply>> Transaction::one_by_one() {
  const Deadlines& deadlines = session_.options_.deadlines;
  const auto mail = co_await session_.ask(mail_line(), deadlines.mail);
  if (auto failed = judge(Phase::mail, mail)) co_return failed;
  for (std::size_t i = 0; i < recipients_.size(); ++i) {
    const auto rcpt = co_await session_.ask(rcpt_line(i), deadlines.rcpt);
    if (auto failed = take_rcpt(i, rcpt)) co_return failed;
  }
  if (!anybody_accepted()) co_return nobody_accepted();
  const auto data = co_await session_.ask("DATA", deadlines.data);
  co_return judge(Phase::data, data);
}

asio::awaitable<std::optional<Reply>> Transaction::pipelined() {
  for (std::size_t begin = 0; begin < recipients_.size(); begin += kRecipientsPerFlight) {
    const std::size_t end = std::min(begin + kRecipientsPerFlight, recipients_.size());
    std::string flight;
    if (begin == 0) flight += mail_line() + "\r\n";
    for (std::size_t i = begin; i < end; ++i) flight += rcpt_line(i) + "\r\n";
    if (end == recipients_.size()) flight += "DATA\r\n";
    const auto written = co_await session_.stream_.write(flight, session_.options_.deadlines.mail);
    if (!written && written.error().kind == Fault::Kind::timeout) {
      const Session::Answer late = unexpected(written.error());
      co_return judge(begin == 0 ? Phase::mail : Phase::rcpt, late);
    }
    if (auto failed = co_await read_flight(begin, end)) co_return failed;
  }
  co_return std::nullopt;
}

// Every command of the flight has its answer, whatever the first ones were (RFC 2920 §3.1).
asio::awaitable<std::optional<Reply>> Transaction::read_flight(std::size_t begin, std::size_t end) {
  std::optional<Reply> mail_failed;
  if (begin == 0) {
    const auto answer = co_await read(Phase::mail);
    mail_failed = judge(Phase::mail, answer);
    if (broken_) co_return mail_failed;
  }
  for (std::size_t i = begin; i < end; ++i) {
    const auto answer = co_await read(Phase::rcpt);
    if (mail_failed) {
      // Without a sender there are no recipients; these answers repeat it in other words.
      static_cast<void>(judge(Phase::rcpt, answer));
      if (broken_) co_return mail_failed;
    } else if (auto failed = take_rcpt(i, answer)) {
      co_return failed;
    }
  }
  if (end < recipients_.size()) co_return mail_failed;
  const auto answer = co_await read(Phase::data);
  if (!mail_failed && anybody_accepted()) co_return judge(Phase::data, answer);
  if (answer && answer->code == 354) {
    co_await end_empty_data();
  } else {
    static_cast<void>(judge(Phase::data, answer));
  }
  if (mail_failed) co_return mail_failed;
  co_return nobody_accepted();
}

// The relay wants content although it has no recipients: a lone dot ends it, and nothing is handed over to
// anybody by it (RFC 2920 §3.1).
asio::awaitable<void> Transaction::end_empty_data() {
  const auto answer = co_await session_.ask(".", session_.options_.deadlines.data);
  broken_ = broken_ || !answer || answer->code == 421;
}

asio::awaitable<std::optional<Reply>> Transaction::send_content() {
  if (!session_.parser_.empty()) {  // whatever it is, it cannot be the answer to a dot that was not sent
    broken_ = true;
    const Session::Answer early = unexpected(Fault{Fault::Kind::protocol, "an answer ahead of its question"});
    co_return judge(Phase::data, early);
  }
  DotStuffer stuffer;
  std::string block;
  const std::string_view raw(*message_.raw);
  for (std::size_t at = 0; at <= raw.size(); at += kBlockBytes) {
    block.clear();
    stuffer.write(raw.substr(at, kBlockBytes), block);
    if (at + kBlockBytes > raw.size()) stuffer.finish(block);
    const auto written = co_await session_.stream_.write(block, session_.options_.deadlines.data_block);
    if (written) continue;
    Session::Answer why = unexpected(written.error());
    if (written.error().kind == Fault::Kind::closed) why = co_await read(Phase::body);
    broken_ = true;
    co_return judge(Phase::body, why);
  }
  co_return std::nullopt;
}

// What the relay said before the final dot, or that it went away: without the dot it has nothing of this
// message (RFC 5321 §4.1.1.4), so this is no lost answer.
asio::awaitable<std::optional<Reply>> Transaction::interruption() {
  auto there = co_await session_.stream_.read_what_is_there();
  if (there && there->empty()) co_return std::nullopt;
  broken_ = true;
  if (!there) {
    const Session::Answer gone = unexpected(std::move(there.error()));
    co_return judge(Phase::body, gone);
  }
  session_.parser_.feed(*there);
  const auto early = co_await read(Phase::body);
  co_return judge(Phase::body, early);
}

asio::awaitable<Reply> Transaction::finish() {
  const bool ours = co_await fence_();
  if (!ours) {
    session_.stream_.close();  // in the middle of DATA: the relay drops what it has (RFC 5321 §4.1.1.10)
    Reply lost;
    lost.verdict = Verdict::lost_lease;
    lost.phase = Phase::final_dot;
    lost.scope = Scope::message;
    lost.text = "the lease was lost before the final dot";
    co_return lost;
  }
  CS_FAULT("smtp.fence_passed");
  // The fence took its time. The dot is still here, so what happened meanwhile is as definite as before it.
  if (auto interrupted = co_await interruption()) {
    interrupted->fence_passed = true;
    co_return std::move(*interrupted);
  }
  const auto written = co_await session_.stream_.write(".\r\n", session_.options_.deadlines.data_block);
  CS_FAULT("smtp.final_dot_sent");
  Session::Answer answer = unexpected(Fault{});
  if (!written && written.error().kind == Fault::Kind::timeout) {
    answer = unexpected(written.error());
  } else {
    answer = co_await read(Phase::final_dot);
  }
  CS_FAULT("smtp.answer_read");
  Reply reply = to_reply(Phase::final_dot, answer);
  reply.fence_passed = true;
  if (reply.verdict == Verdict::accepted) reply.provider_message_id = answer->queue_id();
  session_.needs_reset_ = false;
  broken_ = broken_ || !answer || reply.scope == Scope::session;
  co_return reply;
}

}  // namespace countersign::provider::smtp
