#include "provider/feedback/bounce.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

namespace countersign::provider::feedback {
namespace {

using outbox::BounceType;
using outbox::FeedbackKind;
using testing::ElementsAre;
using testing::IsEmpty;

const MessageId kMessage("msg_0123456789abcdef0123456789abcdef");
const MessageId kOther("msg_ffffffffffffffffffffffffffffffff");
constexpr UtcTime kNow = from_us(1'795'435'200'000'000);
// What the samples are addressed to; its token is none.
constexpr std::string_view kSampleAddress = "bounces+mfzwizltoqwxg5dsn5xgooltmvrxezlu@bounce.example.com";

class BounceTest : public testing::Test {
 protected:
  std::string path_of(const MessageId& message) const {
    return paths_.make("bounces@bounce.example.com", message);
  }
  /// A sample of the mail module, addressed to the return path of that message.
  std::string sample(const std::string& name, const MessageId& message = kMessage) const {
    std::ifstream file("src/mail/testdata/dsn/" + name + ".eml", std::ios::binary);
    std::string raw{std::istreambuf_iterator<char>(file), {}};
    EXPECT_NE(raw.find(kSampleAddress), std::string::npos) << name;
    for (auto at = raw.find(kSampleAddress); at != std::string::npos; at = raw.find(kSampleAddress)) {
      raw.replace(at, kSampleAddress.size(), path_of(message));
    }
    return raw;
  }
  Result<Bounce, NoBounce> read(const std::string& raw, const std::vector<std::string>& to = {}) const {
    return read_bounce(raw, to, paths_, kNow);
  }

  ReturnPaths paths_{"a secret of the deployment, 32 bytes or more"};
};

/// "bounced permanent 5.1.1 a@b" per feedback.
std::vector<std::string> lines(const Result<Bounce, NoBounce>& bounce) {
  if (!bounce) return {std::string(name_of(bounce.error()))};
  std::vector<std::string> out;
  for (const outbox::Feedback& feedback : bounce->feedback) {
    std::string line(outbox::name_of(feedback.kind));
    if (feedback.kind == FeedbackKind::bounced) {
      line += feedback.bounce_type == BounceType::permanent   ? " permanent "
              : feedback.bounce_type == BounceType::transient ? " transient "
                                                              : " undetermined ";
      line += feedback.bounce_sub_type;
    }
    for (const auto& recipient : feedback.recipients) line += " " + recipient.address;
    out.push_back(line);
  }
  return out;
}

TEST_F(BounceTest, TheTokenNamesTheMessageAndTheReportItsRecipients) {
  const auto bounce = read(sample("exim"));
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->message, kMessage);
  EXPECT_THAT(lines(bounce), ElementsAre("bounced permanent 5.0.0 gone@example.org"));
  EXPECT_EQ(bounce->feedback[0].source, "dsn");
  EXPECT_EQ(bounce->feedback[0].message, kMessage);
  EXPECT_EQ(bounce->feedback[0].occurred_at, kNow);
  EXPECT_THAT(bounce->feedback[0].recipients[0].detail, testing::HasSubstr("User unknown"));
}

TEST_F(BounceTest, EachActionHasItsMeaning) {
  EXPECT_THAT(lines(read(sample("several_recipients"))),
              ElementsAre("delivered one@example.org", "bounced transient 4.4.7 three@example.org"));
  EXPECT_THAT(lines(read(sample("opensmtpd_delayed"))), ElementsAre("delayed busy@example.org"));
}

TEST_F(BounceTest, WithoutAStatusTheQuotedReplySaysForHowLong) {
  EXPECT_THAT(lines(read(sample("broken"))),
              ElementsAre("bounced permanent  first@example.org", "bounced permanent  plain@example.org"));
}

TEST_F(BounceTest, TheEnvelopeOfTheReportCountsWhereItIsKnown) {
  const std::string raw = sample("exim", kOther);
  EXPECT_THAT(lines(read(raw, {path_of(kMessage)})), ElementsAre("bounced permanent 5.0.0 gone@example.org"));
  EXPECT_THAT(lines(read(raw, {"postmaster@example.com"})), ElementsAre("no_token"));
}

TEST_F(BounceTest, AHeaderThatAnybodyHasSeenIdentifiesNothing) {
  std::string raw = sample("exim");
  for (auto at = raw.find('+'); at != std::string::npos; at = raw.find('+', at + 1)) {
    if (raw.compare(at - 7, 7, "bounces") == 0) raw.erase(at, raw.find('@', at) - at);
  }
  EXPECT_NE(raw.find("X-E2A-Message-ID: " + kMessage.str()), std::string::npos);
  EXPECT_THAT(lines(read(raw)), ElementsAre("no_token"));
}

TEST_F(BounceTest, AReportThatQuotesAnotherMessageIsNotApplied) {
  EXPECT_THAT(lines(read(sample("exim", kOther))), ElementsAre("other_message"));
}

TEST_F(BounceTest, FormsOfSingleServersAreNotGuessedAt) {
  EXPECT_THAT(lines(read(sample("qmail"))), ElementsAre("no_report"));
  EXPECT_THAT(lines(read(sample("out_of_office"))), ElementsAre("no_report"));
  EXPECT_THAT(lines(read(sample("read_receipt"))), ElementsAre("no_report"));
}

TEST_F(BounceTest, AComplaintIsFoundByTheEnvelopeSenderItQuotes) {
  EXPECT_THAT(lines(read(sample("complaint"))), ElementsAre("complained annoyed@example.net"));
}

TEST_F(BounceTest, AComplaintWithoutARecipientIsThatOfTheOnlyOne) {
  std::string raw = sample("complaint");
  const std::string field = "Original-Rcpt-To: <annoyed@example.net>\n";
  raw.erase(raw.find(field), field.size());
  EXPECT_THAT(lines(read(raw)), ElementsAre("complained annoyed@example.net"));
  const std::string to = "To: annoyed@example.net\n";
  raw.replace(raw.find(to), to.size(), "To: annoyed@example.net, other@example.net\n");
  EXPECT_THAT(lines(read(raw)), IsEmpty());
}

TEST_F(BounceTest, ThatSomethingIsNoSpamIsNoComplaint) {
  std::string raw = sample("complaint");
  raw.replace(raw.find("Feedback-Type: abuse"), 20, "Feedback-Type: not-spam");
  EXPECT_THAT(lines(read(raw)), IsEmpty());
}

TEST_F(BounceTest, TheSameReportIsTheSameEventAndEveryOtherAnother) {
  const auto first = read(sample("several_recipients"));
  const auto again = read(sample("several_recipients"));
  ASSERT_EQ(first->feedback.size(), 2u);
  EXPECT_EQ(first->feedback[0].event_id, again->feedback[0].event_id);
  EXPECT_NE(first->feedback[0].event_id, first->feedback[1].event_id);
  const auto later = read("X-Later: yes\n" + sample("several_recipients"));
  EXPECT_NE(later->feedback[0].event_id, first->feedback[0].event_id);
}

}  // namespace
}  // namespace countersign::provider::feedback
