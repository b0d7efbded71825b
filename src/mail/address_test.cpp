#include "mail/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"
#include "mail/test_support.hpp"

namespace countersign::mail {
namespace {

using testing_support::random_text;

TEST(ParseMailbox, ReadsTheFormsPeopleWrite) {
  const std::pair<const char*, Mailbox> cases[] = {
      {"a@b.example", {"", "a@b.example"}},
      {"  a@b.example ", {"", "a@b.example"}},
      {"<a@b.example>", {"", "a@b.example"}},
      {"Ada Lovelace <Ada@B.example>", {"Ada Lovelace", "Ada@B.example"}},
      {"Ada   Lovelace<ada@b.example>", {"Ada Lovelace", "ada@b.example"}},
      {"\"Last, First\" <a@b.example>", {"Last, First", "a@b.example"}},
      {"\"say \\\"hi\\\" \\\\ bye\" <a@b.example>", {"say \"hi\" \\ bye", "a@b.example"}},
      {"John Q. Public <jqp@b.example>", {"John Q. Public", "jqp@b.example"}},
      {"Jörg Müller <joerg@b.example>", {"Jörg Müller", "joerg@b.example"}},
      {"(she) Ada (the (first)) <a@b.example> (really)", {"Ada", "a@b.example"}},
      {"a@b.example (Ada)", {"", "a@b.example"}},
      {"\"quoted local\"@b.example", {"", "\"quoted local\"@b.example"}},
      {"\"<>@,\"@b.example", {"", "\"<>@,\"@b.example"}},
      {"用户@例え.jp", {"", "用户@例え.jp"}},
      {"a+tag.b=c/d@sub-domain.b.example", {"", "a+tag.b=c/d@sub-domain.b.example"}},
      {"root@localhost", {"", "root@localhost"}},
      {"=?utf-8?q?J=C3=B6rg?= =?UTF-8?B?IE3DvGxsZXI=?= <j@b.example>", {"Jörg Müller", "j@b.example"}},
      {"=?iso-8859-1?Q?J=F6rg?= X <j@b.example>", {"Jörg X", "j@b.example"}},
      {"\"=?utf-8?q?J=C3=B6rg?=\" <j@b.example>", {"=?utf-8?q?J=C3=B6rg?=", "j@b.example"}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(parse_mailbox(text), expected) << text;
}

TEST(ParseMailbox, RefusesEverythingElse) {
  const std::string long_local(65, 'a');
  const std::string long_label(64, 'a');
  const std::string long_domain = std::string(63, 'a') + '.' + std::string(63, 'b') + '.' +
                                  std::string(63, 'c') + '.' + std::string(63, 'd') + ".example";
  for (const std::string& text :
       std::vector<std::string>{"",
                                " ",
                                "a",
                                "@",
                                "a@",
                                "@b.example",
                                "a b@c.example",
                                "a@b@c.example",
                                "a@b.example,c@d.example",
                                "a@b.example c@d.example",
                                "Ada <a@b.example>, Bob <b@b.example>",
                                "team: a@b.example;",
                                "team:;",
                                "(only a comment)",
                                "<>",
                                "<@b.example>",
                                "Ada <>",
                                "Ada a@b.example",
                                "Ada <a@b.example",
                                "Ada a@b>",
                                "<a@b.example> Ada",
                                "<<a@b.example>>",
                                "Ada <a@b.example> <c@d.example>",
                                "a@b.example (unclosed",
                                "a@b.example (((((((((deep)))))))))",
                                ".a@b.example",
                                "a.@b.example",
                                "a..b@c.example",
                                "a@.b.example",
                                "a@b..example",
                                "a@b.example.",
                                "a@-b.example",
                                "a@b-.example",
                                "a@b_c.example",
                                "a@[127.0.0.1]",
                                "\"\"@b.example",
                                "\"open@b.example",
                                "\"a\\",
                                "a @b.example",
                                "a@ b.example",
                                "<a@b.example >",
                                "<@relay.example:a@b.example>",
                                "Ada [bot] <a@b.example>",
                                "A; B <a@b.example>",
                                long_local + "@b.example",
                                "a@" + long_label + ".example",
                                "a@" + long_domain,
                                std::string(309, 'n') + " <a@b.example>",  // 323 code points
                                "a@b.example\r\nBcc: c@d.example",
                                "Ada\r\n <a@b.example>",
                                "a@b.example\n",
                                "a@b.example\t",
                                std::string("a@b.example\0", 12),
                                "\"a\x7f\"@b.example",
                                "\"A\rB\" <a@b.example>",
                                "=?utf-8?q?A=0D=0ABcc:_x?= <a@b.example>",
                                "=?utf-8?b?QQ0KQg==?= <a@b.example>",
                                "=?utf-8?q?=FF?= <a@b.example>",
                                "a\xc2\x85@b.example",
                                "A\xe2\x80\xa8"
                                "B <a@b.example>",
                                "a\xe2\x80\xae@b.example",
                                "a\xc2\xa0"
                                "b@c.example",
                                "a@b\xe3\x80\x80.example",
                                "\xff@b.example",
                                "a@b\xc3.example",
                                "\xed\xa0\x80@b.example"}) {
    EXPECT_FALSE(parse_mailbox(text)) << testing::PrintToString(text);
  }
}

TEST(ParseMailbox, AcceptsWhatJustFits) {
  EXPECT_TRUE(parse_mailbox(std::string(64, 'a') + "@" + std::string(63, 'b') + ".example"));
  EXPECT_TRUE(parse_mailbox(std::string(305, 'n') + " <a@b.example>"));  // 319 code points
}

TEST(ParseReceivedMailbox, AcceptsLocalPartsThatFitAPath) {
  const auto address = [](std::size_t local) { return std::string(local, 'a') + "@b.example"; };
  EXPECT_FALSE(parse_mailbox(address(65)));
  EXPECT_EQ(parse_received_mailbox("Ada <" + address(70) + ">"), (Mailbox{"Ada", address(70)}));
  EXPECT_TRUE(parse_received_mailbox(address(244)));
  EXPECT_FALSE(parse_received_mailbox(address(245)));
  EXPECT_EQ(bare_address("\"" + address(70).insert(70, "\"")), address(70));
}

TEST(Addresses, HaveABareForm) {
  EXPECT_EQ(normalise("  Ada@B.Example\t"), "ada@b.example");
  EXPECT_EQ(bare_address("Name <R@X.Example>"), "r@x.example");
  EXPECT_EQ(bare_address(" Not An Address "), "not an address");
  EXPECT_EQ(bare_address(R"("Bob.Smith"@X.Example)"), "bob.smith@x.example");
  EXPECT_EQ(bare_address(R"(Name <"\b\ob"@x.example>)"), "bob@x.example");
  for (const char* needed :
       {R"("a b"@x.example)", R"("a@b"@x.example)", R"(".a"@x.example)", R"("a\"b"@x.example)"}) {
    EXPECT_EQ(bare_address(needed), needed);
  }
  EXPECT_EQ(domain_of("\"a@b\"@C.Example"), "c.example");
  EXPECT_EQ(domain_of("nobody"), "");
  EXPECT_TRUE(needs_smtputf8("用户@b.example"));
  EXPECT_TRUE(needs_smtputf8("a@例え.jp"));
  EXPECT_FALSE(needs_smtputf8("a@xn--r8jz45g.jp"));
}

TEST(ToHeader, ChoosesTheSimplestFormThatHoldsTheName) {
  EXPECT_EQ(to_header({"", "a@b.example"}), "a@b.example");
  EXPECT_EQ(to_header({"  ", "a@b.example"}), "a@b.example");
  EXPECT_EQ(to_header({"Ada Lovelace", "a@b.example"}), "Ada Lovelace <a@b.example>");
  EXPECT_EQ(to_header({"Lovelace, Ada", "a@b.example"}), "\"Lovelace, Ada\" <a@b.example>");
  EXPECT_EQ(to_header({"a \"b\" \\", "a@b.example"}), "\"a \\\"b\\\" \\\\\" <a@b.example>");
  EXPECT_EQ(to_header({"Jörg", "a@b.example"}), "=?utf-8?q?J=C3=B6rg?= <a@b.example>");
  EXPECT_EQ(to_header({"=?x?=", "a@b.example"}), "=?utf-8?b?PT94Pz0=?= <a@b.example>");
  EXPECT_EQ(to_header({"漢字", "用户@例え.jp"}), "=?utf-8?b?5ryi5a2X?= <用户@例え.jp>");
}

TEST(ToHeader, NeverLetsANameOrAddressOut) {
  EXPECT_EQ(to_header({"A\r\nBcc: x@y.example", "a@b.example"}), "\"A  Bcc: x@y.example\" <a@b.example>");
  EXPECT_EQ(to_header({"A", "a@b.example>\r\nBcc: <x@y.example"}), "A <a@b.exampleBccx@y.example>");
  EXPECT_EQ(to_header({std::string("A\0B", 3), "a@b.example"}), "A B <a@b.example>");
}

TEST(ParseMailbox, SurvivesRandomTextAndKeepsItsPromises) {
  const std::vector<std::string> pieces = {"a",   "B", "@",  ".",  "<",    ">",           "\"",
                                           "\\",  "(", ")",  " ",  ",",    ":",           ";",
                                           "-",   "ö", "漢", "\r", "\n",   "=?utf-8?q?",  "?=",
                                           "=0A", "[", "]",  "\t", "\xff", "x@y.example", " <a@b.example>"};
  std::mt19937_64 random(20261123);
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    const std::string text = random_text(random, pieces, 12);
    const auto mailbox = parse_mailbox(text);
    if (!mailbox) continue;
    ++accepted;
    ASSERT_TRUE(is_utf8(mailbox->address) && is_utf8(mailbox->display_name)) << text;
    ASSERT_EQ(mailbox->address.find_first_of("\r\n\t"), std::string::npos) << text;
    ASSERT_EQ(mailbox->display_name.find_first_of("\r\n\t"), std::string::npos) << text;
    ASSERT_EQ(parse_mailbox(mailbox->address), (Mailbox{"", mailbox->address})) << text;
    ASSERT_EQ(parse_mailbox(to_header(*mailbox))->address, mailbox->address) << text;
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(ToHeader, IsReadBackAsTheSameMailbox) {
  const std::vector<std::string> pieces = {"Ada", " ",  "ö", "漢", "\"", "\\", ",",
                                           "=?",  "?=", "_", "(",  "é",  ".",  "😀"};
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string name = random_text(random, pieces, 10);
    if (name.find_first_not_of(' ') == std::string::npos) continue;
    const Mailbox mailbox{name, "a.b@c.example"};
    ASSERT_EQ(parse_mailbox(to_header(mailbox)), mailbox) << to_header(mailbox);
  }
}

}  // namespace
}  // namespace countersign::mail
