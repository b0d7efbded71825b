#include "provider/feedback/ses_event.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace countersign::provider::feedback {
namespace {

namespace json = boost::json;
using outbox::BounceType;
using outbox::Feedback;
using outbox::FeedbackKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kMessage = "msg_0192f0c1d2e30123456789abcdefff00";
constexpr std::string_view kSubmission = "sub_0192f0c1d2e30123456789abcdefff01";
constexpr std::string_view kSesId = "0102017fab12cd34-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee-000000";
const UtcTime kPublished = parse_rfc3339("2026-11-24T10:00:09.000Z").value();

json::object mail() {
  return {{"timestamp", "2026-11-24T10:00:00.000Z"},
          {"source", "bounces@bounce.example.org"},
          {"messageId", kSesId},
          {"destination", {"one@example.org", "two@example.org"}},
          {"headersTruncated", false},
          {"headers",
           {{{"name", "From"}, {"value", "ada@example.org"}},
            {{"name", "x-e2a-message-id"}, {"value", kMessage}}}},
          {"tags",
           {{"ses:configuration-set", {"countersign"}},
            {"countersign-message", {kMessage}},
            {"countersign-submission", {kSubmission}}}}};
}

std::string event(std::string_view type, std::string_view details_name, const json::object& details,
                  const json::object& about = mail(), std::string_view type_name = "eventType") {
  return json::serialize(json::object{{type_name, type}, {"mail", about}, {details_name, details}});
}

Feedback read(const std::string& message) {
  auto event = read_ses_event(message, "sns-1", kPublished);
  EXPECT_TRUE(event.has_value()) << (event ? "" : event.error());
  return std::get<Feedback>(event.value());
}
std::string nothing(const std::string& message) {
  auto event = read_ses_event(message, "sns-1", kPublished);
  return event ? std::get<NothingToDo>(*event).kind : "refused: " + event.error();
}
std::string refusal(const std::string& message) {
  auto event = read_ses_event(message, "sns-1", kPublished);
  return event ? "" : event.error();
}

std::vector<std::string> lines(const Feedback& feedback) {
  std::vector<std::string> out;
  for (const auto& recipient : feedback.recipients)
    out.push_back(recipient.address + ": " + recipient.detail);
  return out;
}

json::object bounce(std::string_view type, std::string_view sub_type) {
  return {{"feedbackId", "f-1"},
          {"bounceType", type},
          {"bounceSubType", sub_type},
          {"bouncedRecipients",
           {{{"emailAddress", "One <One@Example.org>"},
             {"action", "failed"},
             {"status", "5.1.1"},
             {"diagnosticCode", "smtp; 550 5.1.1 <one@example.org>... User unknown"}},
            {{"emailAddress", "two@example.org"}, {"status", "5.2.0"}},
            {{"emailAddress", "three@example.org"}}}},
          {"timestamp", "2026-11-24T10:00:07.123Z"},
          {"reportingMTA", "dsn; a8-70.smtp-out.amazonses.com"}};
}

TEST(SesEvent, ABounceNamesEachRecipientWithWhatItsServerSaid) {
  const Feedback feedback = read(event("Bounce", "bounce", bounce("Permanent", "General")));
  EXPECT_EQ(feedback.source, "ses");
  EXPECT_EQ(feedback.event_id, "sns-1");
  EXPECT_EQ(feedback.kind, FeedbackKind::bounced);
  EXPECT_EQ(feedback.bounce_type, BounceType::permanent);
  EXPECT_EQ(feedback.bounce_sub_type, "General");
  EXPECT_THAT(lines(feedback),
              ElementsAre("one@example.org: smtp; 550 5.1.1 <one@example.org>... User unknown",
                          "two@example.org: 5.2.0", "three@example.org: "));
  EXPECT_EQ(feedback.message.str(), kMessage);
  EXPECT_EQ(feedback.submission.str(), kSubmission);
  EXPECT_EQ(feedback.provider_message_id, kSesId);
  EXPECT_EQ(to_rfc3339(feedback.occurred_at), "2026-11-24T10:00:07.123000Z");
}

TEST(SesEvent, TheOlderNotificationsReadTheSame) {
  const Feedback now = read(event("Bounce", "bounce", bounce("Transient", "MailboxFull")));
  const Feedback then =
      read(event("Bounce", "bounce", bounce("Transient", "MailboxFull"), mail(), "notificationType"));
  EXPECT_EQ(then.bounce_type, BounceType::transient);
  EXPECT_EQ(lines(then), lines(now));
  EXPECT_EQ(then.message, now.message);
}

TEST(SesEvent, BounceTypesThatAreNotKnownAreUndetermined) {
  EXPECT_EQ(read(event("Bounce", "bounce", bounce("Undetermined", "Undetermined"))).bounce_type,
            BounceType::undetermined);
  EXPECT_EQ(read(event("Bounce", "bounce", bounce("New", "Thing"))).bounce_type, BounceType::undetermined);
}

TEST(SesEvent, DeliveriesDelaysAndComplaints) {
  const Feedback delivery = read(event("Delivery", "delivery",
                                       {{"timestamp", "2026-11-24T10:00:03.000Z"},
                                        {"recipients", {"one@example.org", "two@example.org"}},
                                        {"smtpResponse", "250 2.6.0 Message received"}}));
  EXPECT_EQ(delivery.kind, FeedbackKind::delivered);
  EXPECT_THAT(lines(delivery), ElementsAre("one@example.org: 250 2.6.0 Message received",
                                           "two@example.org: 250 2.6.0 Message received"));
  const Feedback delay = read(event("DeliveryDelay", "deliveryDelay",
                                    {{"delayType", "MailboxFull"},
                                     {"timestamp", "2026-11-24T11:00:03.000Z"},
                                     {"delayedRecipients", {{{"emailAddress", "one@example.org"}}}}}));
  EXPECT_EQ(delay.kind, FeedbackKind::delayed);
  EXPECT_THAT(lines(delay), ElementsAre("one@example.org: MailboxFull"));
  const Feedback complaint = read(event("Complaint", "complaint",
                                        {{"complaintFeedbackType", "abuse"},
                                         {"timestamp", "2026-11-24T12:00:03.000Z"},
                                         {"complainedRecipients", {{{"emailAddress", "one@example.org"}}}}}));
  EXPECT_EQ(complaint.kind, FeedbackKind::complained);
  EXPECT_THAT(lines(complaint), ElementsAre("one@example.org: abuse"));
}

TEST(SesEvent, WhatConcernsTheWholeMessageNamesNobody) {
  const Feedback sent = read(event("Send", "send", {}));
  EXPECT_EQ(sent.kind, FeedbackKind::sent);
  EXPECT_THAT(sent.recipients, IsEmpty());
  EXPECT_EQ(to_rfc3339(sent.occurred_at), "2026-11-24T10:00:00.000000Z");
  const Feedback reject = read(event("Reject", "reject", {{"reason", "Bad content"}}));
  EXPECT_EQ(reject.kind, FeedbackKind::rejected);
  EXPECT_EQ(reject.detail, "Bad content");
  EXPECT_EQ(reject.occurred_at, kPublished);
  const Feedback failure =
      read(event("Rendering Failure", "failure", {{"errorMessage", "no name"}, {"templateName", "t"}}));
  EXPECT_EQ(failure.kind, FeedbackKind::rendering_failed);
  EXPECT_EQ(failure.detail, "no name");
}

TEST(SesEvent, SaysNothingWhereNothingHappenedToAMessage) {
  EXPECT_EQ(nothing(event("Open", "open", {})), "other_event");
  EXPECT_EQ(nothing(event("Click", "click", {})), "other_event");
  EXPECT_EQ(nothing(event("Subscription", "subscription", {})), "other_event");
  EXPECT_EQ(nothing(R"({"notificationType":"AmazonSnsSubscriptionSucceeded","message":"You have…"})"),
            "test_message");
  EXPECT_EQ(nothing("Successfully validated SNS topic for Amazon SES event publishing."), "test_message");
  EXPECT_EQ(nothing(event("Complaint", "complaint",
                          {{"complaintFeedbackType", "not-spam"},
                           {"complainedRecipients", {{{"emailAddress", "one@example.org"}}}}})),
            "not_spam");
}

TEST(SesEvent, WithoutTagsTheHeaderNamesTheMessage) {
  json::object about = mail();
  about.erase("tags");
  const Feedback by_header = read(event("Send", "send", {}, about));
  EXPECT_EQ(by_header.message.str(), kMessage);
  EXPECT_TRUE(by_header.submission.empty());
  about.erase("headers");
  const Feedback by_id = read(event("Send", "send", {}, about));
  EXPECT_TRUE(by_id.message.empty());
  EXPECT_EQ(by_id.provider_message_id, kSesId);
}

TEST(SesEvent, IdsOfAnotherShapeCountAsAbsent) {
  for (const json::value& wrong :
       {json::value("msg_1"), json::value("MSG_0192F0C1D2E30123456789ABCDEFFF00"), json::value(7),
        json::value(nullptr), json::value(std::string(kMessage) + "0"),
        json::value(std::string(kMessage.substr(0, 35)) + "\n")}) {
    json::object about = mail();
    about.erase("headers");
    json::object& tags = about["tags"].as_object();
    tags["countersign-message"] = json::array{wrong};
    tags["countersign-submission"] = wrong;
    const Feedback feedback = read(event("Send", "send", {}, about));
    EXPECT_TRUE(feedback.message.empty()) << wrong;
    EXPECT_TRUE(feedback.submission.empty()) << wrong;
  }
}

TEST(SesEvent, MailToAReviewerIsNoMessageOfTheOutbox) {
  json::object about = mail();
  about.erase("headers");
  json::object& tags = about["tags"].as_object();
  tags["countersign-message"] = json::array{"rmail_0192f0c1d2e30123456789abcdefff00"};
  tags["countersign-submission"] = json::array{"rmail_0192f0c1d2e30123456789abcdefff00"};
  EXPECT_EQ(nothing(event("Send", "send", {}, about)), "review_mail");
  EXPECT_EQ(nothing(event("Bounce", "bounce", bounce("Permanent", "General"), about)), "review_mail");
}

TEST(SesEvent, RefusesWhatIsNoEvent) {
  for (const char* text : {"", "[]", "7", "{", "null", "{}", R"({"eventType":7})"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  EXPECT_THAT(refusal(R"({"eventType":"Bounce","mail":{}})"), HasSubstr("lacks its mail or its bounce"));
  EXPECT_THAT(refusal(R"({"eventType":"Bounce","bounce":{}})"), HasSubstr("lacks its mail or its bounce"));
  EXPECT_THAT(refusal(std::string(100, '[')), HasSubstr("no JSON object"));
}

TEST(SesEvent, ABounceOfNobodyIsNotABounceOfEverybody) {
  for (const json::value& list :
       {json::value(json::array{}), json::value(nullptr), json::value(json::array{7, "x"}),
        json::value(json::array{json::object{{"emailAddress", "no address"}}})}) {
    EXPECT_THAT(
        refusal(event("Bounce", "bounce", {{"bounceType", "Permanent"}, {"bouncedRecipients", list}})),
        HasSubstr("names no recipient"))
        << list;
  }
}

TEST(SesEvent, TextsFitTheJournalAndListsTheirMaximum) {
  json::array many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back(json::object{{"emailAddress", fmt::format("r{}@example.org", i)},
                                {"diagnosticCode", "550\r\n" + std::string(5000, 'x') + "\x01"}});
  }
  const Feedback feedback =
      read(event("Bounce", "bounce", {{"bounceType", "Permanent"}, {"bouncedRecipients", many}}));
  EXPECT_EQ(feedback.recipients.size(), 100u);
  EXPECT_LE(feedback.recipients.front().detail.size(), 2048u);
  EXPECT_EQ(feedback.recipients.front().detail.find_first_of("\r\n"), std::string::npos);
}

}  // namespace
}  // namespace countersign::provider::feedback
