// What a reviewer's mail says, and what it does not let through.
#include "notify/compose.hpp"

#include <gmock/gmock.h>

#include "mail/parse.hpp"

namespace countersign::notify {
namespace {

using testing::HasSubstr;
using testing::Not;

const Sender kSender{{"Countersign", "hitl-noreply@relay.example"}, "https://mail.example"};
const Links kLinks("a deployment's secret of 32 bytes or more");

HoldNote held(std::string subject, mailbox::Direction direction = mailbox::Direction::outbound) {
  HoldNote note;
  mailbox::Message& message = note.message;
  message.id = MessageId("msg_0123456789abcdef0123456789abcdef");
  message.agent_email = "writer@agents.example";
  message.direction = direction;
  message.subject = std::move(subject);
  message.to = {"bob@example.org"};
  message.header_from = "Eve <eve@example.net>";
  message.hold_reason =
      R"({"type":"gate","code":"recipient_gate","summary":"bob@example.org is not on the list"})";
  message.approval_expires_at = from_us(1'795'000'000'000'000);
  return note;
}

ReviewMail mail_of(std::vector<HoldNote> holds) {
  ReviewMail mail;
  mail.id = ReviewMailId("rmail_1");
  mail.recipients = {"owner@example.com"};
  mail.link_key = "key";
  mail.created_at = from_us(1'794'000'000'000'000);
  mail.holds = std::move(holds);
  return mail;
}

mail::Message read(const ReviewMail& mail, const Sender& sender = kSender) {
  return mail::parse(compose(mail, sender, kLinks));
}

TEST(ComposeTest, SaysWhatWaitsWhyAndUntilWhen) {
  const auto mail = read(mail_of({held("Quarterly figures")}));
  EXPECT_THAT(mail.subject, HasSubstr("Quarterly figures"));
  for (const std::string& body : {mail.text, mail.html}) {
    EXPECT_THAT(body, HasSubstr("writer@agents.example"));
    EXPECT_THAT(body, HasSubstr("bob@example.org"));
    EXPECT_THAT(body, HasSubstr("Quarterly figures"));
    EXPECT_THAT(body, HasSubstr("bob@example.org is not on the list"));
    EXPECT_THAT(body, HasSubstr("2026-11-18 11:06 UTC; then it is rejected"));
    EXPECT_THAT(body, HasSubstr("https://mail.example/v1/approve?t="));
    EXPECT_THAT(body, HasSubstr("https://mail.example/v1/reject?t="));
  }
}

TEST(ComposeTest, TheSameMailHasTheSameBytes) {
  const ReviewMail mail = mail_of({held("One"), held("Two")});
  EXPECT_EQ(compose(mail, kSender, kLinks), compose(mail, kSender, kLinks));
  EXPECT_THAT(compose(mail, kSender, kLinks), HasSubstr("Message-ID: <rmail_1@relay.example>"));
  EXPECT_THAT(compose(mail, kSender, kLinks), HasSubstr("Auto-Submitted: auto-generated"));
}

TEST(ComposeTest, AHostileSubjectStaysText) {
  const auto mail =
      read(mail_of({held("</style><script>alert(1)</script>\r\nBcc: eve@example.net\" onload='x'")}));
  EXPECT_THAT(mail.html, Not(HasSubstr("<script")));
  EXPECT_THAT(mail.html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt; Bcc"));
  EXPECT_TRUE(mail.cc.empty());
  EXPECT_THAT(compose(mail_of({held("a\r\nBcc: eve@example.net")}), kSender, kLinks),
              Not(HasSubstr("\r\nBcc:")));
}

TEST(ComposeTest, TextThatChangesItsDirectionIsShownPlainly) {
  EXPECT_EQ(one_line("invoice\xe2\x80\xae"
                     "fdp.exe",
                     100),
            "invoicefdp.exe");
  EXPECT_EQ(one_line("a\r\n\tb\xc2\x85"
                     "c",
                     100),
            "a b c");
  EXPECT_EQ(one_line("\xc3\xa4\xc3\xb6\xc3\xbc", 2), "\xc3\xa4\xc3\xb6\xe2\x80\xa6");
}

TEST(ComposeTest, WithoutAnAddressOfItsOwnTheDeploymentOffersNoLinks) {
  const auto mail = read(mail_of({held("Quarterly figures")}), {kSender.from, ""});
  EXPECT_THAT(mail.text, Not(HasSubstr("/v1/approve")));
  EXPECT_THAT(mail.text, HasSubstr("msg_0123456789abcdef0123456789abcdef"));
}

TEST(ComposeTest, ManyHoldsShareAMail) {
  const auto mail = read(mail_of({held("One"), held("Two", mailbox::Direction::inbound), held("Three")}));
  EXPECT_EQ(mail.subject, "Review: 3 messages wait for you");
  EXPECT_THAT(mail.html, HasSubstr("Incoming mail waits for you"));
  EXPECT_THAT(mail.html, HasSubstr("Eve &lt;eve@example.net&gt;"));
}

TEST(ComposeTest, NothingIsFetchedFromAnywhere) {
  const auto mail = read(mail_of({held("Quarterly figures")}));
  for (const char* outside : {"<img", "<link", "src=", "url(", "@import", "<script"}) {
    EXPECT_THAT(mail.html, Not(HasSubstr(outside)));
  }
}

}  // namespace
}  // namespace countersign::notify
