#include "mail/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/test_support.hpp"

namespace countersign::mail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
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
  for (int round = 0; round < 2'000; ++round) {
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

}  // namespace
}  // namespace countersign::mail
