// The PROXY protocol: its header as bytes, and connections that come through a proxy.
#include <gmock/gmock.h>

#include <boost/asio/ip/address.hpp>

#include "inbound/smtp/proxy_header.hpp"
#include "inbound/smtp/receiver_fixture.hpp"
#include "support/test_certificates.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
using inbound::smtp::ProxyHeader;
using State = ProxyHeader::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kLine = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n";

std::string binary(std::uint8_t command, std::uint8_t family, const std::string& variable) {
  std::string out(kSignature);
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(variable.size() / 256);
  out += static_cast<char>(variable.size() % 256);
  return out + variable;
}

std::string bytes_of(std::string_view address) {
  const auto parsed = boost::asio::ip::make_address(std::string(address));
  if (parsed.is_v4()) {
    const auto bytes = parsed.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = parsed.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

std::string endpoints(std::string_view source, std::string_view destination) {
  return bytes_of(source) + bytes_of(destination) + std::string("\xdc\x04\x00\x19", 4);
}

struct Heard {
  State state = State::unfinished;
  std::string client;  // "": nothing was said
  std::size_t bytes = 0;
};

// Feeds it as a socket would that gives up to `first` bytes at once, then up to `next`.
Heard hear(std::string_view input, std::size_t first, std::size_t next) {
  ProxyHeader header;
  Heard heard;
  std::size_t piece = first;
  while (heard.state == State::unfinished && heard.bytes < input.size()) {
    const std::string_view bytes = input.substr(heard.bytes, std::min(piece, header.wanted()));
    heard.state = header.read(bytes);
    heard.bytes += bytes.size();
    piece = next;
  }
  if (header.client()) heard.client = header.client()->to_string();
  return heard;
}

// However it is cut: the same, and nothing behind the header is touched.
void expect_finished(std::string_view header, std::string_view client) {
  const std::string input = std::string(header) + "EHLO behind.example\r\n";
  for (std::size_t first = 1; first <= header.size() + 1; ++first) {
    for (const std::size_t next : {std::size_t{1}, header.size()}) {
      const Heard heard = hear(input, first, next);
      EXPECT_EQ(heard.state, State::finished) << header << first;
      EXPECT_EQ(heard.client, client) << header;
      EXPECT_EQ(heard.bytes, header.size()) << header << first;
    }
  }
  const Heard half = hear(header.substr(0, header.size() - 1), 1, 1);
  EXPECT_EQ(half.state, State::unfinished) << header;
}

void expect_malformed(std::string_view header) {
  EXPECT_EQ(hear(header, header.size(), header.size()).state, State::malformed) << header;
  EXPECT_EQ(hear(header, 1, 1).state, State::malformed) << header;
}

TEST(ProxyHeaderTest, ALineSaysWhoTheClientIs) {
  expect_finished(kLine, "192.0.2.7");
  expect_finished("PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n", "2001:db8::7");
  expect_finished("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n", "192.0.2.7");
  expect_finished(
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
      "65535\r\n",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(ProxyHeaderTest, ALineOfAProxyThatDoesNotKnowNamesNobody) {
  expect_finished("PROXY UNKNOWN\r\n", "");
  expect_finished("PROXY UNKNOWN whatever follows 1 2 3\r\n", "");
  expect_finished("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "");  // 107 bytes, the most there may be
}

TEST(ProxyHeaderTest, ABinaryHeaderSaysWhoTheClientIs) {
  expect_finished(binary(0x21, 0x11, endpoints("192.0.2.7", "198.51.100.1")), "192.0.2.7");
  expect_finished(binary(0x21, 0x21, endpoints("2001:db8::7", "2001:db8::1")), "2001:db8::7");
  const std::string more("\x04\x00\x02\x00\x00", 5);  // PP2_TYPE_NOOP: what it does not know it skips
  expect_finished(binary(0x21, 0x11, endpoints("192.0.2.7", "198.51.100.1") + more), "192.0.2.7");
}

TEST(ProxyHeaderTest, ABinaryHeaderOfTheProxyItselfNamesNobody) {
  expect_finished(binary(0x20, 0x00, ""), "");
  expect_finished(binary(0x20, 0x11, endpoints("192.0.2.7", "198.51.100.1")), "");
  expect_finished(binary(0x21, 0x00, "ignored"), "");
  expect_finished(binary(0x21, 0x31, std::string(216, '\0')), "");
}

TEST(ProxyHeaderTest, ALineIsReadStrictly) {
  for (const std::string_view line :
       {"EHLO client.example\r\n", "PROXY\r\n             ", "PROXY  TCP4 192.0.2.7 198.51.100.1 1 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 25\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 25 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 25\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 25\r\n", "PROXY TCP4 192.0.2 198.51.100.1 1 25\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 25\r\n", "PROXY TCP6 192.0.2.7 198.51.100.1 1 25\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 25\r\n", "PROXY UDP4 192.0.2.7 198.51.100.1 1 25\r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 1 25\r\n", "PROXY UNKNOWNS\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 25\rx", "\r\n\r\nQUIT"}) {
    expect_malformed(line);
  }
  expect_malformed("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n");
  expect_malformed({"PROXY TCP4 192.0.2.7\0x 198.51.100.1 1 25\r\n", 42});
}

TEST(ProxyHeaderTest, ABinaryHeaderIsReadStrictly) {
  const std::string v4 = endpoints("192.0.2.7", "198.51.100.1");
  expect_malformed(binary(0x11, 0x11, v4));                            // version 1
  expect_malformed(binary(0x22, 0x11, v4));                            // no such command
  expect_malformed(binary(0x21, 0x12, v4));                            // UDP
  expect_malformed(binary(0x21, 0x21, v4));                            // too short for IPv6
  expect_malformed(binary(0x21, 0x11, v4.substr(1)));                  // too short
  expect_malformed(binary(0x21, 0x11, v4 + std::string(4096, '\0')));  // longer than anybody needs
  expect_malformed(std::string(kSignature.substr(0, 11)) + "x");
}

class ProxyTest : public ReceiverTest {
 protected:
  ProxyTest() { options_.proxies = *net::Networks::parse("127.0.0.0/8"); }

  // One message over a connection that begins with `header`; the client it is said to come from.
  std::string client_of_a_message_behind(std::string_view header) {
    SmtpClient client = connect();
    client.send(
        std::string(header) +
        "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<agent@mx.example>\r\nDATA\r\n"
        "x\r\n.\r\nQUIT\r\n");
    EXPECT_THAT(client.rest(), HasSubstr("250 2.0.0 Message stored\r\n"));
    return intake_.kept().empty() ? "" : intake_.kept().back().envelope.client.address.to_string();
  }
};

TEST_F(ProxyTest, TheClientIsWhoTheProxySaysItIs) {
  start();
  EXPECT_EQ(client_of_a_message_behind(kLine), "192.0.2.7");
  EXPECT_EQ(client_of_a_message_behind(binary(0x21, 0x21, endpoints("2001:db8::7", "2001:db8::1"))),
            "2001:db8::7");
  EXPECT_EQ(client_of_a_message_behind(binary(0x20, 0x00, "")), "127.0.0.1") << "the proxy's own";
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(ProxyTest, NothingIsSaidBeforeTheHeaderAndNothingAfterABadOne) {
  start();
  SmtpClient client = connect();
  client.send("EHLO client.example\r\n");
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(everybody_leaves_in_time());
  EXPECT_THAT(refusals(), ElementsAre("bad_proxy_header"));
}

TEST_F(ProxyTest, AHeaderHasItsTimeAsAWhole) {
  start();
  SmtpClient client = connect();
  client.send("PROXY UNKNOWN ");
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 1; }));
  EXPECT_TRUE(eventually([&] {
    client.send("x");  // every pause is shorter than what the whole may take
    timers_.skip(1s);
    return receiver_->connections() == 0;
  }));
  EXPECT_EQ(client.rest(), "");
  EXPECT_THAT(refusals(), ElementsAre("bad_proxy_header"));
}

TEST_F(ProxyTest, AProxyThatOnlyLooksWhetherAnybodyListensIsNoFault) {
  start();
  SmtpClient client = connect();
  client.half_close();
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(ProxyTest, NeitherIsOneThatResetsTheConnection) {
  start();
  SmtpClient client = connect();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 0; }));
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(ProxyTest, ConnectionsAreCountedByClientAndNotByProxy) {
  options_.connections_per_address_max = 1;
  start();
  SmtpClient first = connect();
  first.send(kLine);
  EXPECT_THAT(first.reply(), StartsWith("220 "));
  SmtpClient another = connect();
  another.send("PROXY TCP4 192.0.2.8 198.51.100.1 1 25\r\n");
  EXPECT_THAT(another.reply(), StartsWith("220 "));
  SmtpClient second = connect();
  second.send(kLine);
  EXPECT_EQ(second.rest(), "421 4.7.0 Too many connections from your address\r\n");
  EXPECT_THAT(refusals(), ElementsAre("too_many_from_address"));
  first.say("QUIT\r\n");
  another.say("QUIT\r\n");
  second.half_close();
  EXPECT_TRUE(everybody_leaves_in_time());
  SmtpClient third = connect();
  third.send(kLine);
  EXPECT_THAT(third.reply(), StartsWith("220 "));
}

TEST_F(ProxyTest, WhoIsNotListedMayNotSayWhoTheClientIs) {
  options_.proxies = *net::Networks::parse("192.0.2.0/24");
  start();
  SmtpClient client = connect();
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  EXPECT_THAT(client.say(kLine), StartsWith("500 5.5.2 "));
}

TEST_F(ProxyTest, StoppingDoesNotWaitForAHeader) {
  options_.timeouts.proxy_header = 10min;
  start();
  SmtpClient client = connect();
  client.send("PROXY ");
  EXPECT_TRUE(eventually([this] { return receiver_->connections() == 1; }));
  EXPECT_TRUE(drain(5min));
  EXPECT_EQ(client.rest(), "");
}

TEST_F(ProxyTest, TheHandshakeOfImplicitTlsFollowsTheHeader) {
  const TestCertificates certificates("mx.example");
  options_.tls_certificate_file = certificates.certificate_file();
  options_.tls_key_file = certificates.key_file();
  options_.listeners[0].implicit_tls = true;
  start();
  SmtpClient client = connect();
  client.send(kLine);
  ASSERT_TRUE(client.start_tls());
  EXPECT_THAT(client.reply(), StartsWith("220 "));
}

}  // namespace
}  // namespace countersign::test
