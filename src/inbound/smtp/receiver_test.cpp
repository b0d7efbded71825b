// The receiver over real sockets: mail comes in, and clients of every kind are answered.
#include "inbound/smtp/receiver.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace countersign::test
