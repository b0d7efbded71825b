#include "mail/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <future>
#include <random>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/test_support.hpp"

namespace countersign::mail {
namespace {

using testing_support::Sample;

boost::json::array array_of(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

// One member per line: a golden file is read as a diff.
std::string dump(std::string_view raw) {
  const Message message = parse(raw);
  boost::json::array attachments;
  for (const AttachmentInfo& info : message.attachments) {
    attachments.push_back(
        boost::json::object{{"index", info.index},
                            {"filename", info.filename},
                            {"content_type", info.content_type},
                            {"content_id", info.content_id},
                            {"size_bytes", info.size_bytes},
                            {"sha256", sha256_hex(attachment_content(raw, info.index).value())}});
  }
  boost::json::array from;
  if (message.from) from = {message.from->display_name, message.from->address};
  const boost::json::object json = {{"from", from},
                                    {"to", array_of(message.to)},
                                    {"cc", array_of(message.cc)},
                                    {"reply_to", array_of(message.reply_to)},
                                    {"subject", message.subject},
                                    {"message_id", message.message_id},
                                    {"in_reply_to", message.in_reply_to},
                                    {"references", array_of(message.references)},
                                    {"conversation_header", message.conversation_header},
                                    {"text", message.text},
                                    {"text_truncated", message.text_truncated},
                                    {"html", message.html},
                                    {"attachments", attachments}};
  std::string out = "{\n";
  for (const auto& member : json) {
    out += fmt::format("  {}: {}{}\n", boost::json::serialize(boost::json::value(member.key())),
                       boost::json::serialize(member.value()), &member == &*std::prev(json.end()) ? "" : ",");
  }
  return out + "}\n";
}

TEST(Parse, MatchesTheGoldenReadings) {
  int seen = 0;
  for (const char* folder : {"src/mail/testdata/parse", "src/mail/testdata/compose"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".eml") continue;
      SCOPED_TRACE(entry.path().string());
      ++seen;
      const std::string reading = dump(testing_support::read_file(entry.path()));
      const std::string golden = std::filesystem::path(entry.path()).replace_extension(".parsed");
      if (std::getenv("UPDATE_GOLDEN") != nullptr) testing_support::write_file(golden, reading);
      EXPECT_EQ(reading, testing_support::read_file(golden));
    }
  }
  EXPECT_GE(seen, 15);
}

std::vector<std::string> bare(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) out.push_back(bare_address(text));
  return out;
}

// Header text as compose promises to deliver it.
std::string single_line(std::string_view text) {
  std::string out(text);
  for (const std::string_view control : {"\xc2\x85", "\xe2\x80\xa8"}) {
    for (std::size_t at; (at = out.find(control)) != std::string::npos;) out.replace(at, control.size(), " ");
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

std::string with_lf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out.push_back(text[i] == '\r' ? '\n' : text[i]);
  }
  return out;
}

TEST(Parse, ReadsBackWhatWasComposed) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 1'000; ++round) {
    const Sample sample = testing_support::random_sample(random);
    const Composition& mail = sample.composition;
    const std::string raw = compose(mail);
    SCOPED_TRACE(raw.substr(0, 1500));
    const Message message = parse(raw);
    ASSERT_TRUE(message.from);
    ASSERT_EQ(message.from->address, mail.from.address);
    ASSERT_EQ(trim(message.from->display_name), trim(single_line(mail.from.display_name)));
    ASSERT_EQ(message.to, bare(mail.to));
    ASSERT_EQ(message.cc, bare(mail.cc));
    ASSERT_EQ(message.subject, single_line(mail.subject));
    ASSERT_EQ(message.message_id, mail.message_id);
    ASSERT_EQ(message.conversation_header, single_line(mail.extra_headers[1].second));
    ASSERT_EQ(message.attachments.size(), mail.attachments.size());
    for (std::size_t i = 0; i < mail.attachments.size(); ++i) {
      ASSERT_EQ(message.attachments[i].size_bytes,
                static_cast<std::int64_t>(mail.attachments[i].content.size()));
      ASSERT_EQ(attachment_content(raw, static_cast<std::int64_t>(i)), mail.attachments[i].content);
    }
    ASSERT_THAT(message.html, testing::AnyOf(with_lf(mail.html), with_lf(mail.html) + "\n"));
    if (mail.text.find('>') == std::string::npos && !trim(mail.text).empty()) {
      ASSERT_THAT(message.text, testing::AnyOf(with_lf(mail.text), with_lf(mail.text) + "\n"));
    }
  }
}

TEST(Parse, JoinsEncodedWordsWhateverTheirPadding) {
  EXPECT_EQ(parse("Subject: =?utf-8?b?w7bDtg==?=\r\n =?utf-8?B?5ryi5a2X?= =?utf-8?q?_x?=\r\n\r\n").subject,
            "öö漢字 x");
  EXPECT_EQ(parse("From: =?utf-8?b?w7Y=?= =?utf-8?b?w7Y=?= <a@b.example>\r\n\r\n").from->display_name, "öö");
}

TEST(Parse, CutsTextAtACodePointAndSaysSo) {
  const std::string just = std::string(16 * 1024 - 1, 'x');
  const Message whole = parse("\r\n" + just + "y");
  EXPECT_EQ(whole.text.size(), 16u * 1024);
  EXPECT_FALSE(whole.text_truncated);
  const Message cut = parse("Content-Type: text/plain; charset=utf-8\r\n\r\n" + just + "öy");
  EXPECT_EQ(cut.text, just);
  EXPECT_TRUE(cut.text_truncated);
  EXPECT_EQ(parse("Content-Type: text/html\r\n\r\n" + std::string(3 << 20, 'x')).html.size(), 1u << 20);
}

TEST(Parse, ReadsBase64WithoutItsPadding) {
  for (const auto& [digits, bytes] :
       {std::pair("QUI", "AB"), {"QQ", "A"}, {"QUJD", "ABC"}, {"QUI=\r\n", "AB"}}) {
    const std::string raw = "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    EXPECT_EQ(attachment_content(raw + digits, 0), bytes);
  }
}

TEST(Parse, FindsNoAttachmentBeyondTheLast) {
  const std::string raw = testing_support::read_file("src/mail/testdata/compose/everything.eml");
  EXPECT_TRUE(attachment_content(raw, 3));
  EXPECT_FALSE(attachment_content(raw, 4));
  EXPECT_FALSE(attachment_content(raw, -1));
}

std::string repeat(std::string_view piece, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += piece;
  return out;
}

std::string nested(int depth) {
  std::string out = "From: a@b.example\r\n";
  for (int i = 0; i < depth; ++i) {
    out += fmt::format("Content-Type: multipart/mixed; boundary=b{0}\r\n\r\n--b{0}\r\n", i);
  }
  return out;
}

TEST(Parse, ReadsWhatCharsetLabelsMeanInMail) {
  const auto body = [](std::string_view charset, std::string_view bytes) {
    return parse(fmt::format("Content-Type: text/plain; charset={}\r\n\r\n{}", charset, bytes)).text;
  };
  EXPECT_EQ(body("iso-8859-1", "\x93hi\x94"), "“hi”");
  EXPECT_EQ(body("us-ascii", "\x93hi\x94"), "“hi”");
  EXPECT_EQ(body("us-ascii", "ü"), "ü");
  EXPECT_EQ(body("iso-8859-9", "\xfd\x80"), "ı€");
  EXPECT_EQ(body("gb2312", "\x86\xb4"), "喆");
  EXPECT_EQ(body("ks_c_5601-1987", "\x8c\x63"), "똠");
  EXPECT_EQ(body("shift_jis", "\x87\x40\xfa\x54"), "①￢");
  EXPECT_EQ(body("euc-jp", "\xad\xa1"), "①");
  EXPECT_EQ(body("iso-2022-jp", "a\x1b$B-!F|\x1b(IB\x1b(B~"), "a①日ﾂ~");
  EXPECT_EQ(parse("Subject: =?gb2312?B?hrQ=?= =?iso-8859-1*en?q?=80?=\r\n\r\n").subject, "喆€");
}

TEST(Parse, KeepsWhatAForwardIsAbout) {
  const auto text = [](std::string_view subject) {
    return parse(fmt::format(
                     "Subject: {}\r\n\r\nPlease see.\r\n\r\nFrom: Ada <a@b.example>\r\nSent: Monday\r\nTo: "
                     "Bob\r\nSubject: Offer\r\n\r\nThe offer.",
                     subject))
        .text;
  };
  EXPECT_THAT(text("FW: Offer"), testing::HasSubstr("The offer."));
  EXPECT_THAT(text("=?utf-8?q?WG=3A_Offer?="), testing::HasSubstr("The offer."));
  EXPECT_EQ(text("Re: Offer"), "Please see.");
}

TEST(Parse, ReadsUnknownKindsOfTextAsPlainText) {
  const auto body = [](std::string_view type) {
    return parse(fmt::format("Content-Type: {}\r\n\r\nhello", type)).text;
  };
  for (const char* type : {"text/markdown", "text/enriched", "text/x-unheard-of; charset=utf-8"})
    EXPECT_EQ(body(type), "hello") << type;
  for (const char* type : {"text/calendar", "text/x-amp-html", "text/watch-html", "text/css",
                           "text/rfc822-headers", "application/json"})
    EXPECT_EQ(body(type), "") << type;
  const std::string raw =
      "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/enriched\r\n\r\n"
      "<bold>rich</bold>\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n";
  EXPECT_EQ(parse(raw).text, "plain");
  EXPECT_EQ(decompose("Content-Type: text/markdown\r\n\r\n# hello").text, "# hello");
}

TEST(Parse, PassesOverAnAlternativeOfBlanks) {
  const auto text = [](std::string_view plain) {
    return parse(fmt::format("Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: "
                             "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                             "base64\r\n\r\n{}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>seen\r\n--b--\r\n",
                             base64_encode(plain)))
        .text;
  };
  EXPECT_EQ(text(" \r\n "), "seen");
  EXPECT_EQ(text("\u00a0\u200b\n"), "seen");
  EXPECT_EQ(text(std::string(100'000, ' ')), "seen");
  EXPECT_THAT(text(std::string(1000, ' ') + "x"), testing::EndsWith("x"));
}

TEST(Parse, AnAddressThatCannotBeUsedIsAnotherAuthor) {
  const auto from = [](std::string_view value) { return parse(fmt::format("From: {}\r\n\r\n", value)).from; };
  EXPECT_FALSE(from("x@bad_domain.example, a@evil.example"));
  EXPECT_FALSE(from("a@evil.example, x@bad_domain.example"));
  EXPECT_FALSE(author_of("From: x@bad_domain.example, a@evil.example\r\n\r\n").mailbox);
  EXPECT_EQ(from("Last, First <a@b.example>").value().address, "a@b.example");
  EXPECT_EQ(from("\"x@y.example, z\" <a@b.example>").value().address, "a@b.example");
  EXPECT_EQ(from("a@b.example,").value().address, "a@b.example");
}

TEST(Parse, ReadsLongLocalParts) {
  const std::string address = std::string(70, 'a') + "@b.example";
  const Message message = parse("From: Ada <" + address + ">\r\nTo: " + address + "\r\n\r\n");
  EXPECT_EQ(message.from.value().address, address);
  EXPECT_EQ(message.to, std::vector<std::string>{address});
}

TEST(Parse, LeavesOutIdsThatAreLongerThanALine) {
  const auto id = [](std::size_t octets) { return std::string(octets - 2, 'x') + "@y"; };
  const auto read = [&](std::size_t octets) {
    return parse("Message-ID: <" + id(octets) + ">\r\nIn-Reply-To: " + id(octets) +
                 "\r\nReferences: <a@b> <" + id(octets) + ">\r\n\r\n");
  };
  const Message fits = read(998);
  EXPECT_EQ(fits.message_id, id(998));
  EXPECT_EQ(fits.in_reply_to, id(998));
  EXPECT_EQ(fits.references.size(), 2u);
  const Message longer = read(999);
  EXPECT_EQ(longer.message_id, "");
  EXPECT_EQ(longer.in_reply_to, "");
  EXPECT_EQ(longer.references, std::vector<std::string>{"a@b"});
}

TEST(Decompose, GivesBackWhatWasComposed) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 50; ++i) {
    const Sample sample = testing_support::random_sample(random);
    const std::string raw = compose(sample.composition);
    const Decomposition parts = decompose(raw);
    const Message read = parse(raw);
    EXPECT_EQ(parts.subject, read.subject);
    ASSERT_EQ(parts.to.size(), read.to.size());
    for (std::size_t n = 0; n < read.to.size(); ++n) EXPECT_EQ(bare_address(parts.to[n].address), read.to[n]);
    EXPECT_EQ(parts.html, read.html);
    ASSERT_GE(parts.parts.size(), read.attachments.size());
    for (const CarriedPart& part : parts.parts)
      EXPECT_TRUE(is_utf8(part.filename) && is_utf8(part.content_id));
    for (const auto& [name, value] : parts.headers) {
      EXPECT_TRUE(is_utf8(value));
      EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
      EXPECT_NE(ascii_lower(name), "bcc");
    }
  }
}

TEST(Decompose, KeepsHistoryAndPartsThatAReaderSkips) {
  const Decomposition parts = decompose(
      "From: A <a@x.example>, b@x.example\r\nTo: =?utf-8?q?J=C3=B6?= <j@x.example>\r\nCc: c@x.example\r\n"
      "Bcc: secret@x.example\r\nReply-To: r@x.example\r\nSubject: s\r\nDate: now\r\nMessage-ID: <1@x>\r\n"
      "DKIM-Signature: v=1\r\nReferences: <a@x>\r\n <b@x>\r\nX-One: =?utf-8?q?=C3=BC?=\r\nMIME-Version: "
      "1.0\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\n\r\nnew\r\nOn Monday X wrote:\r\n> old\r\n"
      "--b\r\nContent-Type: text/html\r\n\r\n<b>h</b>\r\n"
      "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n"
      "--b\r\nContent-Type: image/png\r\nContent-ID: <pic>\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nAAEC\r\n"
      "--b\r\nContent-Type: text/calendar\r\n\r\nBEGIN\r\n--b--\r\n");
  EXPECT_EQ(parts.from, (std::vector<Mailbox>{{"A", "a@x.example"}, {"", "b@x.example"}}));
  EXPECT_EQ(parts.to, (std::vector<Mailbox>{{"J\xc3\xb6", "j@x.example"}}));
  EXPECT_EQ(parts.cc, (std::vector<Mailbox>{{"", "c@x.example"}}));
  EXPECT_EQ(parts.reply_to, (std::vector<Mailbox>{{"", "r@x.example"}}));
  EXPECT_EQ(parts.text, "new\nOn Monday X wrote:\n> old");
  EXPECT_EQ(parts.html, "<b>h</b>");
  EXPECT_EQ(parts.headers, (std::vector<std::pair<std::string, std::string>>{{"References", "<a@x> <b@x>"},
                                                                             {"X-One", "\xc3\xbc"}}));
  ASSERT_EQ(parts.parts.size(), 3U);
  EXPECT_EQ(parts.parts[0].filename, "a.txt");
  EXPECT_EQ(parts.parts[0].content, "attached");
  EXPECT_EQ(parts.parts[1].content_id, "pic");
  EXPECT_EQ(parts.parts[1].content, std::string("\0\1\2", 3));
  EXPECT_EQ(parts.parts[2].content_type, "text/calendar");
}

TEST(Parse, LeavesOutWhatLiesBeyondACap) {
  EXPECT_EQ(parse(nested(10) + "\r\ninside").text, "inside");
  EXPECT_EQ(parse(nested(11) + "\r\ninside").text, "");
  const std::string part = "--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n";
  const Message parts =
      parse("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat(part, 600 * part.size()));
  EXPECT_EQ(parts.attachments.size(), 500u);
  const std::string late = "Subject: late\r\nTo: a@b.example\r\n\r\nbody";
  EXPECT_EQ(parse(repeat("X: y\r\n", 300'000) + late).subject, "");
  EXPECT_EQ(parse(repeat("X: y\r\n", 300'000) + late).text, "body");
  EXPECT_EQ(parse(repeat("X: y\r\n", 5'000) + late).subject, "late");
  EXPECT_EQ(parse("To: " + repeat("a@b.example,", 70'000) + "\r\n" + late).to,
            std::vector<std::string>{"a@b.example"});
  EXPECT_EQ(parse("To: " + repeat("a@b.example,", 60'000) + "\r\n\r\n").to.size(), 1000u);
}

TEST(Parse, EndsAnAddressThatHoldsTooManySeparators) {
  const auto named = [](std::size_t commas) {
    return parse("From: \"" + std::string(commas, ',') + "\" <a@b.example>\r\n\r\n").from;
  };
  EXPECT_EQ(named(64).value().display_name, std::string(64, ','));
  EXPECT_EQ(named(65).value().display_name, "");
}

TEST(Parse, ReadsFewEncodedWordsThatNeverEnd) {
  const auto unended = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "=?x?q?a b ";
    return text;
  };
  const std::string ended = "=?utf-8?q?=C3=BC?= ";
  EXPECT_EQ(parse("Subject: " + ended + unended(16) + "c\r\n\r\n").subject, "ü " + unended(16) + "c");
  EXPECT_EQ(parse("Subject: " + unended(15) + "=?x?q?a " + "=?x?q?b c\r\n\r\n").subject,
            unended(15) + "=?x?q?a =_x?q?b c");
}

TEST(Parse, ReadsFewCommentsOfLongParameters) {
  const auto named = [](std::size_t count, std::size_t beside) {
    return parse(fmt::format("Content-Disposition: attachment; filename=\"{}\"; x={}\r\n\r\nx",
                             std::string(count, '('), std::string(beside, 'y')))
        .attachments.at(0)
        .filename;
  };
  EXPECT_EQ(named(17, 1), std::string(17, '('));
  EXPECT_EQ(named(16, 500), std::string(16, '('));
  EXPECT_EQ(named(17, 500), std::string(16, '(') + "_");
}

TEST(Parse, TakesNoBoundaryWithALineEnd) {
  for (const std::string_view boundary : {"boundary*=us-ascii''a%0Ab", "boundary=\"=?utf-8?q?a=0Ab?=\""}) {
    const Message message =
        parse(fmt::format("Content-Type: multipart/mixed; {}\r\n\r\n--a\nb\r\n\r\nx", boundary));
    EXPECT_EQ(message.text, "--a\nb\n\nx") << boundary;
  }
}

// Inputs that made a decoder, a list or a tree take more than linear time somewhere.
TEST(Parse, ABoundaryMayConsistOfParentheses) {
  const std::string boundary(70, '(');
  const Message message = parse(fmt::format(
      "Content-Type: multipart/mixed; boundary=\"{0}\"\r\n\r\n--{0}\r\n\r\nthe text\r\n--{0}--\r\n",
      boundary));
  EXPECT_EQ(message.text, "the text");
}

TEST(Parse, TakesTimeInProportionToHostileMail) {
  std::vector<std::string> mails;
  for (const std::string_view piece : {"a, ", "a: ", "a:b; ", "<a@b ", "<a, ", "((a) ", "=?",
                                       "=?utf-8?b?w7bCoA==?=", "=?a?q?", "=??q?a ", "a=(x;"}) {
    for (const std::string_view field :
         {"From: ", "To: ", "Subject: ", "Content-Type: a/b; x=", "References: <"}) {
      mails.push_back(std::string(field) + repeat(piece, 60'000) + "\r\n\r\nx");
    }
  }
  for (const std::string_view piece : {"\n", "--\n", "-", "X: y\n"})
    mails.push_back(nested(10) + repeat(piece, 4 << 20));
  mails.push_back(repeat(nested(1), 1 << 20));
  mails.push_back("Content-Type: multipart/mixed; boundary=" + std::string(60'000, '-') + "\r\n\r\n" +
                  repeat("-", 4 << 20));
  mails.push_back("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat("--b\r\n\r\n", 4 << 20));
  mails.push_back(repeat("X: y\r\n", 4 << 20));
  mails.push_back("X: y" + repeat("\r\n y", 4 << 20));
  for (const std::string& mail : mails) {
    const std::clock_t start = std::clock();  // processor time: other load hardly counts
    (void)parse(mail);
    EXPECT_LT(std::clock() - start, 60 * CLOCKS_PER_SEC) << mail.substr(0, 60);
  }
}

void expect_clean(const Message& message) {
  const auto clean = [](std::string_view text) {
    ASSERT_TRUE(is_utf8(text));
    ASSERT_EQ(text.find('\0'), std::string_view::npos);
  };
  const auto one_line = [&](std::string_view text) {
    clean(text);
    ASSERT_EQ(text.find_first_of("\r\n"), std::string_view::npos);
  };
  for (const std::string* text :
       {&message.subject, &message.message_id, &message.in_reply_to, &message.conversation_header}) {
    one_line(*text);
  }
  for (const auto* list : {&message.to, &message.cc, &message.reply_to}) {
    for (const std::string& address : *list) ASSERT_EQ(bare_address(address), address);
  }
  for (const std::string& id : message.references) one_line(id);
  if (message.from) {
    one_line(message.from->display_name);
    ASSERT_TRUE(parse_received_mailbox(message.from->address));
  }
  clean(message.text);
  clean(message.html);
  ASSERT_LE(message.text.size(), 16u * 1024);
  for (const AttachmentInfo& info : message.attachments) {
    one_line(info.filename);
    one_line(info.content_type);
    one_line(info.content_id);
  }
}

TEST(Parse, ReadsAnyBytesIntoACleanMessage) {
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("src/mail/testdata")) {
    if (entry.path().extension() == ".eml") seeds.push_back(testing_support::read_file(entry.path()));
  }
  ASSERT_FALSE(seeds.empty());
  std::mt19937_64 random(20261123);
  for (int round = 0; round < 5'000; ++round) {
    std::string mail = seeds[random() % seeds.size()];
    const std::string& other = seeds[random() % seeds.size()];
    for (std::size_t edits = 1 + random() % 8; edits > 0; --edits) {
      const std::size_t at = random() % (mail.size() + 1);
      const std::size_t from = random() % other.size();
      switch (random() % 4) {
        case 0:
          mail.insert(at, 1, static_cast<char>(random()));
          break;
        case 1:
          mail.erase(at, random() % 40);
          break;
        case 2:
          mail.insert(at, other, from, random() % 200);
          break;
        default:
          mail.replace(at, random() % 20, other, from, random() % 20);
          break;
      }
    }
    const Message message = parse(mail);
    ASSERT_NO_FATAL_FAILURE(expect_clean(message)) << mail;
    for (const AttachmentInfo& info : message.attachments) {
      const auto content = attachment_content(mail, info.index);
      ASSERT_TRUE(content) << mail;
      ASSERT_EQ(static_cast<std::int64_t>(content->size()), info.size_bytes) << mail;
    }
  }
}

TEST(Parse, RunsOnManyThreadsAtOnce) {
  const std::string raw = testing_support::read_file("src/mail/testdata/parse/shift_jis.eml");
  const std::string expected = parse(raw).text;
  std::vector<std::future<bool>> readers;
  for (int i = 0; i < 8; ++i) {
    readers.push_back(std::async(std::launch::async, [&] {
      bool same = true;
      for (int round = 0; round < 200; ++round) same = same && parse(raw).text == expected;
      return same;
    }));
  }
  for (auto& reader : readers) EXPECT_TRUE(reader.get());
}

// A reader that left the true author out would take the forged one for the only one.
TEST(Parse, AnAuthorBehindMuchPaddingIsCounted) {
  const std::string raw = "From: ceo@victim.example\r\nFrom:" + std::string(65 * 1024, ' ') +
                          "alice@victim.example\r\nSubject: x\r\n\r\ntext\r\n";
  EXPECT_EQ(author_of(raw).fields, 2U);
  EXPECT_EQ(author_of("From:" + std::string(65 * 1024, ' ') + "alice@victim.example\r\n\r\n").fields, 1U);
}

}  // namespace
}  // namespace countersign::mail
