#include "mail/dsn.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <random>

#include "base/text.hpp"
#include "mail/test_support.hpp"

namespace countersign::mail {
namespace {

namespace json = boost::json;
constexpr const char* kFolder = "src/mail/testdata/dsn";

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

// One member per line: a golden file is read as a diff.
std::string dump(const Report& report) {
  std::string out = fmt::format("kind: {}\n", name_of(report.kind));
  for (const ReportRecipient& r : report.recipients) {
    out += fmt::format("{} {} {} ({})\n  detail: {}\n  remote: {}\n", name_of(r.action), r.address,
                       r.status.empty() ? "-" : r.status, r.final_address, r.detail, r.remote_mta);
  }
  const auto line = [&out](std::string_view name, const json::value& value) {
    out += fmt::format("{}: {}\n", name, json::serialize(value));
  };
  line("feedback_type", json::value(report.feedback_type));
  line("complained", array_of(report.complained));
  line("original_envelope_from", json::value(report.original_envelope_from));
  line("original.message_id", json::value(report.original.message_id));
  line("original.e2a_message_id", json::value(report.original.e2a_message_id));
  line("original.to", array_of(report.original.to));
  line("delivered_to", array_of(report.delivered_to));
  line("null_sender", report.null_sender);
  line("auto_submitted", report.auto_submitted);
  return out;
}

std::vector<std::filesystem::path> samples() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".eml") paths.push_back(entry.path());
  }
  return paths;
}

Report read_sample(const std::string& name) {
  return read_report(testing_support::read_file(fmt::format("{}/{}.eml", kFolder, name)));
}

std::string report_about(std::string_view fields) {
  return fmt::format(
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
      "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n{}\r\n--b--\r\n",
      fields);
}

TEST(Dsn, ReadsWhatServersWriteAsTheGoldenFilesSay) {
  const auto paths = samples();
  for (const auto& path : paths) {
    SCOPED_TRACE(path.string());
    const std::string reading = dump(read_report(testing_support::read_file(path)));
    const std::string golden = std::filesystem::path(path).replace_extension(".report");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) testing_support::write_file(golden, reading);
    EXPECT_EQ(reading, testing_support::read_file(golden));
  }
  EXPECT_GE(paths.size(), 13u);
}

TEST(Dsn, AReportReadsTheSameWithTheLineEndsOfMailAndOfFiles) {
  for (const auto& path : samples()) {
    SCOPED_TRACE(path.string());
    const std::string with_lf = testing_support::read_file(path);
    ASSERT_EQ(with_lf.find('\r'), std::string::npos);
    std::string with_crlf;
    for (const char c : with_lf) with_crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    EXPECT_EQ(dump(read_report(with_crlf)), dump(read_report(with_lf)));
  }
}

TEST(Dsn, TheAddressThatTheSenderUsedComesBeforeTheOneItWasRewrittenTo) {
  const Report report = read_sample("exchange");
  ASSERT_EQ(report.recipients.size(), 1u);
  EXPECT_EQ(report.recipients[0].address, "gone@contoso.example");
  EXPECT_EQ(report.recipients[0].final_address, "gone.user@contoso.example");
}

TEST(Dsn, AnAddressInXtextOrInEscapedUtf8IsDecoded) {
  EXPECT_EQ(read_sample("several_recipients").recipients.at(0).address, "one@example.org");
  EXPECT_EQ(read_sample("internationalised").recipients.at(0).address, "grün@müller.example");
}

TEST(Dsn, APlusInAnAddressIsNoXtext) {
  const Report report =
      read_report(report_about("Final-Recipient: rfc822; ada+40news@example.org\r\nAction: failed\r\n"));
  ASSERT_EQ(report.recipients.size(), 1u);
  EXPECT_EQ(report.recipients[0].address, "ada+40news@example.org");
}

TEST(Dsn, ABounceInAFormOfItsOwnIsNoReport) {
  const Report report = read_sample("qmail");
  EXPECT_EQ(report.kind, ReportKind::none);
  EXPECT_TRUE(report.recipients.empty());
  EXPECT_TRUE(report.null_sender);
}

TEST(Dsn, AReportThatSomebodyForwardsIsNotTheirReport) {
  EXPECT_EQ(read_sample("nested_in_a_forward").kind, ReportKind::none);
}

TEST(Dsn, AReadReceiptAndAnAutomaticAnswerAreNoReports) {
  EXPECT_EQ(read_sample("read_receipt").kind, ReportKind::none);
  EXPECT_EQ(read_sample("out_of_office").kind, ReportKind::none);
  EXPECT_TRUE(read_sample("out_of_office").auto_submitted);
}

TEST(Dsn, WhatItQuotesFitsTheJournal) {
  const std::string raw = report_about(
      "Final-Recipient: rfc822; a@example.org\r\nAction: failed\r\n"
      "Diagnostic-Code: smtp; 550 " +
      std::string(5000, 'x') + "\xff\x01\r\n");
  const Report report = read_report(raw);
  ASSERT_EQ(report.recipients.size(), 1u);
  EXPECT_EQ(report.recipients[0].detail.size(), kReportTextBytesMax);
}

TEST(Dsn, RecipientsBeyondTheMaximumAreLeftOut) {
  std::string fields;
  for (int i = 0; i < 5000; ++i) {
    fields += fmt::format("Final-Recipient: rfc822; r{}@example.org\r\nAction: failed\r\n\r\n", i);
  }
  EXPECT_EQ(read_report(report_about(fields)).recipients.size(), kReportRecipientsMax);
}

void expect_presentable(const Report& report) {
  EXPECT_LE(report.recipients.size(), kReportRecipientsMax);
  std::vector<std::string> texts = {report.feedback_type, report.original.message_id,
                                    report.original.e2a_message_id, report.original_envelope_from};
  for (const ReportRecipient& r : report.recipients) {
    EXPECT_FALSE(r.address.empty());
    texts.insert(texts.end(), {r.address, r.final_address, r.status, r.detail, r.remote_mta});
  }
  for (const auto* list : {&report.complained, &report.original.to, &report.delivered_to}) {
    EXPECT_LE(list->size(), kReportAddressesMax);
    texts.insert(texts.end(), list->begin(), list->end());
  }
  for (const std::string& text : texts) {
    EXPECT_LE(text.size(), kReportTextBytesMax);
    EXPECT_TRUE(is_utf8(text));
    for (const char c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

TEST(Dsn, AnyBytesAreReadIntoPresentableText) {
  std::mt19937_64 random(20261124);
  for (const auto& path : samples()) {
    SCOPED_TRACE(path.string());
    const std::string sound = testing_support::read_file(path);
    for (int round = 0; round < 60; ++round) {
      std::string raw = sound;
      for (std::size_t changes = 1 + random() % 12; changes > 0; --changes) {
        const std::size_t at = random() % raw.size();
        switch (random() % 4) {
          case 0:
            raw[at] = static_cast<char>(random());
            break;
          case 1:
            raw.erase(at, random() % 40);
            break;
          case 2:
            raw.insert(at, raw.substr(random() % raw.size(), random() % 200));
            break;
          default:
            raw.insert(at, std::string(random() % 3, "\n\r;\0"[random() % 4]));
        }
        if (raw.empty()) raw = "x";
      }
      expect_presentable(read_report(raw));
    }
  }
}

}  // namespace
}  // namespace countersign::mail
