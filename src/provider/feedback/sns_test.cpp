#include "provider/feedback/sns.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace countersign::provider::feedback {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

json::object notification() {
  return {{"Type", "Notification"},
          {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
          {"TopicArn", "arn:aws:sns:us-west-2:123456789012:MyTopic"},
          {"Subject", "My First Message"},
          {"Message", "Hello\nworld!"},
          {"Timestamp", "2026-05-02T00:54:06.655Z"},
          {"SignatureVersion", "1"},
          {"Signature", "EXAMPLEw6JRN"},
          {"SigningCertURL", "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecf.pem"},
          {"UnsubscribeURL", "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe"}};
}

json::object confirmation() {
  json::object out = notification();
  out["Type"] = "SubscriptionConfirmation";
  out["Token"] = "2336412f37";
  out["SubscribeURL"] = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription";
  out.erase("Subject");
  return out;
}

std::string fault(const json::object& envelope) {
  const auto parsed = parse_sns(json::serialize(envelope));
  return parsed ? "" : parsed.error();
}

TEST(Sns, TheSignedTextOfANotificationIsTheDocumentedOne) {
  const auto envelope = parse_sns(json::serialize(notification()));
  ASSERT_TRUE(envelope.has_value()) << envelope.error();
  EXPECT_EQ(signed_text(*envelope),
            "Message\nHello\nworld!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
            "Subject\nMy First Message\nTimestamp\n2026-05-02T00:54:06.655Z\n"
            "TopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\nType\nNotification\n");
  EXPECT_EQ(to_rfc3339(envelope->timestamp), "2026-05-02T00:54:06.655000Z");
  EXPECT_EQ(envelope->signature_version, 1);
}

TEST(Sns, ASubjectThatIsNotThereIsNotSigned) {
  json::object without = notification();
  without.erase("Subject");
  const auto envelope = parse_sns(json::serialize(without));
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(signed_text(*envelope).find("Subject"), std::string::npos);
}

TEST(Sns, TheSignedTextOfConfirmationsHasTokenAndUrl) {
  for (const char* type : {"SubscriptionConfirmation", "UnsubscribeConfirmation"}) {
    json::object given = confirmation();
    given["Type"] = type;
    const auto envelope = parse_sns(json::serialize(given));
    ASSERT_TRUE(envelope.has_value()) << envelope.error();
    EXPECT_EQ(signed_text(*envelope),
              std::string("Message\nHello\nworld!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
                          "SubscribeURL\nhttps://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription\n"
                          "Timestamp\n2026-05-02T00:54:06.655Z\nToken\n2336412f37\n"
                          "TopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\nType\n") +
                  type + "\n");
  }
}

TEST(Sns, EveryMemberIsNeededAsOneLineOfText) {
  for (const char* name : {"MessageId", "TopicArn", "Timestamp", "SigningCertURL", "SignatureVersion",
                           "Signature", "Token", "SubscribeURL"}) {
    for (const json::value& wrong :
         {json::value(nullptr), json::value(7), json::value(""), json::value("a\nb"), json::value("a\x01"),
          json::value(std::string(5000, 'x'))}) {
      json::object given = confirmation();
      given[name] = wrong;
      EXPECT_THAT(fault(given), HasSubstr(name)) << wrong;
    }
  }
}

TEST(Sns, OtherTypesVersionsTimesAndSignaturesAreRefused) {
  const auto with = [](const char* name, const json::value& value) {
    json::object given = notification();
    given[name] = value;
    return fault(given);
  };
  EXPECT_THAT(with("Type", "Other"), HasSubstr("Type"));
  EXPECT_THAT(with("Type", nullptr), HasSubstr("Type"));
  EXPECT_THAT(with("SignatureVersion", "3"), HasSubstr("SignatureVersion"));
  EXPECT_THAT(with("Timestamp", "yesterday"), HasSubstr("Timestamp"));
  EXPECT_THAT(with("Signature", "?"), HasSubstr("Signature"));
  EXPECT_THAT(with("Message", 7), HasSubstr("Message"));
  EXPECT_THAT(with("Message", json::value(std::string(300'000, 'x'))), HasSubstr("Message"));
  EXPECT_THAT(with("Subject", "two\nlines"), HasSubstr("Subject"));
  EXPECT_EQ(with("Subject", nullptr), "");
  for (const char* text : {"", "[]", "{", "\"x\"", "{\"Type\":\"Notification\"} x"}) {
    EXPECT_FALSE(parse_sns(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_sns(std::string(kSnsBodyBytesMax + 1, ' ')).has_value());
}

TEST(Sns, OnlyHostsOfSnsAreHostsOfSns) {
  for (const char* host : {"sns.eu-west-1.amazonaws.com", "sns.us-gov-west-1.amazonaws.com",
                           "sns.cn-north-1.amazonaws.com.cn"}) {
    EXPECT_TRUE(is_sns_host(host)) << host;
  }
  for (const char* host :
       {"", "sns.amazonaws.com", "sns..amazonaws.com", "sns.eu.amazonaws.com", "evil.example",
        "sns.eu-west-1.amazonaws.com.evil.example", "sns.eu-west-1.amazonaws.com.",
        "sns.evil.eu-west-1.amazonaws.com", "xsns.eu-west-1.amazonaws.com",
        "sns.eu-west-1.amazonaws.com.cn.cn", "sns.eu-west-1xamazonaws.com", "sns.eu_west_1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com", "sns.EU-WEST-1.amazonaws.com"}) {
    EXPECT_FALSE(is_sns_host(host)) << host;
  }
}

TEST(Sns, UrlsHaveOneReadingOrNone) {
  const auto url = parse_web_url("HTTPS://SNS.eu-west-1.amazonaws.com:443/a.pem?x=1");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->authority(), "sns.eu-west-1.amazonaws.com:443");
  EXPECT_EQ(url->path, "/a.pem");
  EXPECT_EQ(url->query, "x=1");
  for (const char* text :
       {"", "sns.eu-west-1.amazonaws.com/a.pem", "ftp://sns.eu-west-1.amazonaws.com/a.pem",
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/a.pem", "https://sns.eu-west-1.amazonaws.com",
        "https:///a.pem", "https://sns.eu-west-1.amazonaws.com:/a.pem",
        "https://sns.eu-west-1.amazonaws.com:x/a.pem", "https://sns.eu-west-1.amazonaws.com:123456/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem#x", "https://sns.eu-west-1.amazonaws.com/a .pem",
        "https://sns.eu-west-1.amazonaws.com%2f/a.pem",
        "https://evil.example?@sns.eu-west-1.amazonaws.com/a.pem", "https://[::1]/a.pem"}) {
    EXPECT_EQ(parse_web_url(text).has_value(), false) << text;
  }
}

}  // namespace
}  // namespace countersign::provider::feedback
