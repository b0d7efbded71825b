#include "mail/compose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "mail/test_support.hpp"

namespace countersign::mail {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::Sample;

Composition plain_mail() {
  Composition mail;
  mail.from = {"Support", "support@agents.example"};
  mail.to = {"ada@b.example"};
  mail.subject = "Hello";
  mail.text = "Hi Ada,\n\nall done.\n";
  mail.message_id = "m.1@agents.example";
  mail.date = from_us(1'795'441'500'000'123);
  return mail;
}

std::string field(std::string_view message, std::string_view name) {
  const auto start = message.find("\r\n" + std::string(name) + ":");
  if (start == std::string_view::npos) return "(absent)";
  std::size_t end = message.find("\r\n", start + 2);
  while (message[end + 2] == ' ') end = message.find("\r\n", end + 2);
  return std::string(message.substr(start + 3 + name.size(), end - start - 3 - name.size()));
}

std::string body(std::string_view message) {
  return std::string(message.substr(message.find("\r\n\r\n") + 4));
}

std::vector<std::string_view> lines(std::string_view message) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < message.size();) {
    const auto end = message.find("\r\n", at);
    out.push_back(message.substr(at, end - at));
    at = end == std::string_view::npos ? message.size() : end + 2;
  }
  return out;
}

// What every composed message keeps, whatever went in.
void expect_sound(std::string_view message) {
  ASSERT_TRUE(message.ends_with("\r\n"));
  std::size_t unpaired = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool broken = (message[i] == '\r' && message[i + 1] != '\n') || message[i] == '\0' ||
                        (message[i] == '\n' && (i == 0 || message[i - 1] != '\r'));
    unpaired += broken ? 1 : 0;
  }
  ASSERT_EQ(unpaired, 0u);
  ASSERT_LT(message.find("\r\nMIME-Version: 1.0\r\nContent-Type: "), message.find("\r\n\r\n"));
  bool in_header = true;
  for (const std::string_view line : lines(message)) {
    ASSERT_LE(line.size(), 998u);
    if (line.empty()) in_header = false;
    if (in_header && line.front() != ' ') {
      ASSERT_THAT(std::string(line.substr(0, line.find(':'))),
                  testing::AnyOf("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID",
                                 "In-Reply-To", "References", "X-E2A-Message-ID", "X-E2A-Conversation-ID",
                                 "MIME-Version", "Content-Type", "Content-Transfer-Encoding"))
          << line;
    }
  }
}

TEST(Compose, WritesPlainTextAsItStands) {
  EXPECT_EQ(compose(plain_mail()),
            "From: Support <support@agents.example>\r\n"
            "To: ada@b.example\r\n"
            "Subject: Hello\r\n"
            "Date: Mon, 23 Nov 2026 13:45:00 +0000\r\n"
            "Message-ID: <m.1@agents.example>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Hi Ada,\r\n\r\nall done.\r\n");
}

TEST(Compose, MatchesTheGoldenMessages) {
  for (const auto& entry : std::filesystem::directory_iterator("src/mail/testdata/compose")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().string());
    const std::string fixture = testing_support::read_file(entry.path());
    const Sample sample = testing_support::sample_from_json(boost::json::parse(fixture).as_object());
    const std::string message = compose(sample.composition);
    expect_sound(message);
    const std::string golden = std::filesystem::path(entry.path()).replace_extension(".eml");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) testing_support::write_file(golden, message);
    EXPECT_EQ(message, testing_support::read_file(golden));
  }
}

TEST(Compose, ReadsEveryLineEndAsOne) {
  Composition mail = plain_mail();
  mail.text = "a\rb\nc\r\nd\n\re";
  EXPECT_EQ(body(compose(mail)), "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n");
}

TEST(Compose, EncodesTextThatSevenBitsCannotCarry) {
  Composition mail = plain_mail();
  for (const std::string& text : {std::string("Grüße"), std::string(999, 'x'), std::string("a\0b", 3),
                                  std::string("bell\a"), std::string("x\n--=_m\n")}) {
    mail.text = text;
    EXPECT_THAT(compose(mail), HasSubstr("Content-Transfer-Encoding: quoted-printable")) << text;
  }
  mail.text = std::string(998, 'x') + "\n\tFrom here\n.\n--\nname";
  EXPECT_THAT(compose(mail), HasSubstr("Content-Transfer-Encoding: 7bit"));
}

TEST(Compose, WritesQuotedPrintableByTheBook) {
  Composition mail = plain_mail();
  mail.text = "é = \n\t\n " + std::string(80, 'x');
  EXPECT_EQ(body(compose(mail)), "=C3=A9 =3D=20\r\n=09\r\n " + std::string(74, 'x') + "=\r\n" + "xxxxxx\r\n");
}

TEST(Compose, SendsHtmlAloneWhenNobodyWroteText) {
  Composition mail = plain_mail();
  mail.html = "<p>hi</p>";
  EXPECT_THAT(field(compose(mail), "Content-Type"), HasSubstr("multipart/alternative"));
  mail.text.clear();
  EXPECT_THAT(field(compose(mail), "Content-Type"), HasSubstr("text/html"));
}

TEST(Compose, FoldsLongRecipientListsAfterCommas) {
  Composition mail = plain_mail();
  mail.to.assign(50, "Somebody Else <somebody.else@recipient.example>");
  const std::string to = field(compose(mail), "To");
  for (const std::string_view line : lines(to)) EXPECT_LE(line.size(), 78u);
  EXPECT_EQ(std::ranges::count(to, ','), 49);
  EXPECT_EQ(lines(to).size(), 50u);
}

TEST(Compose, FoldsAMailboxLongerThanALineOnce) {
  Composition mail = plain_mail();
  const std::string wide = std::string(64, 'l') + "@" + std::string(63, 'd') + ".example";
  mail.to = {"ada@b.example", wide, "bob@b.example"};
  EXPECT_EQ(field(compose(mail), "To"), " ada@b.example,\r\n " + wide + ",\r\n bob@b.example");
}

TEST(Compose, LeavesLongWordsWholeAndEncodesEndlessOnes) {
  Composition mail = plain_mail();
  mail.extra_headers = {{"List-Help", "<https://a.example/" + std::string(300, 'x') + ">"}};
  EXPECT_THAT(compose(mail), HasSubstr(mail.extra_headers[0].second));
  mail.subject = std::string(5000, 'x');
  const std::string message = compose(mail);
  for (const std::string_view line : lines(field(message, "Subject"))) EXPECT_LE(line.size(), 76u);
}

TEST(Compose, KeepsBlanksInTheSubject) {
  Composition mail = plain_mail();
  mail.subject = "two  blanks";
  EXPECT_EQ(field(compose(mail), "Subject"), " two  blanks");
  mail.subject = " leading";
  EXPECT_EQ(field(compose(mail), "Subject"), " =?utf-8?q?_leading?=");
  mail.subject.clear();
  EXPECT_EQ(field(compose(mail), "Subject"), "");
}

TEST(Compose, CutsEndlessReferencesInTheMiddle) {
  Composition mail = plain_mail();
  for (int i = 0; i < 250; ++i) mail.references.push_back(fmt::format("r{}@x.example", i));
  const std::string references = field(compose(mail), "References");
  EXPECT_EQ(std::ranges::count(references, '<'), 100);
  EXPECT_THAT(references, HasSubstr("<r0@x.example>"));
  EXPECT_THAT(references, Not(HasSubstr("<r150@x.example>")));
  EXPECT_THAT(references, HasSubstr("<r151@x.example>"));
  EXPECT_THAT(references, HasSubstr("<r249@x.example>"));
}

TEST(Compose, LetsNoFieldStartAnother) {
  for (const std::string& evil :
       {std::string("x\r\nBcc: evil@x.example"), std::string("x\nBcc: evil@x.example"),
        std::string("x\rBcc: evil@x.example"), std::string("x\r\n\r\nBcc: evil@x.example"),
        std::string("x\0\r\nBcc: evil@x.example", 24),
        std::string("x\xc2\x85"
                    "Bcc: evil@x.example"),
        std::string("ö\r\nBcc: evil@x.example"), std::string("=?utf-8?q?x=0D=0ABcc:_evil@x.example?=")}) {
    Sample sample;
    Composition& mail = sample.composition;
    mail = plain_mail();
    mail.from = {evil, "support@agents.example"};
    mail.to = {evil};
    mail.cc = {"\"" + evil + "\" <a@b.example>"};
    mail.reply_to = evil;
    mail.subject = evil;
    mail.message_id = evil;
    mail.in_reply_to = evil;
    mail.references = {evil};
    mail.extra_headers = {{"X-E2A-Message-ID", evil}, {evil, "x"}, {"Bcc", "evil@x.example"}, {"X Y", "z"}};
    sample.attach(evil, evil, evil);
    sample.attach(evil, "text/plain; x=\"" + evil + "\"", evil);
    const std::string message = compose(mail);
    expect_sound(message);
    for (const std::string_view line : lines(message)) EXPECT_FALSE(line.starts_with("Bcc")) << line;
  }
}

TEST(Compose, NamesAttachmentsSafely) {
  const auto disposition = [](std::string filename) {
    Sample sample;
    sample.composition = plain_mail();
    sample.attach(std::move(filename), "application/pdf", "x");
    const std::string message = compose(sample.composition);
    return field(message, "Content-Disposition");
  };
  EXPECT_EQ(disposition("report.pdf"), " attachment;\r\n filename=\"report.pdf\"");
  EXPECT_EQ(disposition("../../etc/passwd"), " attachment;\r\n filename=\"....etcpasswd\"");
  EXPECT_EQ(disposition("C:\\temp\\x.pdf"), " attachment;\r\n filename=\"C:tempx.pdf\"");
  EXPECT_EQ(disposition("a\r\nb\x7f.pdf"), " attachment;\r\n filename=\"ab.pdf\"");
  EXPECT_EQ(disposition(""), " attachment;\r\n filename=\"attachment\"");
  EXPECT_EQ(disposition(".."), " attachment;\r\n filename=\"attachment\"");
  EXPECT_EQ(disposition("a\"b.pdf"), " attachment;\r\n filename*=utf-8''a%22b.pdf");
  EXPECT_EQ(disposition("Angebot für Ž.pdf"),
            " attachment;\r\n filename*=utf-8''Angebot%20f%C3%BCr%20%C5%BD.pdf");
  EXPECT_EQ(disposition("gpj.\xe2\x80\xae"
                        "exe"),
            " attachment;\r\n filename=\"gpj.exe\"");
}

TEST(Compose, TakesOnlyUsableContentTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {"image/png", "image/png"},
      {"  Text/CSV ; header=present", "Text/CSV;\r\n header=present"},
      {"text/plain; charset=\"iso-8859-1\"; name=\"evil.exe\"", "text/plain;\r\n charset=\"iso-8859-1\""},
      {"application/vnd.ms-excel;", "application/vnd.ms-excel"},
      {"text/plain; charset", "application/octet-stream"},
      {"text/plain; charset=\"open", "application/octet-stream"},
      {"text/plain charset=utf-8", "application/octet-stream"},
      {"text/plain; a=\"\x01\"", "application/octet-stream"},
      {"text", "application/octet-stream"},
      {"", "application/octet-stream"},
      {"a/b/c", "application/octet-stream"},
      {"te xt/plain", "application/octet-stream"},
      {"message/rfc822", "application/octet-stream"},
      {"Multipart/Mixed; boundary=x", "application/octet-stream"},
  };
  for (const auto& [given, expected] : cases) {
    Sample sample;
    sample.composition = plain_mail();
    sample.attach("x", given, "x");
    EXPECT_THAT(compose(sample.composition),
                HasSubstr(fmt::format("\r\nContent-Type: {};\r\n name=\"x\"\r\n", expected)))
        << given;
  }
}

TEST(Compose, IsDeterministicAndSoundForAnyInput) {
  std::mt19937_64 random(20261123);
  for (int round = 0; round < 1'000; ++round) {
    const Sample sample = testing_support::random_sample(random);
    const std::string message = compose(sample.composition);
    ASSERT_EQ(message, compose(sample.composition));
    ASSERT_NO_FATAL_FAILURE(expect_sound(message)) << message;
  }
}

}  // namespace
}  // namespace countersign::mail
