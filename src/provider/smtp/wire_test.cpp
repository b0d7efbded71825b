#include "provider/smtp/wire.hpp"

#include <gmock/gmock.h>

namespace countersign::provider::smtp {
namespace {

std::string stuffed(const std::vector<std::string_view>& pieces) {
  DotStuffer stuffer;
  std::string out;
  for (const std::string_view piece : pieces) stuffer.write(piece, out);
  stuffer.finish(out);
  return out;
}

TEST(DotStuffing, DoublesADotAtTheStartOfALineOnly) {
  EXPECT_EQ(stuffed({".\r\n..\r\na.b\r\n.c\r\n"}), "..\r\n...\r\na.b\r\n..c\r\n");
}

TEST(DotStuffing, CompletesALastLineWithoutLineEnd) {
  EXPECT_EQ(stuffed({"a"}), "a\r\n");
  EXPECT_EQ(stuffed({"a\r"}), "a\r\n");
  EXPECT_EQ(stuffed({"a\r\n"}), "a\r\n");
  EXPECT_EQ(stuffed({"."}), "..\r\n");
  EXPECT_EQ(stuffed({""}), "");
}

// A reader that takes a lone LF or CR for a line end would find an end of data in these ("SMTP smuggling").
TEST(DotStuffing, LeavesNoLoneLineEndThatAReaderCouldTakeForTheEndOfData) {
  for (const std::string_view hostile :
       {"a\n.\nb", "a\r.\rb", "a\n.\r\nb", "a\r\n.\nb", "a\r\n.\rb", "a\r.\r\nb"}) {
    EXPECT_EQ(stuffed({hostile}), "a\r\n..\r\nb\r\n") << testing::PrintToString(hostile);
  }
}

TEST(DotStuffing, GivesTheSameBytesWhereverThePiecesAreCut) {
  const std::string raw = ".a\r\n.\r\n..\r\n\r\n\r.\n.\r\r\n.b\n\n.\r";
  const std::string whole = stuffed({raw});
  for (std::size_t i = 0; i <= raw.size(); ++i) {
    for (std::size_t j = i; j <= raw.size(); ++j) {
      const std::string_view view(raw);
      ASSERT_EQ(stuffed({view.substr(0, i), view.substr(i, j - i), view.substr(j)}), whole) << i << ' ' << j;
    }
  }
}

TEST(Examine, CountsOctetsAsTheyAreSentWithoutStuffedDots) {
  for (const std::string_view raw :
       {"", "a", "a\r\n", "a\nb", "a\rb", "\r\r\n\n", "a\r", "\n", "ab\r\n\r\ncd"}) {
    EXPECT_EQ(examine(raw).octets, stuffed({raw}).size()) << testing::PrintToString(raw);
  }
  EXPECT_EQ(examine(".a\r\n").octets, 4U);
  EXPECT_FALSE(examine("abc\x7f").eight_bit);
  EXPECT_TRUE(examine("gr\xc3\xbc\xc3\x9f").eight_bit);
}

TEST(WireAddress, RefusesWhateverCouldEndTheCommandOrAddToIt) {
  for (const std::string bad : {"", "a@b.example\r\nRCPT TO:<evil@x.example>", "a@b.example\n",
                                "a b@c.example", "a@b.example> SIZE=1", "<a@b.example", "a\t@b.example",
                                "a@b\x7f.example", "\xff@b.example", "a@b.example\xc3"}) {
    EXPECT_FALSE(is_wire_address(bad)) << testing::PrintToString(bad);
  }
  EXPECT_FALSE(is_wire_address(std::string("a\0@b.example", 12)));
  EXPECT_FALSE(is_wire_address(std::string(kAddressBytesMax, 'a') + "@"));
  EXPECT_TRUE(is_wire_address(std::string(kAddressBytesMax, 'a')));
  EXPECT_TRUE(is_wire_address("a+tag@b.example"));
  EXPECT_TRUE(
      is_wire_address("gr\xc3\xbc\xc3\x9f"
                      "e@b.example"));
}

TEST(Capabilities, AreReadFromEhloWhateverTheirCase) {
  const Response ehlo{250,
                      {"PIPELINING is my name", "size 12345", "8BitMime", "STARTTLS", "PIPELINING",
                       "AUTH  CRAM-MD5 login", "SMTPUTF8", "X-UNKNOWN a b"}};
  const Capabilities relay = read_capabilities(ehlo);
  EXPECT_TRUE(relay.starttls && relay.pipelining && relay.eight_bit && relay.smtputf8 && relay.size);
  EXPECT_EQ(relay.size_max, 12345U);
  EXPECT_TRUE(relay.auth_login);
  EXPECT_FALSE(relay.auth_plain);
  EXPECT_FALSE(read_capabilities({250, {"PIPELINING"}}).pipelining) << "the first line is a name";
  EXPECT_TRUE(read_capabilities({250, {"x", "AUTH=PLAIN"}}).auth_plain);
  EXPECT_EQ(read_capabilities({250, {"x", "SIZE 99999999999999999999999"}}).size_max, 0U);
}

TEST(MailCommand, CarriesOnlyTheParametersThatTheRelayKnows) {
  Capabilities relay;
  EXPECT_EQ(mail_command("", relay, {10, true}, false), "MAIL FROM:<>");
  relay.size = relay.eight_bit = relay.smtputf8 = true;
  EXPECT_EQ(mail_command("a@b.example", relay, {10, false}, false), "MAIL FROM:<a@b.example> SIZE=10");
  EXPECT_EQ(mail_command("a@b.example", relay, {10, true}, true),
            "MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8");
}

}  // namespace
}  // namespace countersign::provider::smtp
