#include "inbound/smtp/session.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "inbound/smtp/reply.hpp"
#include "mail/address.hpp"

namespace countersign::inbound::smtp {
namespace {

// Of a command line that is too long, this much is swallowed to answer it; then the client is hung up on.
constexpr std::uint32_t kOverlongBytesMax = 64 * 1024;

}  // namespace

struct Session::Transaction {
  std::string from;
  std::uint64_t announced_bytes = 0;
  bool smtputf8 = false;
  bool chunked = false;  // a BDAT was seen
  bool failed = false;   // a chunk was refused: only RSET helps (RFC 3030 §2)
  std::size_t chunks = 0;
  std::size_t refused = 0;
  std::vector<std::string> recipients;  // without duplicates
  std::vector<std::string> normalised;  // of the same
  std::vector<std::size_t> accepted;    // of each RCPT that got 250: its place in `recipients` (LMTP)
  std::unique_ptr<ContentReader> reader;
};

Session::Session(const SessionContext& context, Dialect dialect, boost::asio::ip::address client,
                 bool starttls)
    : context_(context), dialect_(dialect), starttls_(starttls) {
  client_.address = std::move(client);
}

Session::~Session() = default;

void Session::greet(std::string& out) const {
  out.append("220 ").append(context_.options.host_name);
  out.append(dialect_ == Dialect::lmtp ? " LMTP Countersign\r\n" : " ESMTP Countersign\r\n");
}

Session::Phase Session::phase() const noexcept {
  return mode_ == Mode::data || mode_ == Mode::chunk ? Phase::content : Phase::command;
}

bool Session::in_content() const noexcept {
  return phase() == Phase::content || (transaction_ && transaction_->reader);
}

std::uint64_t Session::content_bytes() const noexcept {
  return drained_ + (transaction_ && transaction_->reader ? transaction_->reader->bytes_read() : 0);
}

Session::Next Session::advance(std::string_view& input, std::string& out) {
  Next next = mode_ == Mode::closed ? Next::close : Next::read;
  while (next == Next::read && !input.empty()) {
    switch (mode_) {
      case Mode::command:
        next = take_line(input, out);
        break;
      case Mode::data:
        next = take_data(input, out);
        break;
      case Mode::chunk:
        next = take_chunk(input, out);
        break;
      case Mode::closed:
        return Next::close;
    }
  }
  return next;
}

// A command line ends with CRLF and nothing else (RFC 5321 §2.3.8).
Session::Next Session::take_line(std::string_view& input, std::string& out) {
  const std::size_t lf = input.find('\n');
  const bool complete = lf != std::string_view::npos;
  const std::string_view piece = input.substr(0, complete ? lf + 1 : input.size());
  input.remove_prefix(piece.size());
  if (!in_command()) ++commands_begun_;
  if (overlong_bytes_ > 0 || line_.size() + piece.size() > limits().command_bytes_max) {
    return take_overlong(piece, out);
  }
  if (!complete) {
    line_.append(piece);
    return Next::read;
  }
  std::string joined;
  std::string_view line = piece;
  if (!line_.empty()) {
    joined = std::exchange(line_, {});
    joined.append(piece);
    line = joined;
  }
  line.remove_suffix(1);
  constexpr std::string_view kForbidden("\r\0", 2);
  if (!line.ends_with('\r') || line.find_first_of(kForbidden) != line.size() - 1) {
    return hang_up(reply::kBadLineEnd, "bad_line_end", out);
  }
  line.remove_suffix(1);
  return run_line(line, !input.empty(), out);
}

Session::Next Session::take_overlong(std::string_view piece, std::string& out) {
  const bool after_cr = piece.size() > 1 ? piece[piece.size() - 2] == '\r'
                        : line_.empty()  ? overlong_after_cr_
                                         : line_.ends_with('\r');
  overlong_bytes_ += static_cast<std::uint32_t>(piece.size());
  std::string().swap(line_);
  overlong_after_cr_ = piece.ends_with('\r');
  if (piece.ends_with('\n')) {
    overlong_bytes_ = 0;
    if (!after_cr) return hang_up(reply::kBadLineEnd, "bad_line_end", out);
    return refuse(reply::kLineTooLong, out);
  }
  if (overlong_bytes_ > kOverlongBytesMax) return hang_up(reply::kLineTooLong, "command", out);
  return Next::read;
}

Session::Next Session::run_line(std::string_view line, bool more_input, std::string& out) {
  const Command command = parse_command(line);
  if (command.rule == nullptr) return refuse(reply::kUnknownCommand, out);
  const CommandRule& rule = *command.rule;
  if (!rule.is_progress && ++idle_commands_ > limits().idle_commands_max) {
    return hang_up(reply::kTooManyCommands, "too_many_commands", out);
  }
  if (rule.argument == Argument::none && !command.argument.empty()) return refuse(reply::kNoArgument, out);
  if (const auto refusal = state_refusal(rule); !refusal.empty()) return refuse(refusal, out);
  return run(command, more_input, out);
}

std::string_view Session::state_refusal(const CommandRule& rule) const {
  if (rule.needs_greeting && !greeted_) {
    return dialect_ == Dialect::lmtp ? reply::kHelloFirstLmtp : reply::kHelloFirst;
  }
  if (rule.needs_mail && !transaction_) return reply::kMailFirst;
  return {};
}

Session::Next Session::run(const Command& command, bool more_input, std::string& out) {
  switch (command.rule->verb) {
    case Verb::helo:
    case Verb::ehlo:
    case Verb::lhlo:
      return hello(command, out);
    case Verb::mail:
      return mail(command.argument, out);
    case Verb::rcpt:
      return rcpt(command.argument, out);
    case Verb::data:
      return data(out);
    case Verb::bdat:
      return bdat(command.argument, out);
    case Verb::rset:
      transaction_.reset();
      out.append(reply::kOk);
      return Next::read;
    case Verb::noop:
      out.append(reply::kOk);
      return Next::read;
    case Verb::vrfy:
      out.append(reply::kCannotVerify);
      return Next::read;
    case Verb::help:
      out.append(dialect_ == Dialect::lmtp ? reply::kHelpLmtp : reply::kHelp);
      return Next::read;
    case Verb::quit:
      transaction_.reset();
      quit_ = true;
      mode_ = Mode::closed;
      out.append(reply::kBye);
      return Next::close;
    case Verb::starttls:
      return start_tls(more_input, out);
    case Verb::auth:
      return refuse(reply::kNoAuth, out);
    case Verb::expn:
      return refuse(reply::kNotImplemented, out);
    case Verb::not_mail:
      return hang_up(reply::kNotMail, "not_mail", out);
  }
  return refuse(reply::kUnknownCommand, out);
}

Session::Next Session::hello(const Command& command, std::string& out) {
  const Verb verb = command.rule->verb;
  if (dialect_ == Dialect::lmtp && verb != Verb::lhlo) return refuse(reply::kSayLhlo, out);
  if (dialect_ == Dialect::smtp && verb == Verb::lhlo) return refuse(reply::kSayEhlo, out);
  if (!is_helo_name(command.argument)) return refuse(reply::kBadHelo, out);
  transaction_.reset();  // RFC 5321 §4.1.4
  client_.helo = command.argument;
  greeted_ = true;
  extended_ = verb != Verb::helo;
  out.append(extended_ ? "250-" : "250 ").append(context_.options.host_name).append("\r\n");
  if (extended_) list_extensions(out);
  return Next::read;
}

void Session::list_extensions(std::string& out) const {
  out.append("250-PIPELINING\r\n250-SIZE ").append(std::to_string(limits().message_bytes_max));
  out.append("\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n");
  if (starttls_ && client_.tls.empty()) out.append("250-STARTTLS\r\n");
  out.append("250 ENHANCEDSTATUSCODES\r\n");
}

Session::Next Session::mail(std::string_view argument, std::string& out) {
  if (transaction_) return refuse(reply::kNestedMail, out);
  if (context_.draining) return hang_up(reply::kStopping, "stopping", out);
  if (++transactions_ > limits().transactions_max) {
    return hang_up(reply::kTooManyTransactions, "too_many_transactions", out);
  }
  auto arguments = parse_mail(argument);
  if (!arguments) return refuse(arguments.error(), out);
  if (arguments->size.value_or(0) > limits().message_bytes_max) {  // RFC 1870 §6.1
    count_refused("size_announced");
    out.append(reply::kTooLarge);
    return Next::read;
  }
  transaction_ = std::make_unique<Transaction>();
  transaction_->from = std::move(arguments->from);
  transaction_->announced_bytes = arguments->size.value_or(0);
  transaction_->smtputf8 = arguments->smtputf8;
  drained_ = 0;
  out.append(reply::kSender);
  return Next::read;
}

Session::Next Session::rcpt(std::string_view argument, std::string& out) {
  if (transaction_->chunked) return refuse(reply::kRecipientAfterChunk, out);
  auto address = parse_rcpt(argument, transaction_->smtputf8, context_.options.host_name);
  if (!address) {
    ++transaction_->refused;
    return refuse(address.error(), out);
  }
  if (transaction_->accepted.size() >= limits().recipients_max) {  // RFC 5321 §4.5.3.1.10
    return recipient_put_off("too_many_recipients", reply::kTooManyRecipients, out);
  }
  question_ = std::move(*address);
  return Next::ask_recipient;
}

Session::Next Session::recipient_answer(RecipientAnswer answer, std::string& out) {
  CS_ASSERT(transaction_ && !question_.empty());
  std::string address = std::exchange(question_, {});
  switch (answer) {
    case RecipientAnswer::ok: {
      std::string normalised = mail::normalise(address);
      const auto known = std::ranges::find(transaction_->normalised, normalised);
      transaction_->accepted.push_back(static_cast<std::size_t>(known - transaction_->normalised.begin()));
      if (known == transaction_->normalised.end()) {
        transaction_->recipients.push_back(std::move(address));
        transaction_->normalised.push_back(std::move(normalised));
      }
      out.append(reply::kRecipient);
      return Next::read;
    }
    case RecipientAnswer::unknown:
      return recipient_refused("unknown_recipient", reply::kNoSuchMailbox, out);
    case RecipientAnswer::over_quota:
      return recipient_put_off("over_quota", reply::kOverQuota, out);
    case RecipientAnswer::unavailable:
      break;
  }
  return recipient_put_off("recipient_unavailable", reply::kUnavailable, out);
}

// Not a word about the mailbox: those that were accepted are served (RFC 5321 §4.5.3.1.10).
Session::Next Session::recipient_put_off(std::string_view reason, std::string_view reply, std::string& out) {
  ++transaction_->refused;
  if (++put_off_recipients_ > limits().put_off_recipients_max) {
    return hang_up(reply::kTooManyCommands, "too_many_put_off_recipients", out);
  }
  count_refused(reason);
  out.append(reply);
  return Next::read;
}

// Who asks for many mailboxes that do not exist is guessing.
Session::Next Session::recipient_refused(std::string_view reason, std::string_view reply, std::string& out) {
  ++transaction_->refused;
  if (++refused_recipients_ > limits().refused_recipients_max) {
    return hang_up(reply::kTooManyUnknown, "too_many_refused_recipients", out);
  }
  count_refused(reason);
  out.append(reply);
  return Next::read;
}

Session::Next Session::data(std::string& out) {
  if (transaction_->chunked) return refuse(reply::kDataAfterChunk, out);
  if (transaction_->accepted.empty()) {  // RFC 5321 §3.3; not an error of a pipelining client
    out.append(nobody_to_serve());
    if (transaction_->refused == 0) ++errors_;
    return Next::read;
  }
  begin_content(ContentReader::Framing::dots);
  mode_ = Mode::data;
  out.append(reply::kStartMail);
  return Next::read;
}

void Session::begin_content(ContentReader::Framing framing) {
  ++contents_begun_;
  transaction_->reader =
      std::make_unique<ContentReader>(framing, limits(), context_.budget, transaction_->announced_bytes);
}

Session::Next Session::take_data(std::string_view& input, std::string& out) {
  ContentReader& reader = *transaction_->reader;
  if (reader.read(input)) return end_content(out);
  if (!reader.flooded()) return Next::read;
  count_message("flood");
  return hang_up(reply::kFlood, {}, out);
}

// RFC 3030 §2: whatever is wrong, the octets that follow the command are no commands.
Session::Next Session::bdat(std::string_view argument, std::string& out) {
  const auto chunk = parse_bdat(argument);
  if (!chunk) return hang_up(reply::kBdatSyntax, "command", out);
  chunk_left_ = chunk_octets_ = chunk->octets;
  last_chunk_ = chunk->last;
  chunk_refusal_ = bdat_refusal();
  if (chunk_refusal_.empty()) {
    if (!transaction_->reader) begin_content(ContentReader::Framing::chunks);
    transaction_->chunked = true;
    if (++transaction_->chunks > limits().chunks_max) {
      return hang_up(reply::kTooManyChunks, "too_many_commands", out);
    }
    const std::uint64_t so_far = transaction_->reader->bytes_read();
    const std::uint64_t room = limits().message_bytes_max - std::min(so_far, limits().message_bytes_max);
    if (chunk->octets > room) chunk_refusal_ = reply::kTooLarge;
  }
  const std::uint64_t drainable = limits().message_bytes_max + limits().drained_bytes_max;
  if (!chunk_refusal_.empty() && chunk_left_ > drainable - std::min(drained_, drainable)) {
    if (transaction_) count_message("flood");
    return hang_up(reply::kFlood, {}, out);
  }
  if (!transaction_ || !transaction_->reader) ++contents_begun_;  // of octets that are swallowed
  mode_ = Mode::chunk;
  return chunk_left_ == 0 ? end_chunk(out) : Next::read;
}

std::string_view Session::bdat_refusal() const {
  if (!greeted_) return dialect_ == Dialect::lmtp ? reply::kHelloFirstLmtp : reply::kHelloFirst;
  if (!transaction_) return reply::kMailFirst;
  if (transaction_->failed) return reply::kChunkRefused;
  if (!transaction_->accepted.empty()) return {};
  return nobody_to_serve();
}

std::string_view Session::nobody_to_serve() const {
  if (transaction_->refused == 0) return reply::kRecipientFirst;
  return dialect_ == Dialect::lmtp ? reply::kNoValidRecipientsLmtp : reply::kNoValidRecipients;
}

Session::Next Session::take_chunk(std::string_view& input, std::string& out) {
  std::string_view piece = input.substr(0, std::min<std::uint64_t>(chunk_left_, input.size()));
  input.remove_prefix(piece.size());
  chunk_left_ -= piece.size();
  if (chunk_refusal_.empty()) {
    transaction_->reader->read(piece);
  } else {
    drained_ += piece.size();
  }
  return chunk_left_ == 0 ? end_chunk(out) : Next::read;
}

Session::Next Session::end_chunk(std::string& out) {
  mode_ = Mode::command;
  if (!chunk_refusal_.empty()) {
    const bool too_large = chunk_refusal_ == reply::kTooLarge;
    if (too_large) count_message("too_large");
    if (transaction_) transaction_->failed = true;
    if (transaction_) transaction_->reader.reset();
    if (too_large || transaction_) {
      // In LMTP the last chunk has an answer for each recipient (RFC 2033 §4.2, §4.3).
      const bool each = dialect_ == Dialect::lmtp && last_chunk_ && transaction_;
      const std::size_t copies = each ? std::max<std::size_t>(1, transaction_->accepted.size()) : 1;
      for (std::size_t i = 0; i < copies; ++i) out.append(chunk_refusal_);
      return Next::read;
    }
    return refuse(chunk_refusal_, out);
  }
  ContentReader& reader = *transaction_->reader;
  if (last_chunk_) {
    reader.finish();
    return end_content(out);
  }
  if (reader.fault() != ContentFault::none) return refuse_content(reader.fault(), out);
  out.append("250 2.0.0 ").append(std::to_string(chunk_octets_)).append(" octets received\r\n");
  return Next::read;
}

Session::Next Session::end_content(std::string& out) {
  mode_ = Mode::command;
  const ContentFault fault = transaction_->reader->fault();
  if (fault == ContentFault::none) return Next::accept;
  return refuse_content(fault, out);
}

Session::Next Session::refuse_content(ContentFault fault, std::string& out) {
  std::string_view text = reply::kNoRoom;
  std::string_view outcome = "no_room";
  switch (fault) {
    case ContentFault::none:
    case ContentFault::no_room:
      break;
    case ContentFault::too_large:
      text = reply::kTooLarge;
      outcome = "too_large";
      break;
    case ContentFault::header_too_large:
      text = reply::kHeaderTooLarge;
      outcome = "header_too_large";
      break;
    case ContentFault::line_too_long:
      text = reply::kTextLineTooLong;
      outcome = "line_too_long";
      break;
    case ContentFault::bare_line_end:
      text = reply::kBareLineEnd;
      outcome = "bare_line_end";
      break;
  }
  // The answer to a chunk that was not the last is one, in LMTP too.
  const bool finished = !transaction_->chunked || last_chunk_;
  const std::size_t copies =
      dialect_ == Dialect::lmtp && finished ? transaction_->accepted.size() : std::size_t{1};
  for (std::size_t i = 0; i < copies; ++i) out.append(text);
  count_message(outcome);
  // A client whose line ends mean something else than ours may also disagree on where its message ended.
  if (fault == ContentFault::bare_line_end) return hang_up({}, {}, out);
  if (finished) return end_transaction(out);
  transaction_->failed = true;
  transaction_->reader.reset();
  return Next::read;
}

ReceivedMessage Session::message() {
  CS_ASSERT(transaction_ && transaction_->reader);
  ReceivedMessage message;
  message.envelope.client = client_;
  message.envelope.client.protocol = protocol();
  message.envelope.mail_from = transaction_->from;
  message.envelope.smtputf8 = transaction_->smtputf8;
  message.envelope.recipients = transaction_->recipients;
  message.content = transaction_->reader->take();
  transaction_->reader.reset();
  return message;
}

namespace {

struct Verdict {
  std::string_view reply;
  std::string_view outcome;
};

Verdict verdict_of(AcceptAnswer answer) {
  switch (answer) {
    case AcceptAnswer::taken:
      return {reply::kTaken, "taken"};
    case AcceptAnswer::unknown:
      return {reply::kNoSuchMailbox, "unknown"};
    case AcceptAnswer::over_quota:
      return {reply::kOverQuota, "over_quota"};
    case AcceptAnswer::refused:
      return {reply::kLoop, "loop"};
    case AcceptAnswer::unavailable:
      break;
  }
  return {reply::kUnavailable, "unavailable"};
}

// SMTP has one reply for all recipients. 250 only when all have it. While one is in doubt, or could not be
// told apart by a permanent reply, the client is to come again: who has the message is known then (a repeat
// is recognised), and who may not have it is refused at RCPT.
Verdict verdict_for_all(const std::vector<AcceptAnswer>& answers) {
  const auto is = [&answers](AcceptAnswer wanted) {
    return std::ranges::count(answers, wanted) == static_cast<std::ptrdiff_t>(answers.size());
  };
  if (is(answers.front())) return verdict_of(answers.front());
  const auto some = [&answers](AcceptAnswer wanted) {
    return std::ranges::find(answers, wanted) != answers.end();
  };
  if (some(AcceptAnswer::unavailable)) return {reply::kMixed, "mixed"};
  if (some(AcceptAnswer::refused))
    return {reply::kLoop, "loop"};  // the content's fault: no use in coming again
  if (some(AcceptAnswer::taken)) return {reply::kMixed, "mixed"};
  return {reply::kNoSuchMailbox, "unknown"};
}

}  // namespace

Session::Next Session::message_answer(const std::vector<AcceptAnswer>& answers, std::string& out) {
  CS_ASSERT(transaction_ && answers.size() == transaction_->recipients.size());
  if (dialect_ == Dialect::smtp) {
    const Verdict verdict = verdict_for_all(answers);
    out.append(verdict.reply);
    count_message(verdict.outcome);
  } else {  // RFC 2033 §4.2: one for each RCPT that was accepted, in their order
    for (const std::size_t index : transaction_->accepted) out.append(verdict_of(answers[index]).reply);
    count_message(verdict_for_all(answers).outcome);
  }
  idle_commands_ = 0;
  return end_transaction(out);
}

Session::Next Session::end_transaction(std::string& out) {
  transaction_.reset();
  mode_ = Mode::command;
  if (context_.draining) return hang_up(reply::kStopping, "stopping", out);
  return Next::read;
}

Session::Next Session::start_tls(bool more_input, std::string& out) {
  if (!client_.tls.empty()) return refuse(reply::kTlsAlready, out);
  if (!starttls_) return refuse(reply::kNoTls, out);
  // RFC 3207 §6: what a third party put behind the command must not be taken for what came under TLS.
  if (more_input) return hang_up(reply::kPlaintextAfterStartTls, "plaintext_after_starttls", out);
  out.append(reply::kReadyForTls);
  return Next::start_tls;
}

void Session::tls_started(std::string description) {
  transaction_.reset();
  client_.tls = std::move(description);
  client_.helo.clear();
  greeted_ = false;
  extended_ = false;
}

void Session::time_out(std::string& out) {
  if (mode_ == Mode::closed) return;
  const bool faulty = mode_ == Mode::data && transaction_->reader->fault() == ContentFault::bare_line_end;
  if (faulty) {  // most likely waits for an answer to an end that was none
    static_cast<void>(refuse_content(ContentFault::bare_line_end, out));
    return;
  }
  static_cast<void>(hang_up(reply::kTimeout, "timeout", out));
}

void Session::say_stopping(std::string& out) {
  if (mode_ != Mode::closed) static_cast<void>(hang_up(reply::kStopping, "stopping", out));
}

void Session::lost() {
  if (phase() == Phase::content && transaction_) count_message("lost");
  transaction_.reset();
  mode_ = Mode::closed;
}

Session::Next Session::refuse(std::string_view text, std::string& out) {
  if (++errors_ > limits().errors_max) return hang_up(reply::kTooManyErrors, "too_many_errors", out);
  count_refused("command");
  out.append(text);
  return Next::read;
}

Session::Next Session::hang_up(std::string_view text, std::string_view reason, std::string& out) {
  out.append(text);
  if (!reason.empty()) count_refused(reason);
  transaction_.reset();
  mode_ = Mode::closed;
  return Next::close;
}

void Session::count_message(std::string_view outcome) const {
  if (context_.hooks.message) context_.hooks.message(outcome);
}

void Session::count_refused(std::string_view reason) const {
  if (context_.hooks.refused) context_.hooks.refused(reason);
}

// RFC 3848, RFC 6531 §4.3.
std::string Session::protocol() const {
  const bool tls = !client_.tls.empty();
  if (transaction_->smtputf8) {
    return std::string(dialect_ == Dialect::lmtp ? "UTF8LMTP" : "UTF8SMTP") + (tls ? "S" : "");
  }
  if (dialect_ == Dialect::lmtp) return tls ? "LMTPS" : "LMTP";
  if (!extended_) return "SMTP";
  return tls ? "ESMTPS" : "ESMTP";
}

}  // namespace countersign::inbound::smtp
