// The receiver over real sockets: mail comes in, and clients of every kind are answered.
#include "inbound/smtp/receiver.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "inbound/smtp/receiver_fixture.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_certificates.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kHello = "EHLO client.example\r\n";
constexpr std::string_view kMail = "MAIL FROM:<a@client.example>\r\n";
constexpr std::string_view kRcpt = "RCPT TO:<agent@mx.example>\r\n";

// Whether the server reads on within a moment.
bool eventually_writable(int socket) {
  pollfd wanted{.fd = socket, .events = POLLOUT, .revents = 0};
  return ::poll(&wanted, 1, 500) > 0;
}

std::string envelope() { return std::string(kMail) + std::string(kRcpt) + "DATA\r\n"; }

TEST_F(ReceiverTest, AMessageArrivesAsItWasSent) {
  start();
  SmtpClient client = connect();
  EXPECT_EQ(client.reply(), "220 mx.example ESMTP Countersign");
  EXPECT_THAT(client.say(kHello), HasSubstr("250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"));
  EXPECT_EQ(client.say(kMail), "250 2.1.0 Sender ok");
  EXPECT_EQ(client.say(kRcpt), "250 2.1.5 Recipient ok");
  EXPECT_THAT(client.say("DATA\r\n"), StartsWith("354 "));
  EXPECT_EQ(client.say("Subject: x\r\n\r\n..dot\r\n\xff\r\n.\r\n"), "250 2.0.0 Message stored");
  EXPECT_EQ(client.say("QUIT\r\n"), "221 2.0.0 Bye");
  EXPECT_EQ(client.rest(), "");
  const auto kept = intake_.kept();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].content, "Subject: x\r\n\r\n.dot\r\n\xff\r\n");
  EXPECT_EQ(kept[0].envelope.mail_from, "a@client.example");
  EXPECT_THAT(kept[0].envelope.recipients, ElementsAre("agent@mx.example"));
  EXPECT_EQ(kept[0].envelope.client.helo, "client.example");
  EXPECT_EQ(kept[0].envelope.client.protocol, "ESMTP");
  EXPECT_EQ(kept[0].envelope.client.address.to_string(), "127.0.0.1");
  EXPECT_EQ(kept[0].envelope.client.tls, "");
  EXPECT_THAT(messages(), ElementsAre("taken"));
}

TEST_F(ReceiverTest, AWholeSessionInOnePieceIsAnsweredWhenTheClientClosedItsSide) {
  start();
  SmtpClient client = connect();
  client.send(std::string(kHello) + envelope() + "one\r\n.\r\n" + envelope() + "two\r\n.\r\nQUIT\r\n");
  client.half_close();
  const std::string replies = client.rest();
  EXPECT_THAT(replies, HasSubstr("221 2.0.0 Bye\r\n"));
  EXPECT_THAT(intake_.kept(), SizeIs(2));
}

TEST_F(ReceiverTest, TwentyFiveMegabytesArriveUnchanged) {
  options_.limits.message_bytes_max = 26 * 1024 * 1024;
  start();
  std::string content = "Subject: large\r\n\r\n";
  for (int i = 0; content.size() < 25 * 1024 * 1024; ++i)
    content += std::to_string(i) + " some line of text\r\n";
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  EXPECT_THAT(client.say("MAIL FROM:<> SIZE=" + std::to_string(content.size()) + "\r\n"), StartsWith("250 "));
  client.say(kRcpt);
  client.say("DATA\r\n");
  client.send(content);
  EXPECT_EQ(client.say(".\r\n"), "250 2.0.0 Message stored");
  ASSERT_THAT(intake_.kept(), SizeIs(1));
  EXPECT_TRUE(intake_.kept()[0].content == content);
  EXPECT_EQ(receiver_->content_bytes_in_flight(), 0U);
}

TEST_F(ReceiverTest, EverythingIsAnsweredOneByOneOverAWireThatSendsSingleBytes) {
  start();
  SmtpClient client = connect();
  client.reply();
  const std::string text = std::string(kHello) + envelope() + "one\r\n.\r\nQUIT\r\n";
  for (const char& byte : text) client.send({&byte, 1});
  EXPECT_THAT(client.rest(), HasSubstr("250 2.0.0 Message stored\r\n221 2.0.0 Bye\r\n"));
}

TEST_F(ReceiverTest, AStoreThatIsAwayIs451AndTheSessionGoesOn) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say(kMail);
  EXPECT_THAT(client.say("RCPT TO:<broken@mx.example>\r\n"), StartsWith("451 4.3.0 "));
  EXPECT_THAT(client.say("RCPT TO:<burst@mx.example>\r\n"), StartsWith("250 "));
  client.say("DATA\r\n");
  EXPECT_THAT(client.say("x\r\n.\r\n"), StartsWith("451 4.3.0 "));
  EXPECT_THAT(client.say("NOOP\r\n"), StartsWith("250 "));
  EXPECT_THAT(intake_.kept(), IsEmpty());
}

TEST_F(ReceiverTest, LmtpOverAUnixSocketAnswersForEachRecipient) {
  const TemporaryDirectory folder;
  options_.listeners[0].dialect = inbound::smtp::Dialect::lmtp;
  options_.listeners[0].unix_path = (folder.path() / "lmtp").string();
  start();
  SmtpClient client(options_.listeners[0].unix_path);
  EXPECT_EQ(client.reply(), "220 mx.example LMTP Countersign");
  EXPECT_THAT(client.say("LHLO me\r\n"), StartsWith("250-"));
  client.say(kMail);
  client.say(kRcpt);
  client.say("RCPT TO:<gone@mx.example>\r\n");
  client.say("DATA\r\n");
  EXPECT_THAT(client.say("x\r\n.\r\n"), StartsWith("250 "));
  EXPECT_THAT(client.reply(), StartsWith("550 5.1.1 "));
  EXPECT_THAT(client.say("QUIT\r\n"), StartsWith("221 "));
}

class TlsReceiverTest : public ReceiverTest {
 protected:
  TlsReceiverTest() {
    install(first_);
    options_.tls_certificate_file = (folder_.path() / "cert.pem").string();
    options_.tls_key_file = (folder_.path() / "key.pem").string();
  }
  // As a renewal does: written beside, then put in place.
  void install(const TestCertificates& certificates) {
    replace(certificates.certificate_file(), "cert.pem");
    replace(certificates.key_file(), "key.pem");
  }
  void replace(const std::filesystem::path& from, const std::string& name) {
    const auto beside = folder_.path() / (name + ".new");
    std::filesystem::copy_file(from, beside);
    std::filesystem::rename(beside, folder_.path() / name);
  }
  std::string certificate_of_a_new_session() {
    SmtpClient client = connect();
    client.reply();
    client.say(kHello);
    EXPECT_THAT(client.say("STARTTLS\r\n"), StartsWith("220 "));
    if (!client.start_tls()) return "no handshake";
    return client.server_fingerprint();
  }

  const TemporaryDirectory folder_;
  const TestCertificates first_{"mx.example"};
  const TestCertificates second_{"mx.example"};
};

TEST_F(TlsReceiverTest, AfterStartTlsTheSessionBeginsAnew) {
  start();
  SmtpClient client = connect();
  client.reply();
  EXPECT_THAT(client.say(kHello), HasSubstr("250-STARTTLS\r\n"));
  client.say(kMail);
  EXPECT_EQ(client.say("STARTTLS\r\n"), "220 2.0.0 Ready to start TLS");
  ASSERT_TRUE(client.start_tls());
  EXPECT_THAT(client.say(kMail), StartsWith("503 5.5.1 "));
  EXPECT_THAT(client.say(kHello), testing::Not(HasSubstr("STARTTLS")));
  client.say(kMail);
  client.say(kRcpt);
  client.say("DATA\r\n");
  EXPECT_THAT(client.say("under tls\r\n.\r\n"), StartsWith("250 "));
  EXPECT_THAT(client.say("QUIT\r\n"), StartsWith("221 "));
  const auto kept = intake_.kept();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].envelope.client.protocol, "ESMTPS");
  EXPECT_THAT(kept[0].envelope.client.tls, StartsWith("TLSv1.3 TLS_"));
  EXPECT_THAT(handshakes(), ElementsAre("TLSv1.3"));
}

TEST_F(TlsReceiverTest, LargeMailArrivesUnchangedUnderTls) {
  start();
  std::string content = "Subject: large\r\n\r\n";
  for (int i = 0; content.size() < 4 * 1024 * 1024; ++i) content += std::to_string(i) + " line\r\n";
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say("STARTTLS\r\n");
  ASSERT_TRUE(client.start_tls());
  client.say(kHello);
  client.say(kMail);
  client.say(kRcpt);
  client.say("DATA\r\n");
  client.send(content);
  EXPECT_THAT(client.say(".\r\n"), StartsWith("250 "));
  ASSERT_THAT(intake_.kept(), SizeIs(1));
  EXPECT_TRUE(intake_.kept()[0].content == content);
}

TEST_F(TlsReceiverTest, ImplicitTlsNeedsNoCommand) {
  options_.listeners[0].implicit_tls = true;
  start();
  SmtpClient client = connect();
  ASSERT_TRUE(client.start_tls());
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  EXPECT_THAT(client.say(kHello), testing::Not(HasSubstr("STARTTLS")));
}

TEST_F(TlsReceiverTest, ANewCertificateIsUsedWithoutARestart) {
  start();
  const std::string before = certificate_of_a_new_session();
  EXPECT_EQ(certificate_of_a_new_session(), before);
  install(second_);
  timers_.skip(2s);
  const std::string after = certificate_of_a_new_session();
  EXPECT_NE(after, before);
  install(first_);
  EXPECT_TRUE(receiver_->reload_certificate());
  EXPECT_EQ(certificate_of_a_new_session(), before);
}

TEST_F(TlsReceiverTest, ACertificateThatCannotBeUsedLeavesTheOldOneInPlace) {
  start();
  const std::string before = certificate_of_a_new_session();
  std::ofstream(folder_.path() / "cert.pem") << "not a certificate";
  EXPECT_FALSE(receiver_->reload_certificate());
  timers_.skip(2s);
  EXPECT_EQ(certificate_of_a_new_session(), before);
  install(first_);
  replace(second_.key_file(), "key.pem");
  timers_.skip(2s);
  EXPECT_EQ(certificate_of_a_new_session(), before);
}

TEST_F(TlsReceiverTest, CommandsSlippedInBehindStartTlsAreNeverRun) {
  start();
  SmtpClient together = connect();
  together.reply();
  together.say(kHello);
  EXPECT_THAT(together.say("STARTTLS\r\n" + std::string(kMail)), StartsWith("554 5.7.0 "));
  EXPECT_EQ(together.rest(), "");
  SmtpClient apart = connect();  // in a segment of their own they are a broken handshake
  apart.reply();
  apart.say(kHello);
  apart.say("STARTTLS\r\n");
  apart.send(std::string(kMail) + std::string(kRcpt) + "DATA\r\n");
  EXPECT_THAT(apart.rest(), testing::Not(HasSubstr("250 ")));
  EXPECT_THAT(refusals(), Contains("plaintext_after_starttls"));
  EXPECT_TRUE(eventually([this] { return handshakes() == std::vector<std::string>{"failed"}; }));
}

TEST_F(TlsReceiverTest, AHandshakeThatStandsStillIsGivenUp) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say("STARTTLS\r\n");
  EXPECT_TRUE(everybody_leaves_in_time());
  EXPECT_EQ(client.rest(), "");
}

TEST_F(TlsReceiverTest, StoppingDoesNotWaitForAHandshake) {
  options_.listeners[0].implicit_tls = true;
  options_.timeouts.handshake = 10min;
  start();
  SmtpClient client = connect();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 1; }));
  EXPECT_TRUE(drain(5min));
  EXPECT_EQ(client.rest(), "");
}

// Clients that are slow, silent, gone, or too many.

TEST_F(ReceiverTest, SilenceIsAnsweredWith421) {
  start();
  SmtpClient client = connect();
  client.reply();
  EXPECT_TRUE(everybody_leaves_in_time());
  EXPECT_EQ(client.rest(), "421 4.4.2 Timed out waiting for you; closing\r\n");
}

TEST_F(ReceiverTest, AByteNowAndThenKeepsNoContentOpen) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say(kMail);
  client.say(kRcpt);
  client.say("DATA\r\n");
  // Every pause is shorter than what a pause may be; the whole is not.
  EXPECT_TRUE(eventually([&] {
    client.send("x");
    timers_.skip(2s);
    return receiver_->connections() == 0;
  }));
  EXPECT_EQ(client.rest(), "421 4.4.2 Timed out waiting for you; closing\r\n");
  EXPECT_EQ(receiver_->content_bytes_in_flight(), 0U);
}

TEST_F(ReceiverTest, AByteNowAndThenKeepsNoCommandOpen) {
  start();
  SmtpClient client = connect();
  client.reply();
  EXPECT_TRUE(eventually([&] {
    client.send("N");
    timers_.skip(2s);
    return receiver_->connections() == 0;
  }));
  EXPECT_EQ(client.rest(), "421 4.4.2 Timed out waiting for you; closing\r\n");
}

TEST_F(ReceiverTest, AChunkNowAndThenKeepsNoContentOpen) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say(kMail);
  client.say(kRcpt);
  EXPECT_TRUE(eventually([&] {
    client.send("BDAT 1\r\nx");
    timers_.skip(2s);
    return receiver_->connections() == 0;
  }));
  EXPECT_THAT(client.rest(), testing::EndsWith("421 4.4.2 Timed out waiting for you; closing\r\n"));
  EXPECT_EQ(receiver_->content_bytes_in_flight(), 0U);
}

TEST_F(ReceiverTest, EveryMessageOfASessionHasItsOwnTime) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.send(envelope());
  for (int replies = 0; replies < 3; ++replies) client.reply();
  // Never waits for a command: each group ends in the middle of the next message.
  for (int message = 0; message < 8; ++message) {
    client.send("x\r\n.\r\n" + envelope());
    EXPECT_EQ(client.reply(), "250 2.0.0 Message stored") << message;
    for (int replies = 0; replies < 3; ++replies) client.reply();
    timers_.skip(20s);
  }
  // Whoever is late is looked for now and then: when somebody who is has been found, so would this client be.
  SmtpClient silent = connect();
  silent.reply();
  EXPECT_TRUE(eventually([&] {
    client.send("x\r\n.\r\n" + envelope());
    for (int replies = 0; replies < 4; ++replies) client.reply();
    timers_.skip(5s);
    return receiver_->connections() == 1;
  }));
  EXPECT_EQ(silent.rest(), "421 4.4.2 Timed out waiting for you; closing\r\n");
  client.send("x\r\n.\r\n");
  EXPECT_EQ(client.reply(), "250 2.0.0 Message stored");
}

TEST_F(ReceiverTest, AClientThatNeverReadsIsHungUpOn) {
  options_.limits.idle_commands_max = 1'000'000'000;
  start();
  SmtpClient client = connect();
  std::string help;
  for (int i = 0; i < 1000; ++i) help += "HELP\r\n";
  // Until nothing fits any more: the server has stopped reading, because its replies do not go out.
  bool stuck = false;
  while (!stuck) {
    stuck = ::send(client.socket(), help.data(), help.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    stuck = stuck && !eventually_writable(client.socket());
  }
  EXPECT_EQ(receiver_->connections(), 1U);
  EXPECT_TRUE(everybody_leaves_in_time());
}

TEST_F(ReceiverTest, AClientThatGoesAwayInTheMiddleLeavesNothing) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.send(std::string(kHello) + envelope() + std::string(100'000, 'x'));
  EXPECT_TRUE(eventually([this] { return receiver_->content_bytes_in_flight() > 0; }));
  client.reset();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
  EXPECT_EQ(receiver_->content_bytes_in_flight(), 0U);
  EXPECT_THAT(messages(), ElementsAre("lost"));
  EXPECT_THAT(intake_.kept(), IsEmpty());
}

TEST_F(ReceiverTest, AMessageThatEndsWithTheConnectionIsNone) {
  start();
  SmtpClient client = connect();
  client.reply();
  client.send(std::string(kHello) + envelope() + "half of it\r\n");
  client.half_close();
  EXPECT_THAT(client.rest(), Not(HasSubstr("Message stored")));
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
  EXPECT_EQ(receiver_->content_bytes_in_flight(), 0U);
  EXPECT_THAT(messages(), ElementsAre("lost"));
  EXPECT_THAT(intake_.kept(), IsEmpty());
}

TEST_F(ReceiverTest, AClientThatGoesAwayBeforeTheAnswerDoesNotUndoTheMessage) {
  intake_.hold(true);
  start();
  SmtpClient client = connect();
  client.reply();
  client.send(std::string(kHello) + envelope() + "x\r\n.\r\n");
  intake_.wait_until_held(1);
  client.reset();
  intake_.hold(false);
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
  EXPECT_THAT(intake_.kept(), SizeIs(1));
}

TEST_F(ReceiverTest, AFloodBehindARefusalIsSwallowedSoThatTheReplyArrives) {
  options_.limits.errors_max = 2;
  start();
  SmtpClient client = connect();
  client.reply();
  std::string flood;
  for (int i = 0; i < 200'000; ++i) flood += "X\r\n";
  client.send(flood);
  EXPECT_THAT(client.rest(), HasSubstr("421 4.7.0 Too many errors; closing\r\n"));
}

TEST_F(ReceiverTest, WhoGuessesMailboxesIsHungUpOnAtOnce) {
  options_.limits.refused_recipients_max = 1;
  options_.timeouts.command = 1h;  // no deadline ends it
  start();
  SmtpClient client = connect();
  client.reply();
  client.say(kHello);
  client.say(kMail);
  EXPECT_THAT(client.say("RCPT TO:<unknown1@mx.example>\r\n"), StartsWith("550 5.1.1 "));
  client.send("RCPT TO:<unknown2@mx.example>\r\n");
  EXPECT_EQ(client.rest(), "421 4.7.0 Too many refused recipients; closing\r\n");
  EXPECT_THAT(refusals(), ElementsAre("unknown_recipient", "too_many_refused_recipients"));
}

TEST_F(ReceiverTest, WhoComesToAFullHouseIsTold) {
  options_.connections_max = 2;
  start();
  SmtpClient first = connect();
  SmtpClient second = connect();
  first.reply();
  second.reply();
  SmtpClient third = connect();
  EXPECT_EQ(third.rest(), "421 4.3.2 Too many connections, try again later\r\n");
  EXPECT_THAT(first.say("QUIT\r\n"), StartsWith("221 "));
  first.half_close();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 1; }));
  SmtpClient fourth = connect();
  EXPECT_THAT(fourth.reply(), StartsWith("220 "));
}

TEST_F(ReceiverTest, OneAddressCannotTakeAllConnections) {
  options_.connections_per_address_max = 1;
  start();
  SmtpClient first = connect();
  first.reply();
  SmtpClient second = connect();
  EXPECT_EQ(second.rest(), "421 4.7.0 Too many connections from your address\r\n");
  EXPECT_THAT(refusals(), ElementsAre("too_many_from_address"));
  first.say("QUIT\r\n");
  EXPECT_TRUE(everybody_leaves_in_time());
  SmtpClient third = connect();
  EXPECT_THAT(third.reply(), StartsWith("220 "));
}

TEST_F(ReceiverTest, ContentOfAllConnectionsTogetherIsBounded) {
  options_.content_bytes_in_flight_max = 100'000;
  start();
  SmtpClient first = connect();
  first.reply();
  first.send(std::string(kHello) + envelope() + "A: b\r\n\r\n" + std::string(60'000, 'x'));
  EXPECT_TRUE(eventually([this] { return receiver_->content_bytes_in_flight() > 60'000; }));
  SmtpClient second = connect();
  second.reply();
  second.send(std::string(kHello) + envelope() + "A: b\r\n\r\n" + std::string(60'000, 'x') + "\r\n.\r\n");
  for (int i = 0; i < 4; ++i) second.reply();
  EXPECT_THAT(second.reply(), StartsWith("452 4.3.1 "));
  EXPECT_LE(receiver_->content_bytes_in_flight(), 100'000U);
  first.send("\r\n.\r\n");
  for (int i = 0; i < 4; ++i) first.reply();
  EXPECT_THAT(first.reply(), StartsWith("250 "));
}

TEST_F(ReceiverTest, StoppingLetsATransactionFinishAndSendsIdleClientsAway) {
  start();
  SmtpClient idle = connect();
  idle.reply();
  SmtpClient busy = connect();
  busy.reply();
  busy.say(kHello);
  busy.say(kMail);
  busy.say(kRcpt);
  EXPECT_THAT(busy.say("DATA\r\n"), StartsWith("354 "));
  auto drained = std::async(std::launch::async, [this] { return drain(24h); });
  EXPECT_EQ(idle.rest(), "421 4.3.2 Server is stopping; closing\r\n");
  busy.send("last words\r\n.\r\n");
  EXPECT_EQ(busy.rest(), "250 2.0.0 Message stored\r\n421 4.3.2 Server is stopping; closing\r\n");
  EXPECT_TRUE(everybody_leaves_in_time());  // two seconds are left to clients that do not hang up
  EXPECT_TRUE(drained.get());
  EXPECT_THAT(intake_.kept(), SizeIs(1));
}

TEST_F(ReceiverTest, StoppingDoesNotWaitForEver) {
  start();
  SmtpClient busy = connect();
  busy.reply();
  busy.say(kHello);
  EXPECT_THAT(busy.say(kMail), StartsWith("250 "));
  auto drained = std::async(std::launch::async, [this] { return drain(20ms); });
  EXPECT_TRUE(eventually([&] {
    timers_.skip(20ms);
    return drained.wait_for(0s) == std::future_status::ready;
  }));
  EXPECT_FALSE(drained.get());
  EXPECT_EQ(busy.rest(), "");
}

// Kernel memory of a socket not included.
std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  status >> pages >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(ReceiverTest, TenThousandIdleConnectionsAreHeldAndStillServed) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  // Both ends are in this process.
  const std::size_t count = std::min<std::size_t>(10'000, (files.rlim_cur - 200) / 2);
  if (count < 10'000) std::cout << "only " << count << ": this process may open no more files\n";
  options_.connections_max = count + 1;
  options_.connections_per_address_max = count + 1;
  options_.timeouts.command = 1h;  // however long it takes to open them all
  start();
  std::vector<std::unique_ptr<SmtpClient>> clients;
  clients.reserve(count);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<SmtpClient>(receiver_->port()));
    ASSERT_THAT(clients.back()->reply(), StartsWith("220 ")) << i;
    ASSERT_THAT(clients.back()->say(kHello), StartsWith("250-")) << i;
  }
  EXPECT_EQ(receiver_->connections(), count);
  const std::size_t each = (resident_bytes() - before) / count;
  std::cout << count << " connections, " << each
            << " bytes each, both ends and the sanitizer's share included\n";
  EXPECT_LT(each, 64U * 1024);  // a buffer per connection would not fit in
  SmtpClient another = connect();
  another.reply();
  another.send(std::string(kHello) + envelope() + "x\r\n.\r\nQUIT\r\n");
  EXPECT_THAT(another.rest(), HasSubstr("250 2.0.0 Message stored\r\n"));
  clients.clear();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
}

}  // namespace
}  // namespace countersign::test
