// What a client says to the SMTP receiver, whole and in pieces: the same answers, no end that is not one, and
// no memory left behind. libFuzzer's entry; the sanitizers and the assertions below are the judges.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "inbound/smtp/session.hpp"

namespace {

using namespace countersign::inbound;
using smtp::Session;

struct Played {
  std::string out;
  std::string contents;
  friend bool operator==(const Played&, const Played&) = default;
};

smtp::ReceiverOptions small_limits() {
  smtp::ReceiverOptions options;
  options.host_name = "mx.example";
  options.limits.message_bytes_max = 2000;
  options.limits.header_bytes_max = 500;
  options.limits.text_line_bytes_max = 300;
  options.limits.drained_bytes_max = 1000;
  options.limits.recipients_max = 3;
  options.limits.command_bytes_max = 128;
  options.limits.transactions_max = 8;
  return options;
}

RecipientAnswer known(const std::string& address) {
  switch (address.front()) {
    case 'u':
      return RecipientAnswer::unknown;
    case 'f':
      return RecipientAnswer::over_quota;
    case 'd':
      return RecipientAnswer::unavailable;
    default:
      return RecipientAnswer::ok;
  }
}

// Only CR LF ends lines of what is accepted.
void expect_line_ends(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n') CS_ASSERT(i > 0 && content[i - 1] == '\r');
    if (content[i] == '\r') CS_ASSERT(i + 1 < content.size() && content[i + 1] == '\n');
  }
}

Session::Next accept(Session& session, Played& played) {
  const smtp::ReceivedMessage message = session.message();
  expect_line_ends(*message.content);
  CS_ASSERT(message.content->size() <= 2000 && !message.envelope.recipients.empty());
  played.contents.append(message.envelope.mail_from).append(1, '>').append(*message.content).append(1, '\0');
  std::vector<AcceptAnswer> answers;
  for (const std::string& to : message.envelope.recipients) {
    answers.push_back(to.size() % 2 == 0 ? AcceptAnswer::taken : AcceptAnswer::over_quota);
  }
  return session.message_answer(answers, played.out);
}

// False: the session has ended.
bool feed(Session& session, std::string_view piece, Played& played) {
  for (;;) {
    switch (session.advance(piece, played.out)) {
      case Session::Next::read:
        CS_ASSERT(piece.empty());
        return true;
      case Session::Next::ask_recipient:
        if (session.recipient_answer(known(session.recipient_in_question()), played.out) ==
            Session::Next::close) {
          return false;
        }
        break;
      case Session::Next::accept:
        if (accept(session, played) == Session::Next::close) return false;
        break;
      case Session::Next::start_tls:  // not offered here: what follows it depends on the cut
        CS_ASSERT(false);
        break;
      case Session::Next::close:
        return false;
    }
  }
}

Played play(std::string_view input, std::size_t piece_bytes, smtp::Dialect dialect) {
  static const smtp::ReceiverOptions options = small_limits();
  static const smtp::ReceiverHooks hooks;
  static const std::atomic<bool> draining = false;
  smtp::ContentBudget budget(1'000'000);
  const smtp::SessionContext context{options, hooks, budget, draining};
  Played played;
  {
    Session session(context, dialect, {}, false);
    bool open = true;
    while (open && !input.empty()) {
      const std::string_view piece = input.substr(0, piece_bytes);
      input.remove_prefix(piece.size());
      open = feed(session, piece, played);
    }
    session.time_out(played.out);
    session.lost();
  }
  CS_ASSERT(budget.used() == 0);
  return played;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto dialect = (data[0] & 1U) != 0 ? smtp::Dialect::lmtp : smtp::Dialect::smtp;
  const std::size_t piece_bytes = 1 + (data[0] >> 1U) % 40;
  const Played whole = play(input, input.size() + 1, dialect);
  CS_ASSERT(play(input, piece_bytes, dialect) == whole);
  return 0;
}
