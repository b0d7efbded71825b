// The relay client against relays that other people wrote.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interop/relay_process.hpp"
#include "provider/smtp/smtp_transport.hpp"

namespace countersign::test {
namespace {

using provider::HandOver;
using provider::Phase;
using provider::Reply;
using provider::Verdict;
using provider::smtp::RelayOptions;
using provider::smtp::SmtpTransport;
using provider::smtp::TlsMode;

constexpr std::string_view kHeader =
    "From: Agent <agent@here.example>\r\nTo: b@there.example\r\nSubject: interop\r\n"
    "Date: Mon, 23 Nov 2026 13:45:00 +0000\r\nMessage-ID: <m1@here.example>\r\nMIME-Version: 1.0\r\n";

std::string in_maildir(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool line_end = raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n';
    if (!line_end) out += raw[i];
  }
  return out;
}

// Only header fields of the relay's own may stand in front of what was sent.
bool is_trace(std::string_view header) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find('\n'), header.size() - 1);
    const std::string_view line = header.substr(0, end);
    const bool known = line.starts_with("Return-Path:") || line.starts_with("X-Original-To:") ||
                       line.starts_with("Delivered-To:") || line.starts_with("Received:") ||
                       line.starts_with('\t') || line.starts_with(' ');
    if (!known) return false;
    header.remove_prefix(end + 1);
  }
  return true;
}

MATCHER_P(IsTheMessage, raw, "") {
  const std::string expected = in_maildir(raw);
  const std::string& received = arg;
  return received.ends_with(expected) &&
         is_trace(std::string_view(received).substr(0, received.size() - expected.size()));
}

/// The relays, each started when a test first needs it and stopped at the end.
class RunningRelays : public testing::Environment {
 public:
  struct Running {
    explicit Running(const std::string& script) : relay(script) {}
    RelayProcess relay;
    std::size_t seen = 0;  // messages that tests have looked at
  };
  Running& use(const std::string& script) {
    auto& running = running_[script];
    if (!running) running = std::make_unique<Running>(script);
    return *running;
  }
  void TearDown() override { running_.clear(); }

 private:
  std::map<std::string, std::unique_ptr<Running>> running_;
};

RunningRelays& relays() {
  static auto* const environment = new RunningRelays;  // owned by GoogleTest
  static const auto* const added = testing::AddGlobalTestEnvironment(environment);
  static_cast<void>(added);
  return *environment;
}

class Interop : public testing::Test {
 protected:
  explicit Interop(const std::string& script) : running_(relays().use(script)), relay_(&running_.relay) {}

  [[nodiscard]] RelayOptions options() const {
    RelayOptions out;
    out.host = relay_->host;
    out.port = relay_->port;
    out.tls_ca_file = relay_->ca_file;
    out.username = relay_->username;
    out.password = relay_->password;
    out.helo_name = "client.test";
    out.tls = relay_->ca_file.empty() ? TlsMode::none : TlsMode::starttls;
    return out;
  }
  static HandOver message(std::vector<std::string> recipients, std::string raw) {
    HandOver out;
    out.submission = "sub_1";
    out.key = "msg_1";
    out.envelope_from = "agent@here.example";
    out.recipients = std::move(recipients);
    out.raw = std::make_shared<const std::string>(std::move(raw));
    return out;
  }
  static std::string text_message(const std::string& text) {
    return std::string(kHeader) +
           "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text;
  }
  static std::vector<Reply> send_all(const RelayOptions& relay, std::vector<HandOver> messages,
                                     bool lease = true) {
    boost::asio::io_context io;
    SmtpTransport transport(io.get_executor(), relay);
    std::vector<Reply> replies;
    for (HandOver& each : messages) {
      provider::Fence fence = [lease]() -> boost::asio::awaitable<bool> { co_return lease; };
      auto work = transport.hand_over(std::move(each), std::move(fence));
      boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr failed, Reply reply) {
        if (failed) std::rethrow_exception(failed);
        replies.push_back(std::move(reply));
      });
    }
    while (replies.size() < messages.size()) io.run_one();
    boost::asio::co_spawn(io, transport.drain(), boost::asio::detached);
    io.run();
    return replies;
  }
  static Reply send(const RelayOptions& relay, HandOver message, bool lease = true) {
    std::vector<HandOver> one;
    one.push_back(std::move(message));
    return send_all(relay, std::move(one), lease).front();
  }
  /// The messages that arrived since the last call.
  std::vector<std::string> arrivals(std::size_t count) {
    std::vector<std::string> all = relay_->wait_for_mail(running_.seen + count);
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(running_.seen));
    running_.seen += count;
    return all;
  }

  RunningRelays::Running& running_;
  RelayProcess* relay_;
};

/// What holds for every relay. The parameter is the script that runs it.
class SmtpInterop : public Interop, public testing::WithParamInterface<std::string> {
 protected:
  SmtpInterop() : Interop(GetParam()) {}
};

/// What takes TLS, AUTH or SMTPUTF8.
class PostfixInterop : public Interop {
 protected:
  PostfixInterop() : Interop("postfix_relay.py") {}
};

TEST_P(SmtpInterop, AMessageArrivesAsItWas) {
  const std::string raw = text_message("Hello,\r\n\r\n\r\nbye\r\n");
  const Reply reply = send(options(), message({"b@there.example"}, raw));
  EXPECT_EQ(reply.verdict, Verdict::accepted) << reply.text;
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(reply.enhanced, "2.0.0");
  const auto mails = arrivals(1);
  EXPECT_THAT(mails[0], IsTheMessage(raw));
  EXPECT_THAT(mails[0], testing::StartsWith("Return-Path: <agent@here.example>\n"));
  ASSERT_FALSE(reply.provider_message_id.empty());
  EXPECT_THAT(mails[0], testing::HasSubstr(" id " + reply.provider_message_id));
}

TEST_F(PostfixInterop, TheMailSaysThatItCameThroughTlsWithAuth) {
  EXPECT_EQ(send(options(), message({"b@there.example"}, text_message("x\r\n"))).verdict, Verdict::accepted);
  EXPECT_THAT(arrivals(1)[0], testing::HasSubstr("with ESMTPSA id "));
}

TEST_F(PostfixInterop, ImplicitTlsWorksToo) {
  RelayOptions relay = options();
  relay.port = relay_->port_tls;
  relay.tls = TlsMode::implicit;
  const std::string raw = text_message("implicit\r\n");
  EXPECT_EQ(send(relay, message({"b@there.example"}, raw)).verdict, Verdict::accepted);
  EXPECT_THAT(arrivals(1)[0], IsTheMessage(raw));
}

TEST_P(SmtpInterop, DotsAndEightBitTextSurvive) {
  const std::string raw = text_message(
      ".\r\n..\r\n.a\r\n\r\n.\r\n\r\ngr\xc3\xbc\xc3\x9f"
      "e \xe2\x82\xac\r\n.\r\n");
  EXPECT_EQ(send(options(), message({"b@there.example"}, raw)).verdict, Verdict::accepted);
  EXPECT_THAT(arrivals(1)[0], IsTheMessage(raw));
}

TEST_F(PostfixInterop, ARecipientOutsideAsciiIsReachedWithSmtpUtf8) {
  HandOver utf8 = message({"gr\xc3\xbc\xc3\x9f"
                           "e@there.example"},
                          text_message("x\r\n"));
  utf8.needs_smtputf8 = true;
  EXPECT_EQ(send(options(), std::move(utf8)).verdict, Verdict::accepted);
  const std::string mail = arrivals(1)[0];
  EXPECT_THAT(mail, IsTheMessage(text_message("x\r\n")));
  EXPECT_THAT(mail, testing::HasSubstr("\nDelivered-To: gr\xc3\xbc\xc3\x9f"
                                       "e@there.example\n"));
  EXPECT_THAT(mail, testing::HasSubstr("UTF8SMTPSA"));
}

TEST_P(SmtpInterop, FiveMegabytesArriveWhole) {
  std::string text;
  for (int line = 0; text.size() < 5'000'000; ++line) {
    text += (line % 7 == 0 ? "." : "") + std::to_string(line) + std::string(60, 'x') + "\r\n";
  }
  const std::string raw = text_message(text);
  EXPECT_EQ(send(options(), message({"b@there.example"}, raw)).verdict, Verdict::accepted);
  EXPECT_TRUE(testing::Value(arrivals(1)[0], IsTheMessage(raw)));
}

TEST_P(SmtpInterop, AMessageLargerThanAnnouncedIsNotEvenStarted) {
  const Reply reply =
      send(options(), message({"b@there.example"}, text_message(std::string(20'000'001, 'x'))));
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(reply.enhanced, "5.3.4");
}

TEST_P(SmtpInterop, ManyMessagesShareFewConnections) {
  constexpr std::size_t kMessages = 40;
  RelayOptions relay = options();
  relay.connections_max = 2;
  const std::size_t connections_before = relay_->connections();
  std::vector<HandOver> messages;
  for (std::size_t i = 0; i < kMessages; ++i) {
    messages.push_back(message({"b@there.example"}, text_message(std::to_string(i) + "\r\n")));
  }
  for (const Reply& reply : send_all(relay, std::move(messages))) EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(arrivals(kMessages).size(), kMessages);
  EXPECT_EQ(relay_->connections() - connections_before, 2U);
}

TEST_P(SmtpInterop, EachRecipientGetsItsOwnAnswer) {
  const std::string raw = text_message("to three\r\n");
  const Reply reply =
      send(options(), message({"gone@there.example", "b@there.example", "busy@there.example"}, raw));
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  ASSERT_EQ(reply.recipients.size(), 2U);
  EXPECT_EQ(reply.recipients[0].verdict, Verdict::refused);
  EXPECT_EQ(reply.recipients[0].enhanced, "5.1.1");
  EXPECT_EQ(reply.recipients[1].verdict, Verdict::deferred);
  EXPECT_EQ(reply.recipients[1].code, 450);
  EXPECT_THAT(arrivals(1)[0], IsTheMessage(raw));
  EXPECT_EQ(send(options(), message({"gone@there.example"}, raw)).verdict, Verdict::refused);
  EXPECT_EQ(send(options(), message({"busy@there.example"}, raw)).verdict, Verdict::deferred);
}

TEST_F(PostfixInterop, WrongCredentialsAndStrangeCertificatesAreFaultsOfTheSession) {
  RelayOptions wrong = options();
  wrong.password = "wrong";
  const Reply refused = send(wrong, message({"b@there.example"}, text_message("x\r\n")));
  EXPECT_EQ(refused.verdict, Verdict::session_fault);
  EXPECT_EQ(refused.phase, Phase::auth);
  EXPECT_EQ(refused.code, 535);
  RelayOptions system = options();
  system.tls_ca_file.clear();
  const Reply untrusted = send(system, message({"b@there.example"}, text_message("x\r\n")));
  EXPECT_EQ(untrusted.verdict, Verdict::session_fault);
  EXPECT_EQ(untrusted.phase, Phase::tls);
}

TEST_P(SmtpInterop, AtALostLeaseTheRelayKeepsNothing) {
  HandOver lost = message({"b@there.example"}, text_message("never\r\n"));
  EXPECT_EQ(send(options(), std::move(lost), false).verdict, Verdict::lost_lease);
  const std::string raw = text_message("the next one\r\n");
  EXPECT_EQ(send(options(), message({"b@there.example"}, raw)).verdict, Verdict::accepted);
  EXPECT_THAT(arrivals(1)[0], IsTheMessage(raw)) << "and not the one before";
}

INSTANTIATE_TEST_SUITE_P(Relays, SmtpInterop, testing::Values(COUNTERSIGN_RELAYS),
                         [](const auto& relay) { return relay.param.substr(0, relay.param.find('_')); });

}  // namespace
}  // namespace countersign::test
