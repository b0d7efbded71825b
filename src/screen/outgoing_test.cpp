// What must not leave, measured against labelled mail of our own (tests/corpus/screening/outgoing).
#include "screen/outgoing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "screen/corpus_reader.hpp"

namespace countersign::screen {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kFolder = "tests/corpus/screening/outgoing";
constexpr std::array kLevels{Sensitivity::low, Sensitivity::medium, Sensitivity::high};
constexpr std::array<std::string_view, 3> kLevelNames{"low", "medium", "high"};

struct Judged {
  std::string name;
  std::string label;
  std::string kind;
  bool held_out = false;
  Report report;
  [[nodiscard]] bool leak() const { return label == "leak"; }
};

struct Attached {
  std::string name;
  std::string content;
};

Judged judged(const CorpusEntry& entry) {
  Judged out{entry.name, "", "", entry.held_out, {}};
  std::istringstream in(entry.text);
  std::string line;
  std::getline(in, line);
  std::istringstream(line) >> out.label >> out.kind;
  std::string subject;
  while (std::getline(in, line) && !line.empty()) {
    if (line.starts_with("Subject: ")) subject = with_characters(line.substr(9));
  }
  std::string text;
  std::string html;
  std::vector<Attached> attached;
  for (std::string* body = &text; std::getline(in, line);) {
    if (line == "---- html") {
      body = &html;
    } else if (line.starts_with("---- attachment ")) {
      attached.push_back({line.substr(16), ""});
      body = &attached.back().content;
    } else {
      *body += with_characters(line) + "\n";
    }
  }
  Outgoing message{"desk@agents.example", subject, text, html, {}};
  for (const Attached& one : attached) message.attachments.push_back({one.name, "text/plain", one.content});
  out.report = screen_outgoing(message);
  return out;
}

const std::vector<Judged>& corpus() {
  static const std::vector<Judged> all = [] {
    std::vector<Judged> out;
    for (const CorpusEntry& entry : read_corpus(std::string(kFolder))) out.push_back(judged(entry));
    return out;
  }();
  return all;
}

std::string findings_of(const Report& report) {
  std::string out = fmt::format("{:.2f}", report.score);
  for (const Finding& one : report.findings) out += fmt::format(" {}={:.2f}", one.code, one.score);
  return out;
}

struct Count {
  std::size_t all = 0;
  std::array<std::size_t, 3> seen{};
  std::array<std::size_t, 3> held{};
  void add(const Report& report) {
    ++all;
    for (std::size_t i = 0; i < kLevels.size(); ++i) {
      seen[i] += static_cast<std::size_t>(judge(report, kLevels[i]) >= Verdict::flag);
      held[i] += static_cast<std::size_t>(judge(report, kLevels[i]) >= Verdict::review);
    }
  }
};

std::string table() {
  std::string out;
  for (const bool held_out : {false, true}) {
    Count leaks;
    Count ordinary;
    for (const Judged& one : corpus()) {
      if (one.held_out == held_out) (one.leak() ? leaks : ordinary).add(one.report);
    }
    out += fmt::format(
        "{}: {} leaking, {} ordinary mails\n\n| level | leaking held | seen | ordinary held | seen "
        "|\n|---|---|---|---|---|\n",
        held_out ? "Held out" : "Tuned on", leaks.all, ordinary.all);
    for (std::size_t i = 0; i < kLevels.size(); ++i) {
      out += fmt::format("| {} | {} | {} | {} | {} |\n", kLevelNames[i], leaks.held[i], leaks.seen[i],
                         ordinary.held[i], ordinary.seen[i]);
    }
    out += "\n";
  }
  std::map<std::pair<std::string, std::string>, Count> kinds;
  for (const Judged& one : corpus()) kinds[{one.label, one.kind}].add(one.report);
  out +=
      "Both halves by kind\n\n| label | kind | mails | held at low | medium | high | seen at medium "
      "|\n|---|---|---|---|---|---|---|\n";
  for (const auto& [kind, count] : kinds) {
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", kind.first, kind.second, count.all,
                       count.held[0], count.held[1], count.held[2], count.seen[1]);
  }
  return out;
}

TEST(OutgoingCorpus, GivesTheNumbersThatAreCommitted) {
  const std::string path = fmt::format("{}/results.md", kFolder);
  const std::string now = table();
  if (std::getenv("COUNTERSIGN_SHOW_MISSED") != nullptr) {
    for (const Judged& one : corpus()) {
      const Verdict verdict = judge(one.report, Sensitivity::medium);
      const bool wrong = one.leak() ? verdict < Verdict::review : verdict > Verdict::pass;
      if (wrong && !one.held_out) std::printf("%s: %s\n", one.name.c_str(), findings_of(one.report).c_str());
    }
  }
  if (std::getenv("COUNTERSIGN_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << now;
  std::ifstream in(path);
  const std::string committed{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(now, committed);
}

TEST(OutgoingCorpus, OrdinaryMailIsNotHeldAtMedium) {
  EXPECT_GE(corpus().size(), 100u);
  for (const Judged& one : corpus()) {
    if (one.leak() || one.kind == "security") continue;  // quotes an attack without calling it one
    EXPECT_LT(judge(one.report, Sensitivity::medium), Verdict::review)
        << one.name << " " << findings_of(one.report);
  }
}

Report written(std::string_view text) {
  return screen_outgoing({"desk@agents.example", "Re: hello", text, "", {}});
}

TEST(Outgoing, ShowsReviewersNothingSecret) {
  const std::string card = "4539 1488 0343 6467";
  const std::string password = "Tq7Vb2Nx9Rk4";
  const std::string key = std::string("gh") + "p_" + std::string("a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
  const Report report = written(fmt::format("card {}\nDB_PASSWORD={}\npassword is {}\n{}\nftp://me:{}@host/x",
                                            card, password, password, key, password));
  ASSERT_GE(report.findings.size(), 5u);
  for (const Finding& one : report.findings) {
    for (const std::string& secret : {card, password, key.substr(4)}) {
      EXPECT_THAT(one.excerpt, Not(HasSubstr(secret)));
      EXPECT_THAT(one.summary, Not(HasSubstr(secret)));
    }
  }
}

TEST(Outgoing, LooksIntoAttachmentsThatAreText) {
  const std::string secret = "DB_PASSWORD=Tq7Vb2Nx9Rk4\n";
  Outgoing message{"desk@agents.example", "files", "See attached.", "", {{"app.env", "text/plain", secret}}};
  EXPECT_GE(judge(screen_outgoing(message), Sensitivity::medium), Verdict::review);
  const std::string binary = std::string(4, '\0') + secret;
  message.attachments.front().content = binary;
  EXPECT_EQ(judge(screen_outgoing(message), Sensitivity::high), Verdict::pass);
}

TEST(Outgoing, ReadsAttachmentsInUtf16) {
  std::string utf16 = "\xff\xfe";
  for (const char c : std::string_view("DB_PASSWORD=Tq7Vb2Nx9Rk4\n")) utf16 += {c, '\0'};
  const Outgoing message{
      "desk@agents.example", "files", "See attached.", "", {{"app.csv", "text/csv", utf16}}};
  EXPECT_GE(judge(screen_outgoing(message), Sensitivity::medium), Verdict::review);
}

TEST(Outgoing, DecodesWhatAnAttachmentEncodes) {
  const std::string encoded = base64_encode("the password is Tq7Vb2Nx9Rk4 and you know where to use it");
  const Outgoing message{
      "desk@agents.example", "files", "See attached.", "", {{"a.txt", "text/plain", encoded}}};
  EXPECT_GE(judge(screen_outgoing(message), Sensitivity::high), Verdict::review);
}

TEST(Outgoing, SaysWhenAttachmentsAreNotReadToTheirEnd) {
  const std::string log(kScreenBytesMax, 'x');
  Outgoing message{"desk@agents.example", "log", "See attached.", "", {{"a.log", "text/plain", log}}};
  EXPECT_EQ(judge(screen_outgoing(message), Sensitivity::high), Verdict::pass);
  message.attachments.push_back({"b.log", "text/plain", "one more"});
  EXPECT_EQ(judge(screen_outgoing(message), Sensitivity::high), Verdict::flag);
  EXPECT_EQ(judge(screen_outgoing(message), Sensitivity::medium), Verdict::pass);
}

TEST(Outgoing, CountsASecretMoreWhenItIsEncoded) {
  const std::string secret = "the password is Tq7Vb2Nx9Rk4 and you know where to use it";
  const double plain = written(secret).score;
  EXPECT_GT(written(base64_encode(secret)).score, plain);
}

TEST(Outgoing, KnowsACardFromAnOrderNumber) {
  EXPECT_EQ(written("Order 4539148803436467").findings.at(0).score, 0.3);
  EXPECT_GE(written("My card: 4539148803436467").score, 0.6);
  EXPECT_EQ(written("Order 4539148803436468, test card 4242424242424242").score, 0);
}

TEST(Outgoing, TakesAnyBytes) {
  std::string all;
  for (int i = 0; i < 5000; ++i) all.push_back(static_cast<char>(i * 37));
  (void)screen_outgoing({all, all, all, all, {{all, all, all}}});
  (void)written(std::string(200'000, '@') + std::string(200'000, '4') + std::string(200'000, '-'));
}

}  // namespace
}  // namespace countersign::screen
