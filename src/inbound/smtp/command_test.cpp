// The readers of one command line: the table, paths, parameters.
#include "inbound/smtp/command.hpp"

#include <gmock/gmock.h>

#include "inbound/smtp/reply.hpp"

namespace countersign::inbound::smtp {
namespace {

std::string path_of(std::string_view path, bool smtputf8 = false) {
  const auto address = parse_rcpt("TO:" + std::string(path), smtputf8, "mx.example");
  return address ? *address : "refused " + std::string(address.error().substr(0, 9));
}

std::string mail_of(std::string_view argument) {
  const auto mail = parse_mail(argument);
  if (!mail) return "refused " + std::string(mail.error().substr(0, 9));
  return "<" + mail->from + ">" + (mail->size ? " size " + std::to_string(*mail->size) : "") +
         (mail->smtputf8 ? " utf8" : "");
}

TEST(Command, VerbsAreReadInAnyCaseAndArgumentsTrimmed) {
  const Command command = parse_command("mAiL  FROM:<> ");
  ASSERT_NE(command.rule, nullptr);
  EXPECT_EQ(command.rule->verb, Verb::mail);
  EXPECT_EQ(command.argument, "FROM:<>");
  EXPECT_EQ(parse_command("MAILX FROM:<>").rule, nullptr);
  EXPECT_EQ(parse_command("").rule, nullptr);
  EXPECT_EQ(parse_command(" NOOP").rule, nullptr);
}

TEST(Command, PathsAreTakenAsRfc5321WritesThem) {
  EXPECT_EQ(path_of("<a@b.example>"), "a@b.example");
  EXPECT_EQ(path_of(" <a@b.example>"), "a@b.example");
  EXPECT_EQ(path_of("<a.b+c=d@[127.0.0.1]>"), "a.b+c=d@[127.0.0.1]");
  EXPECT_EQ(path_of("<a@[IPv6:2001:db8::1]>"), "a@[IPv6:2001:db8::1]");
  EXPECT_EQ(path_of("<\"a b\"@c.example>"), "\"a b\"@c.example");
  EXPECT_EQ(path_of("<\"a@b>\\\"\"@c.example>"), "\"a@b>\\\"\"@c.example");
  EXPECT_EQ(path_of("<under_score@a_b.example>"), "under_score@a_b.example");
}

TEST(Command, QuotesThatMeanNothingAreTakenOff) {
  EXPECT_EQ(path_of("<\"ab.c\"@d.example>"), "ab.c@d.example");
}

TEST(Command, SourceRoutesAreIgnored) {
  EXPECT_EQ(path_of("<@one.example,@two.example:a@b.example>"), "a@b.example");
  EXPECT_EQ(path_of("<@one.example,two.example:a@b.example>"), "refused 501 5.1.3");
  EXPECT_EQ(path_of("<@one.example>"), "refused 501 5.1.3");
}

TEST(Command, PostmasterNeedsNoDomain) {
  EXPECT_EQ(path_of("<PostMaster>"), "PostMaster@mx.example");
  EXPECT_EQ(path_of("<a>"), "refused 501 5.1.3");
  EXPECT_EQ(path_of("<\"a@b\">"), "refused 501 5.1.3");
}

TEST(Command, MalformedPathsAreRefused) {
  for (const std::string_view path : {"a@b.example",
                                      "<a@b.example",
                                      "<a@b.example>>",
                                      "<>",
                                      "<@>",
                                      "<a@>",
                                      "<@b.example>",
                                      "<a@@b.example>",
                                      "<a@b..example>",
                                      "<.a@b.example>",
                                      "<a.@b.example>",
                                      "<a..b@c.example>",
                                      "<a b@c.example>",
                                      "<\"a@b.example>",
                                      "<\"a\"b@c.example>",
                                      "<a@-b.example>",
                                      "<a@b.example.>",
                                      "<a@[1.2.3]>",
                                      "<a@[300.1.1.1]>",
                                      "<a@[IPv6:::g]>",
                                      "<a@[x:1]>",
                                      "<a\\b@c.example>",
                                      "<a<b@c.example>",
                                      "<a@b c>",
                                      "<\"a\nb\"@c.example>"}) {
    EXPECT_EQ(path_of(path), "refused 501 5.1.3") << path;
  }
  const std::string forwarded =
      "SRS0=abcd=EF=em1234.company.example=bounces+1234567-9a8b-user=company.example";
  EXPECT_EQ(path_of("<" + forwarded + "@b.example>"), forwarded + "@b.example") << "more than 64 octets";
  EXPECT_EQ(path_of("<" + std::string(244, 'a') + "@b.example>"), std::string(244, 'a') + "@b.example");
  EXPECT_EQ(path_of("<" + std::string(245, 'a') + "@b.example>"), "refused 501 5.1.3");
  std::string long_domain;
  for (int i = 0; i < 127; ++i) long_domain += "a.";
  EXPECT_EQ(path_of("<a@" + long_domain + "aa>"), "refused 501 5.1.3");
}

TEST(Command, AddressesOutsideAsciiNeedSmtputf8) {
  EXPECT_EQ(path_of("<gr\xc3\xbc\xc3\x9f"
                    "e@b.example>"),
            "refused 553 5.6.7");
  EXPECT_EQ(path_of("<gr\xc3\xbc\xc3\x9f"
                    "e@b.example>",
                    true),
            "gr\xc3\xbc\xc3\x9f"
            "e@b.example");
  EXPECT_EQ(path_of("<\xff@b.example>", true), "refused 501 5.1.3");
  EXPECT_EQ(mail_of("FROM:<\xc3\xbc@b.example>"), "refused 553 5.6.7");
  EXPECT_EQ(mail_of("FROM:<\xc3\xbc@\xc3\xbc.example> SMTPUTF8"), "<\xc3\xbc@\xc3\xbc.example> utf8");
}

TEST(Command, MailParametersAreKnownOrRefused) {
  EXPECT_EQ(mail_of("FROM:<>"), "<>");
  EXPECT_EQ(mail_of("from:<a@b.example> SIZE=1000 BODY=8bitmime"), "<a@b.example> size 1000");
  EXPECT_EQ(mail_of("FROM:<a@b.example> body=7BIT"), "<a@b.example>");
  EXPECT_EQ(mail_of("FROM:<a@b.example> BODY=BINARYMIME"), "refused 504 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> BODY"), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE="), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE=-1"), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE=99999999999999999999999"), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE=1 SIZE=1"), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SMTPUTF8=1"), "refused 501 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> RET=FULL"), "refused 555 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example>SIZE=1"), "refused 501 5.1.7");
  EXPECT_EQ(mail_of("FROM:<a>"), "refused 501 5.1.7");
  EXPECT_EQ(mail_of("TO:<a@b.example>"), "refused 501 5.5.4");
  EXPECT_EQ(path_of("<a@b.example> NOTIFY=NEVER"), "refused 555 5.5.4");
}

TEST(Command, ChunkSizesAreNumbersAndNothingElse) {
  EXPECT_EQ(parse_bdat("0 LAST")->octets, 0U);
  EXPECT_TRUE(parse_bdat("12 last")->last);
  EXPECT_FALSE(parse_bdat("18446744073709551615")->last);
  for (const std::string_view text :
       {"", "x", "-1", "+1", "0x10", "1 FIRST", "1 LAST LAST", "18446744073709551616"}) {
    EXPECT_FALSE(parse_bdat(text)) << text;
  }
}

TEST(Command, HeloNamesCannotBreakATraceField) {
  for (const std::string_view name : {"a", "[127.0.0.1]", "[IPv6:::1]", "under_score", "\xc3\xbc.example"}) {
    EXPECT_TRUE(is_helo_name(name)) << name;
  }
  for (const std::string_view name : {"", "a b", "a(b", "a;b", "a\tb", "a\x7f", "\xff", "a\"b", "<a>"}) {
    EXPECT_FALSE(is_helo_name(name)) << name;
  }
  EXPECT_FALSE(is_helo_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace countersign::inbound::smtp
