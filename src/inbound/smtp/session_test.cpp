// Sessions as strings: golden transcripts, each also replayed cut at every byte; the smuggling corpus;
// limits.
//
// testdata/smtp/NAME.in holds what a client sends, one line each: \r, \n, \0, \t, \\ and \xHH stand for
// bytes, and nothing is added at the end of a line. Lines that start with # are comments; `#:` lines set the
// stage (lmtp, tls, starttls, limits). NAME.out is what the session answers, followed by what it handed over.
#include "inbound/smtp/session.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "inbound/smtp/reply.hpp"

namespace countersign::inbound::smtp {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A receiver without sockets: a session, what it is fed, and what it answers.
class Stage {
 public:
  Stage() {
    options_.host_name = "mx.example";
    hooks_.message = [this](std::string_view outcome) { note("message: ", outcome); };
    hooks_.refused = [this](std::string_view reason) { note("refused: ", reason); };
  }

  void set(std::string_view line) {
    std::istringstream words{std::string(line)};
    std::string name;
    std::uint64_t value = 0;
    words >> name;
    if (name == "lmtp") dialect_ = Dialect::lmtp;
    if (name == "tls") tls_ = true;
    if (name == "starttls") starttls_ = true;
    if (name == "draining") draining_ = true;
    if (name == "budget" && words >> value) budget_bytes_ = value;
    const std::map<std::string, std::function<void(std::uint64_t)>, std::less<>> limits{
        {"message_bytes_max", [this](std::uint64_t n) { options_.limits.message_bytes_max = n; }},
        {"recipients_max", [this](std::uint64_t n) { options_.limits.recipients_max = n; }},
        {"text_line_bytes_max", [this](std::uint64_t n) { options_.limits.text_line_bytes_max = n; }},
        {"header_bytes_max", [this](std::uint64_t n) { options_.limits.header_bytes_max = n; }},
        {"errors_max", [this](std::uint64_t n) { options_.limits.errors_max = n; }},
        {"refused_recipients_max", [this](std::uint64_t n) { options_.limits.refused_recipients_max = n; }},
        {"put_off_recipients_max", [this](std::uint64_t n) { options_.limits.put_off_recipients_max = n; }},
        {"idle_commands_max", [this](std::uint64_t n) { options_.limits.idle_commands_max = n; }},
        {"transactions_max", [this](std::uint64_t n) { options_.limits.transactions_max = n; }},
        {"chunks_max", [this](std::uint64_t n) { options_.limits.chunks_max = n; }},
        {"drained_bytes_max", [this](std::uint64_t n) { options_.limits.drained_bytes_max = n; }}};
    if (const auto limit = limits.find(name); limit != limits.end() && words >> value) limit->second(value);
  }

  // The answers to `pieces`, fed one after another as a connection would.
  std::string play(const std::vector<std::string_view>& pieces) {
    ContentBudget budget(budget_bytes_);
    const std::atomic<bool> draining = draining_;
    const SessionContext context{options_, hooks_, budget, draining};
    notes_.clear();
    std::string out;
    {
      Session session(context, dialect_, boost::asio::ip::make_address("192.0.2.1"), starttls_);
      if (tls_) session.tls_started("TLSv1.3 TLS_AES_256_GCM_SHA384");
      session.greet(out);
      bool open = true;
      for (std::string_view piece : pieces) {
        if (open) open = feed(session, piece, out);
      }
      if (open) session.time_out(out);
      session.lost();
    }
    EXPECT_EQ(budget.used(), 0U);
    return out + notes_;
  }

 private:
  bool feed(Session& session, std::string_view piece, std::string& out) {
    for (;;) {
      switch (session.advance(piece, out)) {
        case Session::Next::read:
          EXPECT_TRUE(piece.empty());
          return true;
        case Session::Next::ask_recipient:
          if (session.recipient_answer(known(session.recipient_in_question()), out) == Session::Next::close) {
            return false;
          }
          break;
        case Session::Next::accept:
          if (!accept(session, out)) return false;
          break;
        case Session::Next::start_tls:
          EXPECT_TRUE(piece.empty()) << "clear text behind STARTTLS";
          session.tls_started("TLSv1.3 TLS_AES_256_GCM_SHA384");
          note("handshake", "");
          break;
        case Session::Next::close:
          return false;
      }
    }
  }

  static RecipientAnswer known(const std::string& address) {
    if (address.starts_with("unknown")) return RecipientAnswer::unknown;
    if (address.starts_with("full")) return RecipientAnswer::over_quota;
    return address.starts_with("down") ? RecipientAnswer::unavailable : RecipientAnswer::ok;
  }

  bool accept(Session& session, std::string& out) {
    const ReceivedMessage message = session.message();
    const Envelope& envelope = message.envelope;
    note("from: ", envelope.mail_from + (envelope.smtputf8 ? " (SMTPUTF8)" : ""));
    std::vector<AcceptAnswer> answers;
    for (const std::string& to : envelope.recipients) {
      note("to: ", to);
      answers.push_back(to.starts_with("gone")       ? AcceptAnswer::unknown
                        : to.starts_with("loop")     ? AcceptAnswer::refused
                        : to.starts_with("late")     ? AcceptAnswer::over_quota
                        : to.starts_with("unstored") ? AcceptAnswer::unavailable
                                                     : AcceptAnswer::taken);
    }
    note("by: ", envelope.client.protocol + " " + envelope.client.helo + " " + envelope.client.tls);
    note("content: ", escaped(*message.content));
    return session.message_answer(answers, out) == Session::Next::read;
  }

  static std::string escaped(std::string_view bytes) {
    if (bytes.size() > 200) return std::to_string(bytes.size()) + " bytes";
    std::string text;
    for (const char c : bytes) {
      const bool plain = c >= ' ' && c <= '~' && c != '\\';
      text += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return text;
  }

  void note(std::string_view what, std::string_view value) {
    notes_.append("* ").append(what).append(value).append("\n");
  }

  ReceiverOptions options_;
  ReceiverHooks hooks_;
  Dialect dialect_ = Dialect::smtp;
  std::uint64_t budget_bytes_ = 1024 * 1024;
  bool tls_ = false;
  bool starttls_ = false;
  bool draining_ = false;
  std::string notes_;
};

std::string unescaped(std::string_view line) {
  std::string bytes;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      bytes += line[i];
      continue;
    }
    const char sign = line[++i];
    if (sign == 'x') {
      bytes += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      bytes += sign == 'r' ? '\r' : sign == 'n' ? '\n' : sign == 't' ? '\t' : sign == '0' ? '\0' : sign;
    }
  }
  return bytes;
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Script {
  Stage stage;
  std::string input;

  explicit Script(const std::filesystem::path& path) {
    std::istringstream lines(file_text(path));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#:")) stage.set(line.substr(2));
      if (!line.starts_with("#")) input += unescaped(line);
    }
  }
};

const std::filesystem::path kScripts = "src/inbound/testdata/smtp";

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, IsAnsweredAsWritten) {
  Script script(kScripts / (GetParam() + ".in"));
  const std::string answered = script.stage.play({script.input});
  const auto golden = kScripts / (GetParam() + ".out");
  std::string text;
  for (const char c : answered) {
    if (c != '\r') text += c;
  }
  if (std::getenv("COUNTERSIGN_UPDATE_GOLDEN") != nullptr) std::ofstream(golden, std::ios::binary) << text;
  EXPECT_EQ(text, file_text(golden));
  EXPECT_THAT(script.input, Not(IsEmpty()));
}

TEST_P(Transcript, IsAnsweredTheSameCutAtEveryByte) {
  Script script(kScripts / (GetParam() + ".in"));
  const std::string_view input = script.input;
  const std::string whole = script.stage.play({input});
  std::vector<std::string_view> bytes;
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    ASSERT_EQ(script.stage.play({input.substr(0, cut), input.substr(cut)}), whole) << "cut at " << cut;
    bytes.push_back(input.substr(cut, 1));
  }
  EXPECT_EQ(script.stage.play(bytes), whole) << "byte by byte";
}

std::vector<std::string> transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kScripts)) {
    if (entry.path().extension() == ".in") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Golden, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& info) { return info.param; });

// The forms by which one server's end of data was another's content (SMTP smuggling, 2023), and their
// relatives.
constexpr std::array<std::string_view, 22> kSmuggling{
    "\n.\n",       "\r.\r",       "\n.\r\n",     "\r\n.\n",       "\r\n.\r",       "\r.\r\n",
    "\r.\n",       "\n.\r",       "\n\n.\r\n",   "\r\r\n.\n",     "\r\n.\r\r\n",   "\n\r.\r\n",
    "\r\n\r.\r\n", "\r\n.\n\r\n", "\r\n.\r\n\n", "\n\r\n.\r\r\n", "\r\n\n.\n\r\n", "\r\r.\r\r",
    "\n.\n\r",     "\r\n..\n",    "\r\n..\r",    "\r\n.\r.\r\n"};

TEST(Smuggling, NoOtherFormThanCrLfDotCrLfEndsAMessage) {
  for (const std::string_view form : kSmuggling) {
    if (form == "\r\n.\r\n\n") continue;  // ends it; see below
    const std::string first =
        "EHLO c\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<agent@mx.example>\r\nDATA\r\none";
    const std::string inner =
        "MAIL FROM:<forged@bank.example>\r\nRCPT TO:<agent@mx.example>\r\nDATA\r\nforged\r\n.\r\n";
    Stage stage;
    const std::string text = stage.play({first + std::string(form) + inner});
    EXPECT_THAT(text, HasSubstr(reply::kBareLineEnd)) << testing::PrintToString(form);
    EXPECT_THAT(text, Not(HasSubstr("from: "))) << testing::PrintToString(form);
    EXPECT_THAT(text, HasSubstr("* message: bare_line_end\n")) << testing::PrintToString(form);
    EXPECT_THAT(text, Not(HasSubstr("250 2.0.0 Message"))) << testing::PrintToString(form);
  }
}

TEST(Smuggling, ALineFeedBehindTheTrueEndIsNoCommand) {
  Stage stage;
  const std::string text = stage.play(
      {"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<agent@mx.example>\r\nDATA\r\none\r\n.\r\n\nMAIL FROM:<>\r\n"});
  EXPECT_THAT(text, HasSubstr("250 2.0.0 Message stored\r\n500 5.5.2 "));
  EXPECT_THAT(text,
              Not(HasSubstr("Sender ok\r\n250 2.1.5 Recipient ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n"
                            "250 2.0.0 Message stored\r\n250")));
}

TEST(Smuggling, WhoWaitsForAnAnswerToAFalseEndIsToldWhy) {
  Stage stage;
  const std::string text = stage.play(
      {"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<agent@mx.example>\r\nDATA\r\nSubject: x\n\nhello\n.\n"});
  EXPECT_THAT(text, HasSubstr(reply::kBareLineEnd));
  EXPECT_THAT(text, Not(HasSubstr("421")));
}

TEST(Smuggling, ChunksWithBareLineEndsAreRefusedToo) {
  for (const std::string_view content : {"a\nb", "a\rb", "a\r", "\n", "a\r\r\n"}) {
    Stage stage;
    const std::string text =
        stage.play({"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<agent@mx.example>\r\nBDAT " +
                    std::to_string(content.size()) + " LAST\r\n" + std::string(content)});
    EXPECT_THAT(text, HasSubstr(reply::kBareLineEnd)) << testing::PrintToString(content);
  }
}

TEST(Smuggling, CommandLinesEndWithCrLfOnly) {
  for (const std::string_view line : {"NOOP\n", "NOOP\r\r\n", "NO\rOP\r\n", "\rNOOP\r\n", "NOOP\n\r\n",
                                      "MAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\r\n"}) {
    Stage stage;
    const std::string text = stage.play({"EHLO c\r\n" + std::string(line) + "NOOP\r\n"});
    EXPECT_THAT(text, HasSubstr(reply::kBadLineEnd)) << testing::PrintToString(line);
    EXPECT_THAT(text, Not(HasSubstr("250 2."))) << testing::PrintToString(line);
  }
  Stage stage;
  EXPECT_THAT(stage.play({std::string("NOOP a\0b\r\n", 10)}), HasSubstr(reply::kBadLineEnd));
}

TEST(SessionTest, NothingMayFollowStartTlsInClear) {
  Stage stage;
  stage.set("starttls");
  const std::string text = stage.play({"EHLO c\r\nSTARTTLS\r\nMAIL FROM:<evil@c.example>\r\n"});
  EXPECT_THAT(text, HasSubstr(reply::kPlaintextAfterStartTls));
  EXPECT_THAT(text, Not(HasSubstr("handshake")));
}

TEST(SessionTest, AClientThatNeverEndsIsNotListenedToForEver) {
  Stage stage;
  stage.set("message_bytes_max 1000");
  stage.set("drained_bytes_max 1000");
  const std::string start = "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<agent@mx.example>\r\n";
  const std::string flood = stage.play({start + "DATA\r\n", std::string(3000, 'x')});
  EXPECT_THAT(flood, HasSubstr(reply::kFlood));
  const std::string chunk = stage.play({start + "BDAT 18446744073709551615 LAST\r\n"});
  EXPECT_THAT(chunk, HasSubstr(reply::kFlood));
  const std::string line = stage.play({std::string(200'000, 'x')});
  EXPECT_THAT(line, HasSubstr(reply::kLineTooLong));
}

TEST(SessionTest, ContentThatFindsNoRoomIsAskedForAgain) {
  Stage stage;
  stage.set("budget 10000");
  const std::string start = "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<agent@mx.example>\r\n";
  const std::string text =
      stage.play({start + "DATA\r\nA: b\r\n\r\n" + std::string(20'000, 'x') + "\r\n.\r\nNOOP\r\n"});
  EXPECT_THAT(text, HasSubstr("452 4.3.1 No room for this message now, try again later\r\n250 2.0.0 Ok\r\n"));
  EXPECT_THAT(text, HasSubstr("* message: no_room\n"));
}

}  // namespace
}  // namespace countersign::inbound::smtp
